"""What the figures depend on: the machine, the versions, the commit, who else was computing."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from skinfw.runtime.prefetch import usable_cores

PACKAGES = (
    "skinfw", "torch", "torchvision", "numpy", "opencv-python-headless", "pillow", "timm",
    "scikit-learn", "albumentations", "lightning", "grad-cam", "onnxruntime",
)  # fmt: skip


def describe() -> dict[str, Any]:
    """Return the facts that a reader needs beside the figures."""
    return {
        "cpu": _cpu(),
        "cores": usable_cores(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
        "commit": _commit(),
        "load_before": load(),
    }


def load() -> float:
    """Return the load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def peak_memory() -> float:
    """Return the largest resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage would count what the parent had before this program began
        line = next(text for text in status.read_text().splitlines() if text.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS


def _cpu() -> str:
    file = Path("/proc/cpuinfo")
    if file.is_file():
        for line in file.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str:
    """Return the commit, marked where files differ from it; empty outside a checkout."""
    folder = Path(__file__).parent
    told = [
        subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
        for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain"])
    ]
    if told[0].returncode:
        return ""
    return told[0].stdout.strip() + (" with changes" if told[1].stdout.strip() else "")

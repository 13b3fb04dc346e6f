"""torch, the processor and the GPUs, as a process of its own tells."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from skinfw_doctor.page import Finding, Section

_SECONDS = 120
_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile")
_REINSTALL = "pip install --force-reinstall torch torchvision"


def looks(root: Path = Path("/")) -> dict[str, Callable[[], Section]]:
    """Ask torch once, and return the looks at torch, the processor and the GPUs.

    root: of the file system.
    """
    told, problem = _ask()
    if problem:
        broken = Finding("broken", f"torch cannot be used: {problem}", _REINSTALL)
        return {
            "torch": lambda: Section("torch", {"": "cannot be used"}, [broken]),
            "processor": lambda: processor({}, root),
        }
    return {
        "torch": lambda: _torch(told),
        "processor": lambda: processor(told, root),
        "gpus": lambda: gpus(told, root),
    }


def _ask() -> tuple[Mapping[str, Any], str]:
    """Run the probe; return what it told, or why it told nothing."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "skinfw_doctor.torch_probe"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {}, f"its import has not ended after {_SECONDS} s"
    except (OSError, ValueError) as error:
        return {}, f"Python cannot be started once more: {error}"
    if done.returncode < 0:
        try:
            return {}, f"its import died of {signal.Signals(-done.returncode).name}"
        except ValueError:
            return {}, f"its import died of signal {-done.returncode}"
    output = done.stdout.decode("utf-8", "replace").strip().splitlines()
    try:
        told = json.loads(output[-1])
    except (IndexError, ValueError):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return {}, said[-1] if said else f"its process ended with {done.returncode}"
    return told, ""


def _torch(told: Mapping[str, Any]) -> Section:
    build = f"CUDA {told['cuda']}" if told["cuda"] else f"ROCm {told['rocm']}"
    facts = {
        "": told["version"],
        "built for": build if told["cuda"] or told["rocm"] else "processors",
        "threads": told["threads"],
        "oneDNN": "yes" if told["oneDNN"] else "no",
        "mps": "yes" if told["mps"] else None,
    }
    findings = []
    if not told["oneDNN"]:
        what = "torch was built without oneDNN: on a processor, convolutions take much longer"
        findings.append(Finding("slow", what, _REINSTALL))
    return Section("torch", facts, findings)


def processor(told: Mapping[str, Any], root: Path) -> Section:
    """Tell what the processor can do, and what it did in two short trials.

    told: by the probe; empty where it told nothing.
    root: of the file system.
    """
    lines = _cpuinfo(root)
    flags = set(lines.get("flags", lines.get("Features", "")).split())
    units = [flag for flag in _FLAGS if flag in flags]
    fast, alone = told.get("gigaflops"), told.get("gigaflops_of_one")
    facts = {
        "": lines.get("model name") or platform.processor() or platform.machine(),
        "units": ", ".join(units) or told.get("vector units"),
        "matrices": f"{fast:.0f} GFLOP/s" if fast else None,
        "on one thread": f"{alone:.0f} GFLOP/s" if alone else None,
        "a JPEG of 600x450": f"{told['decode_ms']:.1f} ms" if "decode_ms" in told else None,
    }
    findings = []
    if told.get("vector units") == "DEFAULT":
        what = "torch finds no vector units in this processor"
        findings.append(Finding("slow", what, "another machine, or torch built for this one"))
    if fast and alone and fast < 1.1 * alone:
        what = (
            f"{told['threads']} threads are no faster than one ({fast:.0f} and {alone:.0f} "
            "GFLOP/s): others use the cores, or there are fewer than it seems"
        )
        findings.append(Finding("slow", what, "look for other programs, or set OMP_NUM_THREADS"))
    return Section("processor", facts, findings)


def gpus(told: Mapping[str, Any], root: Path) -> Section:
    """Tell what the GPUs are, or why torch finds none.

    told: by the probe.
    root: of the file system.
    """
    facts: dict[str, Any] = {}
    findings: list[Finding] = []
    driver = _driver(root)
    for number, gpu in enumerate(told.get("gpus", [])):
        bf16 = "bf16" if gpu["bf16"] else "no bf16"
        facts[f"{number}"] = (
            f"{gpu['name']}, {gpu['free']} of {gpu['gigabytes']} GB free, "
            f"capability {gpu['capability']}, {bf16}"
        )
        if not gpu["kernels"]:
            what = f"torch {told['version']} was not built for {gpu['name']} ({gpu['capability']})"
            cure = 'install a torch build that names this capability, or engine.device = "cpu"'
            findings.append(Finding("broken", what, cure))
    if driver:
        facts["driver"] = driver
    if not told.get("gpus"):
        facts[""] = "none that torch can use"
        why = told.get("gpu_error", "")
        if driver and os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
            what = "CUDA_VISIBLE_DEVICES hides the GPUs"
            findings.append(Finding("slow", what, "unset CUDA_VISIBLE_DEVICES"))
        elif driver and not told.get("cuda"):
            what = "there is an NVIDIA GPU, and this torch was built for processors alone"
            findings.append(Finding("slow", what, "install torch from its index of CUDA builds"))
        elif driver or why:
            what = f"torch cannot use the GPU (driver {driver or 'unknown'}, built for CUDA "
            cure = "a newer driver, or torch built for an older CUDA; in a container, --gpus all"
            findings.append(Finding("slow", f"{what}{told.get('cuda')}) {why}".strip(), cure))
    return Section("gpus", facts, findings)


def _driver(root: Path) -> str:
    """Return the version of NVIDIA's driver, as its own file tells."""
    try:
        text = (root / "proc/driver/nvidia/version").read_text(errors="replace")
    except OSError:
        return "unknown" if (root / "dev/nvidia0").exists() else ""
    words = text.split()
    return next((word for word in words if word[:1].isdecimal() and "." in word), "unknown")


def _cpuinfo(root: Path) -> Mapping[str, str]:
    """Return what /proc tells of the first processor."""
    try:
        text = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    first = text.split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}

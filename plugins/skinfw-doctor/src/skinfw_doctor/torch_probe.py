"""Look at torch and its devices, in a process that may die of it; prints JSON.

A broken library may end a process without a word. So this is run as a program of its own.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_SECONDS = 0.25


def probe(torch: Any) -> dict[str, Any]:
    """Return what torch says of itself and of the devices, and how fast two trials were."""
    told: dict[str, Any] = {
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "rocm": getattr(torch.version, "hip", None),
        "threads": torch.get_num_threads(),
        "vector units": torch.backends.cpu.get_cpu_capability(),
        "oneDNN": torch.backends.mkldnn.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    try:
        told["gpus"] = _gpus(torch)
    except Exception as error:
        told["gpu_error"] = f"{type(error).__name__}: {error}"
    told |= _trials(torch)
    return told


def _gpus(torch: Any) -> list[dict[str, Any]]:
    if not torch.cuda.is_available():
        return []
    kernels = torch.cuda.get_arch_list()
    gpus = []
    for number in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(number)
        free, total = torch.cuda.mem_get_info(number)
        gpus.append(
            {
                "name": about.name,
                "gigabytes": round(total / 1e9, 1),
                "free": round(free / 1e9, 1),
                "capability": f"{about.major}.{about.minor}",
                "bf16": torch.cuda.is_bf16_supported(including_emulation=False),
                "kernels": _has_kernels(kernels, about.major, about.minor),
            }
        )
    return gpus


def _has_kernels(kernels: list[str], major: int, minor: int) -> bool:
    """Tell whether torch was built for a GPU: its own kernels, or older ones of its family."""
    own = []
    for name in kernels:
        kind, _, number = name.partition("_")
        digits = number.rstrip("abcdefghijklmnopqrstuvwxyz")
        if not digits.isdecimal():
            continue
        theirs = (int(digits[:-1]), int(digits[-1]))
        same_family = kind == "compute" or theirs[0] == major
        own.append(same_family and theirs <= (major, minor))
    return any(own) or not own


def _trials(torch: Any) -> dict[str, float]:
    """Multiply matrices with all threads and with one, and decode an image again and again."""
    threads = torch.get_num_threads()
    a, b = torch.ones(512, 512), torch.ones(512, 512)
    work = 2 * 512**3 / 1e9
    told = {"gigaflops": work / _seconds(lambda: a @ b)}
    if threads > 1:
        torch.set_num_threads(1)
        told["gigaflops_of_one"] = work / _seconds(lambda: a @ b)
    with suppress(ImportError):  # told elsewhere
        told["decode_ms"] = 1000 * _seconds(_decoder())
    return told


def _decoder() -> Callable[[], object]:
    """Return what decodes an image of 600x450 with skin-like detail."""
    import cv2
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(0).integers(90, 200, (113, 150, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(noise).resize((600, 450)).save(content, "JPEG", quality=90)
    encoded = np.frombuffer(content.getvalue(), np.uint8)
    cv2.setNumThreads(1)
    return lambda: cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)


def _seconds(work: Callable[[], object]) -> float:
    """Return the shortest time of some calls."""
    work()
    best, end = float("inf"), time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


if __name__ == "__main__":
    import torch

    print(json.dumps(probe(torch)))

"""Python, system, cores, memory and limits, as far as the system tells."""

from __future__ import annotations

import locale
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from skinfw.toolkit import usable_cores
from skinfw_doctor.page import Finding, Section

_GB = 1e9
_FEW_FILES = 1024
_LITTLE_MEMORY = 4 * _GB
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_PROC_BIND")
_CONTAINERS = ("docker", "kubepods", "containerd", "lxc", "libpod", "garden")


def python() -> Section:
    """Look at the interpreter and its environment."""
    inside = sys.prefix != sys.base_prefix
    facts = {
        "": f"{platform.python_version()} {platform.python_implementation()}",
        "environment": "conda" if os.environ.get("CONDA_PREFIX") and not inside
        else "virtual" if inside else "the system's",
        "files": sys.getfilesystemencoding(),
        "output": getattr(sys.stdout, "encoding", None),
        "locale": locale.getlocale()[0] or "C",
    }  # fmt: skip
    findings = []
    if (sys.getfilesystemencoding() or "").lower().replace("-", "") != "utf8":
        what = f"file names are read as {sys.getfilesystemencoding()}: others cannot be opened"
        findings.append(Finding("note", what, "PYTHONUTF8=1"))
    if os.environ.get("PYTHONDEVMODE") or sys.flags.dev_mode:
        findings.append(Finding("slow", "Python runs in development mode", "unset PYTHONDEVMODE"))
    return Section("python", facts, findings)


def system(root: Path = Path("/")) -> Section:
    """Look at the system and what may be above it.

    root: of the file system.
    """
    facts = {
        "": f"{platform.system()} {platform.release()} {platform.machine()}",
        "libc": " ".join(platform.libc_ver()).strip() or None,
        "container": _container(root),
        "batch": next((name for name in ("SLURM", "PBS", "LSB")
                       if f"{name}_JOBID" in os.environ or f"{name}_JOB_ID" in os.environ), None),
    }  # fmt: skip
    return Section("system", facts)


def cores(root: Path = Path("/")) -> Section:
    """Compare the cores of the machine, of this process and of its control group.

    root: of the file system.
    """
    whole, own, quota = os.cpu_count(), usable_cores(), cpu_quota(root)
    set_here = {name: os.environ[name] for name in _THREADS if name in os.environ}
    facts = {
        "": f"{whole or '?'} of the machine, {own} for this process",
        "quota": f"{quota:g}" if quota else "none",
        **set_here,
    }
    threads = set_here.get("OMP_NUM_THREADS", "")
    findings = []
    if quota and quota < own and not threads.isdecimal():
        what = f"{own} threads share a quota of {quota:g} cores, and are stopped now and then"
        cure = f"OMP_NUM_THREADS={max(1, int(quota))}"
        findings.append(Finding("slow", what, cure))
    elif threads.isdecimal() and int(threads) < int(quota or own):
        what = f"OMP_NUM_THREADS={threads} uses {threads} of {int(quota or own)} cores"
        findings.append(Finding("slow", what, "unset OMP_NUM_THREADS"))
    elif threads.isdecimal() and int(threads) > own:
        what = f"OMP_NUM_THREADS={threads} threads share {own} cores"
        findings.append(Finding("slow", what, f"OMP_NUM_THREADS={own}"))
    if whole and own < whole and not quota:
        what = f"this process may use {own} of {whole} cores"
        findings.append(Finding("note", what, "taskset, or the batch system, gives it others"))
    return Section("cores", facts, findings)


def memory(root: Path = Path("/")) -> Section:
    """Look at memory, swap, and what the control group allows.

    root: of the file system.
    """
    told = _meminfo(root)
    limit = _least(_control_group(root, "memory.max", "memory/memory.limit_in_bytes"))
    total = told.get("MemTotal")
    if limit is not None and (total is None or limit < total):
        allowed: float | None = limit
    else:
        allowed = total
    used = told.get("SwapTotal", 0) - told.get("SwapFree", 0)
    facts = {
        "": f"{_gigabytes(told.get('MemAvailable'))} of {_gigabytes(total)} free",
        "limit": _gigabytes(limit) if limit is not None and allowed == limit else "none",
        "swap": f"{_gigabytes(used)} of {_gigabytes(told['SwapTotal'])} used"
        if told.get("SwapTotal") else "none" if told else None,
        "shared memory": _shared_memory(root),
    }  # fmt: skip
    findings = []
    if allowed is not None and allowed < _LITTLE_MEMORY:
        what = f"there are {_gigabytes(allowed)} of memory"
        cure = "smaller train.batch_size and image.size, and backbone.use = lite/efficientnet-lite0"
        findings.append(Finding("note", what, cure))
    if used > 0.2 * told.get("SwapTotal", 1):
        what = f"{_gigabytes(used)} have been swapped out"
        findings.append(Finding("slow", what, "end other programs, or a smaller train.batch_size"))
    return Section("memory", facts, findings)


def limits() -> Section:
    """Look at what the shell allows a process."""
    try:
        import resource
    except ImportError:  # Windows has none
        return Section("limits", {})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    size = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    facts = {
        "open files": _limit(soft, resource.RLIM_INFINITY),
        "at most": _limit(hard, resource.RLIM_INFINITY),
        "file size": _limit(size, resource.RLIM_INFINITY),
    }
    findings = []
    if soft != resource.RLIM_INFINITY and soft < _FEW_FILES:
        what = f"a process may open {soft} files: shards and libraries together may need more"
        findings.append(Finding("note", what, f"ulimit -n {_FEW_FILES}"))
    return Section("limits", facts, findings)


def variables() -> Section:
    """Name the variables that change what skinfw does; paths among them are not told."""
    names = sorted(name for name in os.environ if name.startswith("SKINFW_"))
    plain = ("CUDA_VISIBLE_DEVICES", "PYTORCH_CUDA_ALLOC_CONF", "NO_COLOR", "FORCE_COLOR")
    facts = {name: os.environ[name] for name in plain if name in os.environ}
    facts |= {name: "set" for name in names}
    findings = []
    if os.environ.get("CUDA_LAUNCH_BLOCKING") == "1":
        what = "CUDA_LAUNCH_BLOCKING=1 lets the GPU wait after each operation"
        findings.append(Finding("slow", what, "unset CUDA_LAUNCH_BLOCKING"))
    if malloc := sorted(name for name in os.environ if name.startswith("MALLOC_")):
        what = f"{', '.join(malloc)}: freed memory is not kept, which costs time on a CPU"
        findings.append(Finding("slow", what, f"unset {' '.join(malloc)}"))
    return Section("variables", facts or {"": "none that matter"}, findings)


def cpu_quota(root: Path) -> float | None:
    """Return how many cores the control group of this process may use; None without a limit.

    root: of the file system.
    """
    shares = []
    for text in _control_group(root, "cpu.max", "cpu/cpu.cfs_quota_us"):
        quota, _, period = text.partition(" ")
        if quota.isdecimal() and int(quota) > 0:
            shares.append(int(quota) / int(period or 100_000))
    return min(shares, default=None)


def _control_group(root: Path, name: str, older: str) -> Iterator[str]:
    """Yield a setting of the control group and of those above it.

    older: of the first version, below its controller.
    """
    controller, _, setting = older.partition("/")
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        if not controllers:
            base, file = root / "sys/fs/cgroup", name
        elif controller in controllers.split(","):
            base, file = root / "sys/fs/cgroup" / controller, setting
        else:
            continue
        place = base / group.lstrip("/")
        # In a container the group's own path may lie outside of what can be seen.
        for folder in {base, *(one for one in (place, *place.parents) if base in one.parents)}:
            if text := _text(folder / file).strip():
                yield text


def _least(texts: Iterator[str]) -> float | None:
    return min((float(text) for text in texts if text.isdecimal() and len(text) < 18), default=None)


def _container(root: Path) -> str | None:
    if (root / ".dockerenv").exists():
        return "docker"
    if (root / "run/.containerenv").exists():
        return "podman"
    groups = _text(root / "proc/self/cgroup")
    return next((name for name in _CONTAINERS if name in groups), None)


def _meminfo(root: Path) -> Mapping[str, float]:
    told = {}
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if value.strip().removesuffix(" kB").isdecimal():
            told[name] = 1024.0 * int(value.strip().removesuffix(" kB"))
    return told


def _shared_memory(root: Path) -> str | None:
    try:
        place = os.statvfs(root / "dev/shm")
    except (OSError, AttributeError):
        return None
    return f"{_gigabytes(place.f_frsize * place.f_bavail)} free"


def _limit(value: int, infinity: int) -> str:
    return "unlimited" if value == infinity else f"{value:,}"


def _gigabytes(count: float | None) -> str:
    return "?" if count is None else f"{count / _GB:.1f} GB"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


LOOKS: dict[str, Callable[[], Section]] = {
    "python": python,
    "system": system,
    "cores": cores,
    "memory": memory,
    "limits": limits,
    "variables": variables,
}

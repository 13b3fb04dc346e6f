"""What the processor has used, where the system lets it be read: the counters of RAPL."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

ZONES = Path("/sys/class/powercap")


def read_counters(zones: Path = ZONES) -> dict[str, tuple[int, int]]:
    """Return the microjoules of each processor package so far, and where its counter begins anew.

    zones: the folder of the system. Empty where nothing can be read, as for all but the root user
    of many systems.
    """
    counters = {}
    for zone in sorted(zones.glob("*-rapl:[0-9]*")):
        if zone.name.count(":") > 1:  # a part of a package, which counts there
            continue
        with suppress(OSError, ValueError):
            energy = int((zone / "energy_uj").read_text())
            counters[zone.name] = energy, int((zone / "max_energy_range_uj").read_text())
    return counters


def joules_between(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]
) -> float | None:
    """Return what was used between two readings, by whatever ran; None where nothing was read."""
    if not before or before.keys() != after.keys():
        return None
    spent = [(energy - before[zone][0]) % (limit + 1) for zone, (energy, limit) in after.items()]
    return sum(spent) / 1e6

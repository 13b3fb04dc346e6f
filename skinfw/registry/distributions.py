"""The Python packages behind a run: which ones it needs, and one checksum of each."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def extra_packages(package: str, extra: str) -> list[str]:
    """Return the names of the packages that an extra of a package adds; none where it is absent."""
    try:
        texts = distribution(package).requires or ()
    except (PackageNotFoundError, ValueError):
        return []
    wanted = [Requirement(text) for text in texts if "extra" in text]
    return [
        canonicalize_name(own.name)
        for own in wanted
        if own.marker and own.marker.evaluate({"extra": extra})
    ]


@cache
def needed_packages(
    packages: frozenset[str], extras: frozenset[str] = frozenset()
) -> dict[str, dict[str, str]]:
    """Return the version and the checksum of packages and of all that they need, by name.

    packages: where to begin; one that is not there is left out.
    extras: of these packages, that are in use.
    """
    waiting = [(name, extras) for name in packages]
    seen: set[tuple[str, frozenset[str]]] = set()
    answer: dict[str, dict[str, str]] = {}
    while waiting:
        name, wanted = waiting.pop()
        name = canonicalize_name(name)
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        try:
            own = distribution(name)
        except (PackageNotFoundError, ValueError):
            continue
        version, requires = _metadata(own)
        if name not in answer:
            answer[name] = {"version": version, "sha256": _digest(own)}
        for text in requires:
            if "extra" in text and not wanted:
                continue
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": one}) for one in ("", *wanted)):
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return dict(sorted(answer.items()))


def _metadata(package: Distribution) -> tuple[str, list[str]]:
    """Return version and requirements; importlib reads the long description for each, too."""
    head = (package.read_text("METADATA") or "").partition("\n\n")[0].splitlines()
    version = next((line[9:] for line in head if line.startswith("Version: ")), "")
    return version, [line[15:] for line in head if line.startswith("Requires-Dist: ")]


def _digest(package: Distribution) -> str:
    """Return one SHA-256 of the files of a package; "" where it has no list of them.

    It is taken of the checksums in its RECORD. What pip writes itself, such as scripts that name
    a folder of this machine, does not count, nor does a package whose files can be edited.
    """
    if _editable(package):
        return ""
    lines = [
        line
        for line in (package.read_text("RECORD") or "").splitlines()
        if ",sha256=" in line and ".dist-info/" not in line and not line.startswith("..")
    ]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest() if lines else ""


def is_editable(package: str) -> bool:
    """Tell whether a package is installed so that its files can be edited: by its author."""
    try:
        return _editable(distribution(package))
    except PackageNotFoundError:
        return False


def _editable(package: Distribution) -> bool:
    try:
        origin = json.loads(package.read_text("direct_url.json") or "{}")
        return bool(origin.get("dir_info", {}).get("editable"))
    except (ValueError, AttributeError):
        return False

"""What differs between two locks, and whether it can change a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from skinfw.errors import SkinfwError

QUIET_KINDS = ("explainer", "report", "track", "cache")
"""Kinds whose components look at numbers and decide none."""

_QUIET_PACKAGES = {
    "annotated-types", "anyio", "certifi", "charset-normalizer", "click", "colorama", "contourpy",
    "cycler", "filelock", "fonttools", "fsspec", "h11", "hf-xet", "httpcore", "httpcore2", "httpx",
    "httpx2", "huggingface-hub", "idna", "jinja2", "kiwisolver", "markdown-it-py", "markupsafe",
    "matplotlib", "mdurl", "packaging", "pluggy", "pydantic", "pydantic-core", "pygments",
    "pyparsing", "requests", "rich", "setuptools", "shellingham", "tqdm", "truststore", "typer",
    "typing-extensions", "typing-inspection", "tzdata", "urllib3",
}  # fmt: skip
"""Packages that read, draw and print; of all others nobody knows that they decide no number."""

_QUIET_HARDWARE = ("workers",)
_QUIET_MACHINE = ("processor",)
_SOME = 5


@dataclass
class Differences:
    """Hold what differs, a line each.

    numbers: what can change a number.
    others: what cannot.
    """

    numbers: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def add(self, line: str, quiet: bool = False) -> None:
        """Add a line.

        quiet: whether it cannot change a number.
        """
        (self.others if quiet else self.numbers).append(line)

    def refuse(self, file: Path) -> None:
        """Raise SkinfwError where something differs that can change a number.

        file: the lock.
        """
        if not self.numbers:
            return
        said, more = self.numbers[:_SOME], len(self.numbers) - _SOME
        raise SkinfwError(
            "the run is not repeated: something differs that can change its numbers",
            str(file),
            "; ".join(said) + (f"; and {more} more" if more > 0 else ""),
            "restore what differs; or leave --locked out, and the run goes on and says the same",
        )


def lock_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Differences:
    """Return what differs between the lock of a run and what it would be today.

    old, new: as `make_lock` returns them.
    """
    found = Differences()
    _compare_recipes(found, old["recipe"], new["recipe"])
    _compare_code(found, old, new)
    for name, (then, now) in _changes(old["packages"], new["packages"]):
        both = [f"{one['version']}" if one else "absent" for one in (then, now)]
        if then and now and both[0] == both[1]:
            if not then["sha256"] or not now["sha256"]:
                continue
            both = ["", "other files of the same version"]
        line = f"package {name}: " + (f"{both[0]} then, {both[1]} now" if both[0] else both[1])
        found.add(line, name in _QUIET_PACKAGES or then is None)
    for table, title, quiet in (
        ("machine", "machine", _QUIET_MACHINE),
        ("hardware", "hardware", _QUIET_HARDWARE),
    ):
        for name, (then, now) in _changes(old[table], new[table]):
            found.add(f"{title}: {name} {then!r} then, {now!r} now", name in quiet)
    _compare_data(found, old, new)
    for key in ("platform", "git_commit"):
        if old[key] != new[key]:
            line = f"{key.replace('_', ' ')}: {old[key] or 'none'} then, {new[key] or 'none'} now"
            found.add(line, quiet=True)
    return found


def _compare_recipes(found: Differences, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    for keys, (then, now) in _changes(_flat(old), _flat(new)):
        table, key = keys.partition(".")[::2]
        # What [engine] comes to is the hardware of both locks.
        engine = table == "engine" and key != "eval_batch_size"
        moved = _is_path(then) and _is_path(now)  # what lies there is compared by its checksums
        quiet = engine or moved or table in QUIET_KINDS or table == "requires"
        found.add(f"recipe: {keys} = {then!r} then, {now!r} now", quiet)


def _compare_code(found: Differences, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    then, now = old["versions"]["python"], new["versions"]["python"]
    if then != now:
        same = then.split(".")[:2] == now.split(".")[:2]
        found.add(f"Python: {then} then, {now} now", same)
    if old["skinfw"] != new["skinfw"]:
        found.add("skinfw: its sources have changed")
    for name, (own, other) in _changes(old["plugins"], new["plugins"]):
        either = own or other
        quiet = all(kind in QUIET_KINDS for one in (own, other) if one for kind in one["kinds"])
        if own is None or other is None:
            found.add(f"plugin {name}: {'not used then' if own is None else 'not used now'}", quiet)
        elif own["sha256"] != other["sha256"]:
            found.add(f"plugin {name} {either['version']}: its sources have changed", quiet)
    local = [
        {
            (own["kind"], PurePath(own["use"]).name): own["source_sha256"]
            for own in lock["components"]
            if _is_path(own["use"])
        }
        for lock in (old, new)
    ]
    for (kind, use), _ in _changes(*local):
        found.add(f"{kind} {use}: its source has changed", kind in QUIET_KINDS)


def _compare_data(found: Differences, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    for line in data_differences(old["data"], new["data"]):
        found.add(f"data: {line}")
    for key in ("data_fingerprint", "split_hash", "draw_hash", "initial_weights"):
        if old[key] != new[key]:
            found.add(f"{key.replace('_', ' ')}: differs")


def data_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what differs between two records of data, a line for each file.

    old, new: as `data_record` returns them.
    """
    lines = []
    for name, (then, now) in _changes(old["files"], new["files"]):
        said = "not there" if not now else "not there then" if not then else "other bytes"
        lines.append(f"{name}: {said}")
    if old["table"] != new["table"]:
        lines.append("the table of the data set: other ids, labels, lesions or metadata")
    return lines


def _changes(
    old: Mapping[Any, Any], new: Mapping[Any, Any]
) -> Iterator[tuple[Any, tuple[Any, Any]]]:
    """Yield the keys whose values differ, with both; None stands for an absent one."""
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            yield key, (old.get(key), new.get(key))


def _flat(value: Any, above: str = "") -> dict[str, Any]:
    """Return nested tables as one, whose keys are dotted."""
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        pairs = list(enumerate(value))
    else:
        return {above: value}
    answer: dict[str, Any] = {}
    for key, item in pairs:
        answer |= _flat(item, f"{above}.{key}" if above else str(key))
    return answer


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and PurePath(value).is_absolute()

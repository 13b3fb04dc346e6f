"""The page of a doctor: facts by section, findings with cures, and nothing that names a person."""

from __future__ import annotations

import getpass
import os
import re
import socket
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Level = Literal["broken", "slow", "note"]
_HEADS: Mapping[Level, str] = {"broken": "broken", "slow": "slow", "note": "worth knowing"}
_LABEL = 12
_NOBODY = {"root", "user", "localhost", "nobody", "linux"}
_PATH = re.compile(r"(?<![\w.~/])(?:[A-Za-z]:)?(?:[\\/]+[^\\/\s'\":,;()\[\]<>]+)+[\\/]+(?=[^\s])")


@dataclass(frozen=True)
class Finding:
    """Say what is wrong, and what to do.

    level: how bad it is.
    what: one sentence without a full stop.
    cure: what the reader can do; empty where nothing need be done.
    """

    level: Level
    what: str
    cure: str = ""


@dataclass(frozen=True)
class Section:
    """Hold what one look at the machine found.

    title: a word.
    facts: texts or numbers by name; None is left out.
    findings: what is wrong.
    """

    title: str
    facts: Mapping[str, Any]
    findings: Sequence[Finding] = field(default_factory=tuple)


def examine(title: str, look: Callable[[], Section]) -> Section:
    """Return what a look found; a look that fails is a finding, and stops no other.

    title: of the section.
    look: returns it.
    """
    try:
        return look()
    except Exception as error:
        what = f"{title} cannot be examined: {type(error).__name__}: {error}"
        return Section(title, {}, [Finding("note", what)])


def record(version: str, sections: Sequence[Section]) -> dict[str, Any]:
    """Return the page for JSON.

    version: of skinfw.
    """
    hide = nameless()
    return {
        "skinfw": version,
        "facts": {
            one.title: {
                name: hide(value) if isinstance(value, str) else value
                for name, value in one.facts.items()
                if value is not None
            }
            for one in sections
        },
        "findings": [
            {"level": found.level, "what": hide(found.what), "cure": hide(found.cure)}
            for one in sections
            for found in one.findings
        ],
    }


def lines(page: Mapping[str, Any], width: int) -> list[str]:
    """Return the page as plain text in ASCII.

    page: from `record`.
    width: of the terminal.
    """
    text = [
        f"skinfw {page['skinfw']}",
        "No user name, home folder, other path or host name is on this page: it can be pasted "
        "into a report.",
        "",
    ]
    for title, facts in page["facts"].items():
        said = "; ".join(f"{name} {value}".strip() for name, value in facts.items())
        text.append(f"{title:{_LABEL}}{said or 'unknown'}")
    for level, head in _HEADS.items():
        own = [found for found in page["findings"] if found["level"] == level]
        text += ["", head] if own else []
        for found in own:
            text.append(f"  {found['what']}")
            text += [f"    cure: {found['cure']}"] if found["cure"] else []
    counts = [
        f"{sum(found['level'] == level for found in page['findings'])} {level}"
        for level in ("broken", "slow")
    ]
    text += ["", ", ".join(counts)]
    wide = max(40, min(width, 100))
    return [line for one in text for line in _wrap(one, wide)]


def _wrap(text: str, width: int) -> list[str]:
    ascii_text = text.encode("ascii", "backslashreplace").decode()
    label = re.match(r"[a-z]+ {2,}|  (?:  cure: )?", ascii_text)
    return textwrap.wrap(
        ascii_text,
        width,
        subsequent_indent=" " * (len(label[0]) if label else 0),
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [""]


def nameless() -> Callable[[str], str]:
    """Return a function that takes folders, the user's name and the host's name out of a text."""
    try:
        home = Path("~").expanduser()
    except RuntimeError:  # nobody knows where home is
        home = Path()
    names = {home.name, os.environ.get("SLURMD_NODENAME", "")}
    for ask in (getpass.getuser, socket.gethostname):
        try:
            names.add(ask())
        except (OSError, KeyError, ImportError):  # a user without a name
            continue
    names |= {name.split(".")[0] for name in names}
    hidden = sorted((name for name in names if len(name) > 1 and name.lower() not in _NOBODY),
                    key=len, reverse=True)  # fmt: skip
    pattern = re.compile(
        r"(?<![A-Za-z0-9])(?:" + "|".join(map(re.escape, hidden)) + r")(?![A-Za-z0-9])",
        re.IGNORECASE,
    )

    def hide(text: str) -> str:
        if home.name:
            text = text.replace(str(home), "~")
        text = _PATH.sub(".../", text)
        return pattern.sub("(hidden)", text) if hidden else text

    return hide

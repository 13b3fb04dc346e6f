"""Errors as a product: what is wrong, where, why, and the cure, a line each."""

from __future__ import annotations

import errno
import re
import traceback
import unicodedata
from collections.abc import Sequence
from pathlib import Path

REPORT_FAILED = 3
"""The exit code of what is done, though a report, an explainer, a tracker or a data set failed."""

FULL_DISK = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO,
}  # fmt: skip
"""The ways in which a system says that a file cannot be written."""

_MOST_LETTERS = 2_000
"""Of one line; what is longer is no message."""

_JOINERS = "\u200c\u200d"
"""What joins or parts letters of many scripts, and does nothing else."""


def printable(text: str, keep: str = "") -> str:
    r"""Return a text as a terminal may show it: what would steer the terminal is spelled out.

    Escape sequences, carriage returns and what turns the direction of letters become `\x1b`,
    `\r` and `\u202e`, so that no text from a file, a table or a component can hide, forge or
    colour a line.

    text: from anywhere.
    keep: controls that stay, such as the ends of lines.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter in keep or _is_harmless(letter) else _spell(letter) for letter in text
    )


def _is_harmless(letter: str) -> bool:
    return letter.isprintable() or letter in _JOINERS or unicodedata.category(letter) == "Zs"


def _spell(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


class SkinfwError(Exception):
    """Say in four lines what is wrong, where, why, and what to do.

    what: the problem in one sentence, without a full stop.
    where: file:line, a recipe key or a file; empty where no place exists.
    why: the fact behind the problem; empty where `what` says it all.
    cure: what the reader can do now.
    """

    exit_code = 1

    def __init__(self, what: str, where: str = "", why: str = "", cure: str = "") -> None:
        """Keep the four lines."""
        super().__init__(what, where, why, cure)
        self.what, self.where, self.why, self.cure = what, where, why, cure

    @property
    def problems(self) -> Sequence[SkinfwError]:
        """The single problems of this error, each with four lines."""
        return (self,)

    def __str__(self) -> str:
        """Return the lines that have something to say."""
        lines = (self.what, self.where, self.why, self.cure)
        return "error: " + "\n  ".join(_one_line(text) for text in lines if text)


def _one_line(text: str) -> str:
    """Return a text without ends of lines, which would make more of the four."""
    line = " ".join(text.splitlines()) if "\n" in text else text
    return printable(shorten(line, _MOST_LETTERS))


class RecipeError(SkinfwError):
    """Say that a recipe, a name or an option is wrong: the user's text, not the run."""

    exit_code = 2


class AnswerError(Exception):
    """Say that a component answered what it must not; its guard knows which one it is.

    came: what it did, such as "returned a list of 3".
    expected: what is asked of it.
    """

    def __init__(self, came: str, expected: str) -> None:
        """Keep both halves."""
        super().__init__(came, expected)
        self.came, self.expected = came, expected


class RecipeErrors(RecipeError):
    """Report all problems of one recipe in one go, in the order of their lines."""

    def __init__(self, problems: Sequence[SkinfwError]) -> None:
        """Keep the problems, each line of text said once."""
        self._problems = tuple({str(problem): problem for problem in problems}.values())
        super().__init__(f"{len(self._problems)} problems")

    @property
    def problems(self) -> Sequence[SkinfwError]:
        """The single problems, sorted as given."""
        return self._problems

    def __str__(self) -> str:
        """Return all problems, a blank line between them."""
        return "\n\n".join(str(problem) for problem in self._problems)


def shorten(text: str, most: int = 200) -> str:
    """Return a text that may be very long as a message shows it: its beginning.

    text: of a user or a file.
    most: letters that are shown.
    """
    return text if len(text) <= most else f"{text[:most]} ... ({len(text):,} letters)"


def place_order(error: SkinfwError) -> tuple[str, int]:
    """Return what problems are sorted by: the file, and the line in it."""
    found = re.match(r"(.+?):(\d+)(?=\s|$)", error.where)
    return (found[1], int(found[2])) if found else (error.where, 0)


def raise_all(problems: Sequence[SkinfwError]) -> None:
    """Raise nothing, the one problem, or all of them together.

    problems: what was found, in the order in which to show it.
    """
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise RecipeErrors(problems)


def raising_line(error: BaseException, file: str = "") -> str:
    """Return the line that raised an error, "" where nobody knows it.

    file: whose last line is told where the error went through it; the innermost one otherwise.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if file and frame.filename == file] or frames
    return f"raised in {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, "" where it has none."""
    return (str(error).splitlines() or [""])[0]


def unwritable(place: Path, error: Exception) -> SkinfwError:
    """Return the error that says that a file or a folder cannot be written.

    place: the folder or file.
    error: what the system or a library said.
    """
    reason = getattr(error, "strerror", None) or first_line(error)
    cure = "choose another place with --out, or free some space"
    if getattr(error, "errno", None) == errno.EIO:
        cure = "the disk or the share fails: see to it, or choose another place with --out"
    kind = RecipeError if getattr(error, "errno", 0) == errno.ENAMETOOLONG else SkinfwError
    what = f"{shorten(place.name, 60) or 'a file'} cannot be written"
    return kind(what, str(place), reason, cure)

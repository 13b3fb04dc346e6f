"""Write the package of a plugin from the template, and bring one up to date; copier does both."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from skinfw import SkinfwError
from skinfw_scaffold.template_versions import (
    EARLIER,
    SOURCE,
    TEMPLATE,
    newest_version,
    template_environment,
)

ANSWERS = ".copier-answers.yml"


def check_copier() -> None:
    """Refuse to begin where copier is not installed."""
    if find_spec("copier") is None:
        raise SkinfwError(
            "copier is not installed",
            why="packages are written, and kept current, by copier",
            cure="pip install 'skinfw[scaffold]'",
        )


def write_package(kind: str, name: str, folder: Path) -> None:
    """Write the package of a plugin.

    kind: of its component, or "command".
    name: of the component and of the plugin.
    folder: is made, or filled if it is empty.
    """
    import copier

    copier.run_copy(
        str(TEMPLATE),
        folder,
        data={
            "kind": kind,
            "name": name,
            "author": _author(),
            "year": str(date.today().year),
            "template_version": newest_version(),
        },
        defaults=True,
        quiet=True,
    )


def _author() -> str:
    """Return the name in git's settings, and "the author" where there is none."""
    if which("git"):
        done = subprocess.run(
            ["git", "config", "user.name"], capture_output=True, text=True, check=False
        )
        if author := done.stdout.strip():
            return author
    return "the author"


def update_package(folder: Path, template: Path = TEMPLATE, earlier: Path = EARLIER) -> None:
    """Bring what has changed in the template since into a package, as changes to be committed.

    folder: of the package, in a git repository without changes.
    template, earlier: the newest version of the template, and what leads back to the others.
    Raises SkinfwError where the folder is no such package, or has changes.
    """
    _check_answers(folder, newest_version(earlier))
    _check_repository(folder)
    with template_environment(template, earlier) as environment:
        done = subprocess.run(
            [sys.executable, "-m", "copier", "update", "--defaults", "--quiet", str(folder)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip() or f"it ended with {done.returncode}"
        raise SkinfwError(
            "copier could not update the plugin",
            str(folder),
            said.splitlines()[-1],
            "git diff shows what it did, git checkout . takes it back",
        )


def _check_answers(folder: Path, newest: int) -> None:
    """Refuse a folder that was not made here, or by a later skinfw.

    newest: the version of this skinfw's template.
    """
    answers = folder / ANSWERS
    text = answers.read_text(encoding="utf-8") if answers.is_file() else ""
    version = re.search(r"^_commit: \D?(\d+)\D?$", text, re.MULTILINE)
    if SOURCE not in text or not version:
        raise SkinfwError(
            f"{folder.name or folder} was not written by skinfw new-plugin",
            str(folder),
            f"{ANSWERS} is absent, or names another template",
            "name the folder of a package that was",
        )
    if int(version[1]) > newest:
        raise SkinfwError(
            f"{folder.name or folder} was written by a later skinfw",
            str(answers),
            f"its template has version {version[1]}, that of this skinfw version {newest}",
            "pip install --upgrade skinfw",
        )


def _check_repository(folder: Path) -> None:
    """Refuse a folder in no git repository, or with changes that an update would be mixed with."""
    if not which("git"):
        raise SkinfwError("git is not installed", why="copier compares versions with it")
    status = subprocess.run(
        ["git", "status", "--porcelain", "."],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if status.returncode:
        raise SkinfwError(
            "the plugin is in no git repository",
            str(folder),
            "an update comes as changes that git shows and takes back",
            f"cd {folder} && git init && git add . && git commit -m 'As it was'",
        )
    if status.stdout:
        count = len(status.stdout.splitlines())
        raise SkinfwError(
            f"{count} {'file is' if count == 1 else 'files are'} changed and not committed",
            str(folder),
            "an update would be mixed with these changes",
            "commit them first, or put them aside with git stash --include-untracked",
        )

"""The template as a git repository with a tag for each version, as copier needs it for updates."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

TEMPLATE = Path(__file__).parent / "template"
"""The newest version."""

EARLIER = Path(__file__).parent / "earlier_templates"
"""N.patch makes version N of version N + 1."""

SOURCE = "skinfw://plugin-template.git"
"""What plugins name as the place of their template, wherever skinfw is installed."""


def newest_version(earlier: Path = EARLIER) -> int:
    """Return the number of the newest version, from 1."""
    return len(_patches(earlier)) + 1


def _patches(earlier: Path) -> list[Path]:
    """Return the patches, the oldest version's first."""
    return sorted(earlier.glob("*.patch"), key=lambda file: int(file.stem))


def make_repository(folder: Path, template: Path = TEMPLATE, earlier: Path = EARLIER) -> None:
    """Make a repository in which every version of the template is a commit with its number as tag.

    folder: is made.
    template, earlier: the newest version, and the patches that lead back from it.
    """
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns("__pycache__"))
    _git(folder, "init", "--quiet")
    patches = _patches(earlier)
    for patch in reversed(patches):
        _git(folder, "apply", str(patch))
    _commit_version(folder, 1)
    for number, patch in enumerate(patches, 2):
        _git(folder, "apply", "--reverse", str(patch))
        _commit_version(folder, number)


def _commit_version(folder: Path, number: int) -> None:
    _git(folder, "add", "--all", "--force")
    _git(folder, "commit", "--quiet", "--no-verify", "--message", f"Version {number}")
    _git(folder, "tag", str(number))


def _git(folder: Path, *words: str) -> None:
    """Call git, whatever the user has configured."""
    identity = {
        f"GIT_{who}_{what}": text
        for who in ("AUTHOR", "COMMITTER")
        for what, text in (("NAME", "skinfw"), ("EMAIL", "skinfw@localhost"))
    }
    plain = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    environment = {**_outside_any_repository(), **identity, **plain}
    subprocess.run(
        ["git", *words], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )


def _outside_any_repository() -> dict[str, str]:
    """Return the environment without what git sets for the hooks of a repository."""
    own = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    return {name: value for name, value in os.environ.items() if name not in own}


@contextmanager
def template_environment(
    template: Path = TEMPLATE, earlier: Path = EARLIER
) -> Iterator[dict[str, str]]:
    """Give the environment in which git finds the template's versions under `SOURCE`.

    template, earlier: as in `make_repository`.
    """
    with TemporaryDirectory(prefix="skinfw-template-") as place:
        repository = Path(place) / "template"
        make_repository(repository, template, earlier)
        environment = _outside_any_repository()
        count = int(environment.get("GIT_CONFIG_COUNT", "0"))
        yield {
            **environment,
            "GIT_CONFIG_COUNT": str(count + 1),
            f"GIT_CONFIG_KEY_{count}": f"url.{repository.as_uri()}.insteadOf",
            f"GIT_CONFIG_VALUE_{count}": SOURCE,
            "COPIER_CACHE_DIR": str(Path(place) / "copier"),
        }

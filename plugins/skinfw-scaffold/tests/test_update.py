"""`skinfw new-plugin --update` brings a newer template into a package that its author changed."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from support import Run

from skinfw import SkinfwError
from skinfw_scaffold.package_files import ANSWERS, update_package, write_package
from skinfw_scaffold.template_versions import TEMPLATE, make_repository, newest_version

# A digest for each version. Where a version is in a release, changing the template makes a new one:
# keep what leads back to it in earlier_templates/N.patch (docs/adr/0021), and add a line here.
# Where it is in none yet, its line is replaced.
DIGESTS = {1: "e239a8a246ec"}


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@localhost")
    return subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def commit(folder: Path) -> None:
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "As it was")


def digest(folder: Path) -> str:
    total = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder)
        if name.parts[0] != ".git":
            total.update(f"{name.as_posix()}\0".encode() + file.read_bytes())
    return total.hexdigest()[:12]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "skinfw-mine"
    write_package("loss", "mine", folder)
    commit(folder)
    return folder


@pytest.fixture
def newer(tmp_path: Path) -> tuple[Path, Path]:
    """A template of version 2, and the patch that leads back to today's."""
    template, earlier = tmp_path / "template", tmp_path / "earlier"
    shutil.copytree(TEMPLATE, template)
    commit(template)
    settings = template / "project" / "pyproject.toml.jinja"
    settings.write_text(settings.read_text().replace("line-length = 100", "line-length = 99"))
    (template / "project" / "SECURITY.md.jinja").write_text("Tell {{ author }}.\n")
    git(template, "add", ".")
    earlier.mkdir()
    (earlier / "1.patch").write_text(git(template, "diff", "--cached", "-R", "HEAD"))
    shutil.rmtree(template / ".git")
    return template, earlier


def test_what_is_new_comes_and_what_the_author_wrote_stays(
    package: Path, newer: tuple[Path, Path]
) -> None:
    for file in ("src/skinfw_mine/loss.py", "pyproject.toml"):
        with (package / file).open("a") as text:
            text.write("# mine\n")
    git(package, "commit", "--quiet", "--all", "--message", "Mine")
    update_package(package, *newer)
    settings = (package / "pyproject.toml").read_text()
    assert "line-length = 99" in settings and settings.endswith("# mine\n")
    assert (package / "src/skinfw_mine/loss.py").read_text().endswith("# mine\n")
    assert (package / "SECURITY.md").read_text().startswith("Tell ")
    assert '_commit: "2"' in (package / ANSWERS).read_text()
    changed = git(package, "status", "--porcelain").split()[1::2]
    assert sorted(changed) == sorted([ANSWERS, "pyproject.toml", "SECURITY.md"])


def test_a_package_that_is_current_does_not_change(skinfw: Run, package: Path) -> None:
    done = skinfw("new-plugin", "--update", str(package))
    assert done.returncode == 0, done.stderr
    assert "up to date" in done.stdout and not git(package, "status", "--porcelain")


def test_changes_that_are_not_committed_are_safe(skinfw: Run, package: Path) -> None:
    (package / "README.md").write_text("mine")
    done = skinfw("new-plugin", "--update", str(package))
    assert done.returncode == 1 and "1 file is changed and not committed" in done.stderr
    assert (package / "README.md").read_text() == "mine"


def test_what_is_no_such_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SkinfwError, match="not written by skinfw new-plugin"):
        update_package(tmp_path)
    write_package("loss", "mine", tmp_path / "mine")
    with pytest.raises(SkinfwError, match="in no git repository"):
        update_package(tmp_path / "mine")


def test_a_package_of_a_later_skinfw_is_refused(package: Path) -> None:
    answers = package / ANSWERS
    answers.write_text(answers.read_text().replace('_commit: "1"', '_commit: "9"'))
    git(package, "commit", "--quiet", "--all", "--message", "Later")
    with pytest.raises(SkinfwError) as caught:
        update_package(package)
    assert "version 9" in caught.value.why and "pip install --upgrade skinfw" in caught.value.cure


def test_the_versions_of_the_template_are_those_on_record(tmp_path: Path) -> None:
    make_repository(tmp_path / "template")
    digests = {}
    for number in range(1, newest_version() + 1):
        git(tmp_path / "template", "checkout", "--quiet", str(number))
        digests[number] = digest(tmp_path / "template")
    assert digests == DIGESTS


def test_every_version_can_be_had_from_the_newest(newer: tuple[Path, Path], tmp_path: Path) -> None:
    template, earlier = newer
    make_repository(tmp_path / "repository", template, earlier)
    assert git(tmp_path / "repository", "tag").split() == ["1", "2"]
    assert digest(tmp_path / "repository") == digest(template) != digest(TEMPLATE)
    git(tmp_path / "repository", "checkout", "--quiet", "1")
    assert digest(tmp_path / "repository") == digest(TEMPLATE)

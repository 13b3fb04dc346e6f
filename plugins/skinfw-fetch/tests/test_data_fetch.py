"""`skinfw data fetch` from a server on this machine, as a user calls it."""

import hashlib
import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from fileserver import FileServer, zipped
from support import Run, Site

from skinfw.cli import main

PLUGIN = """
    from skinfw import Component, hookimpl
    SKINFW_API = 1

    @hookimpl
    def skinfw_components():
        yield Component("dataset", "acme", "acme_data:Acme", "Moles of Acme.")
"""
DATA = '''
    from dataclasses import dataclass
    from pathlib import Path
    from typing import ClassVar

    from skinfw import Download, Downloads

    @dataclass(frozen=True, kw_only=True)
    class Acme:
        """Read the moles of Acme.

        root: their folder.
        """

        downloads: ClassVar = Downloads(
            "ACME", "Free as air, https://acme.example/licence", "Acme 2026\\nW. E. Coyote",
            (
                Download("https://acme.example/v1/moles.csv?download=1", 30, sha256="SUM"),
                Download("https://acme.example/v1/Moles.zip", 2000, "Moles"),
            ),
        )
        root: Path
        classes = ("A", "B")

        def table(self):
            raise NotImplementedError
'''
TABLE = b"id,label\n1,A\n2,B\n"
IMAGES = {f"Moles/{number}.jpg": os.urandom(600_000) for number in (1, 2)}
ZIP = zipped(IMAGES)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer({"/isic/v1/moles.csv?download=1": TABLE, "/isic/v1/Moles.zip": ZIP}) as server:
        yield server


@pytest.fixture
def fetch(site: Site, skinfw: Run, server: FileServer) -> Run:
    """The command for the data set of Acme, whose server is this machine."""
    site.install("acme", PLUGIN, acme_data=DATA.replace("SUM", hashlib.sha256(TABLE).hexdigest()))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        mirror = f"{server.url}/isic"
        return skinfw("data", "fetch", "acme", "--yes", "--mirror", mirror, *arguments)

    return run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ACME"


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()} - {".fetch.lock"}


WHOLE = {"moles.csv", "Moles", "LICENSE.txt", "ATTRIBUTION.txt", "downloads.json"}


def test_files_are_fetched_unpacked_and_recorded(
    fetch: Run, server: FileServer, root: Path
) -> None:
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert "2 files into data/ACME: 1.2 MB to download" in done.stdout
    assert "licence: Free as air" in done.stdout and "  W. E. Coyote" in done.stdout
    assert "--set dataset.root=data/ACME" in done.stdout
    assert names(root) == WHOLE
    assert (root / "moles.csv").read_bytes() == TABLE
    for name, content in IMAGES.items():
        assert (root / name).read_bytes() == content
    assert (root / "LICENSE.txt").read_text().startswith("Free as air")
    assert (root / "ATTRIBUTION.txt").read_text() == "Acme 2026\nW. E. Coyote\n"
    record = json.loads((root / "downloads.json").read_text())
    entry = record["files"]["Moles.zip"]
    assert record["dataset"] == "acme"
    assert entry["sha256"] == hashlib.sha256(ZIP).hexdigest() and entry["bytes"] == len(ZIP)
    assert entry["url"] == f"{server.url}/isic/v1/Moles.zip" and entry["etag"] and entry["date"]
    assert entry["unpacked"][:2] == [2, 1_200_000]


def test_what_a_run_without_data_names_as_the_cure_fetches_them(
    fetch: Run, skinfw: Run, tiny: Path, root: Path
) -> None:
    sets = ("--set", "dataset.use=acme", "--set", "dataset.root=data/ACME")
    done = skinfw("run", tiny.name, *sets)
    assert done.returncode == 1 and "there is no folder data/ACME" in done.stderr
    command = re.search(r"skinfw data fetch acme (.+) fills it", done.stderr)
    assert command and fetch(*command[1].split()).returncode == 0
    assert names(root) == WHOLE
    assert names(tiny.parent) >= {"data"} and not (tiny.parent / "runs").exists()


def test_a_second_call_downloads_nothing_and_needs_no_server(
    fetch: Run, server: FileServer, root: Path
) -> None:
    fetch("--keep-archives")
    assert names(root) == WHOLE | {"Moles.zip"}
    server.files.clear()
    again = fetch()
    assert again.returncode == 0, again.stderr
    assert again.stdout == "acme is whole; use it with --set dataset.root=data/ACME\n"
    assert len(server.asked) == 2


def test_a_folder_that_was_deleted_comes_from_the_kept_archive(
    fetch: Run, server: FileServer, root: Path
) -> None:
    fetch("--keep-archives")
    shutil.rmtree(root / "Moles")
    done = fetch()
    assert "1 file into data/ACME: 0 bytes to download" in done.stdout
    assert len(server.asked) == 2 and names(root) == WHOLE


def test_without_a_terminal_the_licence_is_accepted_by_an_option(
    fetch: Run, skinfw: Run, server: FileServer, root: Path
) -> None:
    done = skinfw("data", "fetch", "acme", "--mirror", f"{server.url}/isic")
    assert done.returncode == 2 and "licence: Free as air" in done.stdout
    assert "the licence has to be accepted" in done.stderr and "--yes" in done.stderr
    assert not server.asked and not root.exists()


@pytest.mark.parametrize("answer", ["y", "n"])
def test_on_a_terminal_the_licence_is_asked(
    fetch: Run, site: Site, server: FileServer, tmp_path: Path, root: Path, answer: str
) -> None:
    outer, inner = pty.openpty()
    command = [sys.executable, "-m", "skinfw", "data", "fetch", "acme"]
    os.write(outer, f"{answer}\n".encode())
    done = subprocess.run(
        [*command, "--mirror", f"{server.url}/isic"],
        stdin=inner,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=site.environment(),
        timeout=60,
        check=False,
    )
    os.close(inner)
    os.close(outer)
    assert "do you accept the licence" in done.stdout
    assert (done.returncode, root.exists()) == ((0, True) if answer == "y" else (1, False))


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_what_is_stopped_goes_on(
    fetch: Run, site: Site, server: FileServer, tmp_path: Path, root: Path, blow: signal.Signals
) -> None:
    server.stalls = "/isic/v1/Moles.zip"
    command = [sys.executable, "-m", "skinfw", "data", "fetch", "acme", "--yes"]
    process = subprocess.Popen(
        [*command, "--mirror", f"{server.url}/isic"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=site.environment(),
        # Whoever started the tests in the background has had the signal ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    partial = root / "Moles.zip.partial"
    deadline = time.monotonic() + 60
    while not (partial.is_file() and partial.stat().st_size > 200_000):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.send_signal(blow)
    output, _ = process.communicate(timeout=60)
    if blow is signal.SIGINT:
        assert process.returncode == 130 and "the same command goes on" in output
    assert not (root / "Moles").exists() and not (root / "Moles.zip").exists()
    held = (root / "Moles.zip.partial.sums").read_text().split()[-2]
    server.stalls = ""
    again = fetch()
    assert again.returncode == 0, again.stderr
    assert server.asked[-1] == ("/isic/v1/Moles.zip", f"bytes={held}-")
    assert [path for path, _ in server.asked].count("/isic/v1/moles.csv?download=1") == 1
    assert names(root) == WHOLE and (root / "Moles" / "2.jpg").stat().st_size == 600_000


def test_a_cut_connection_is_taken_up_in_the_same_call(
    fetch: Run, server: FileServer, root: Path
) -> None:
    server.cuts = [len(TABLE), 700_000]
    done = fetch()
    assert done.returncode == 0 and "trying again in 1 s" in done.stderr, done.stderr
    assert server.asked[-1][1] is not None and names(root) == WHOLE


def test_a_full_disk_is_no_cut_connection(
    fetch: Run, site: Site, server: FileServer, tmp_path: Path, root: Path
) -> None:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    command = [sys.executable, "-B", "-m", "skinfw", "data", "fetch", "acme", "--yes"]
    done = subprocess.run(
        [*command, "--mirror", f"{server.url}/isic"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=site.environment(),
        preexec_fn=small,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1 and "trying again" not in done.stderr
    assert "a file cannot be read or written" in done.stderr
    assert "the same command goes on" in done.stderr
    assert fetch().returncode == 0 and server.asked[-1][1] is not None and names(root) == WHOLE


def test_a_file_in_the_place_of_the_folder_is_told(fetch: Run, root: Path) -> None:
    root.parent.mkdir()
    root.write_bytes(b"")
    done = fetch()
    assert done.returncode == 1 and "data/ACME" in done.stderr and "--root" in done.stderr


def test_a_missing_file_stops_before_anything_is_downloaded(
    fetch: Run, server: FileServer, root: Path
) -> None:
    del server.files["/isic/v1/Moles.zip"]
    done = fetch()
    assert done.returncode == 1 and "does not give Moles.zip" in done.stderr
    assert "404" in done.stderr and not server.asked and not root.exists()


def test_another_checksum_than_the_declared_is_refused(
    fetch: Run, server: FileServer, root: Path
) -> None:
    server.files["/isic/v1/moles.csv?download=1"] = TABLE + b"3,A\n"
    done = fetch()
    assert done.returncode == 1
    assert "moles.csv is not the file that was expected" in done.stderr.splitlines()[-4]
    assert "moles.csv" not in names(root) and "moles.csv.partial" not in names(root)
    server.files["/isic/v1/moles.csv?download=1"] = TABLE
    assert fetch().returncode == 0


def test_a_damaged_archive_is_named_with_its_cure(
    fetch: Run, server: FileServer, root: Path
) -> None:
    server.files["/isic/v1/Moles.zip"] = ZIP[:-100]
    done = fetch()
    assert done.returncode == 1 and "Moles.zip is damaged" in done.stderr
    server.files["/isic/v1/Moles.zip"] = ZIP
    (root / "Moles.zip").unlink()
    assert fetch().returncode == 0 and names(root) == WHOLE


def test_what_changed_on_the_disk_is_told(fetch: Run, root: Path) -> None:
    fetch()
    (root / "moles.csv").write_bytes(TABLE.replace(b"A", b"B"))
    done = fetch()
    assert done.returncode == 1 and "moles.csv is not what this command fetched" in done.stderr
    (root / "moles.csv").write_bytes(TABLE)
    (root / "Moles" / ".DS_Store").write_bytes(b"of the system")
    assert fetch().returncode == 0
    image = root / "Moles" / "1.jpg"
    image.write_bytes(image.read_bytes()[:-1] + b"!")
    assert "bytes of its files have changed since they were unpacked" in fetch().stderr
    image.write_bytes(IMAGES["Moles/1.jpg"])
    (root / "Moles" / "2.jpg").unlink()
    done = fetch()
    assert "it holds 1 files of 600,000 bytes, and 2 files of 1,200,000 bytes" in done.stderr


def test_files_that_were_put_there_by_hand_are_taken_or_refused(
    fetch: Run, server: FileServer, root: Path
) -> None:
    root.mkdir(parents=True)
    (root / "Moles.zip").write_bytes(ZIP[:-1])
    done = fetch()
    assert done.returncode == 1 and "its size is not what the server says" in done.stderr
    (root / "Moles.zip").write_bytes(ZIP)
    done = fetch()
    assert done.returncode == 0 and "Moles.zip is here already" in done.stderr
    assert [path for path, _ in server.asked] == ["/isic/v1/moles.csv?download=1"]
    assert names(root) == WHOLE


def test_each_data_set_has_a_folder_of_its_own(fetch: Run, skinfw: Run, root: Path) -> None:
    fetch()
    done = skinfw("data", "fetch", "isic2019", "--root", str(root))
    assert done.returncode == 2 and "the folder holds acme" in done.stderr


def test_a_damaged_record_is_told(fetch: Run, root: Path) -> None:
    root.mkdir(parents=True)
    (root / "downloads.json").write_text("{")
    done = fetch()
    assert done.returncode == 1 and "downloads.json cannot be read" in done.stderr


def test_a_record_whose_bytes_have_changed_is_blamed_and_not_the_files(
    fetch: Run, root: Path
) -> None:
    fetch()
    record = root / "downloads.json"
    text = record.read_text()
    place = text.index('"sha256": "') + len('"sha256": "')
    other = "1" if text[place] == "0" else "0"
    record.write_text(text[:place] + other + text[place + 1 :])
    done = fetch()
    assert done.returncode == 1 and "downloads.json cannot be read" in done.stderr
    older = json.loads(text)
    del older["checksum"], older["schema_version"]
    for entry in older["files"].values():
        entry["unpacked"] = entry["unpacked"] and entry["unpacked"][:2]
    record.write_text(json.dumps(older))
    assert fetch().returncode == 0


def test_data_sets_without_downloads_name_those_that_have_them(fetch: Run, skinfw: Run) -> None:
    done = skinfw("data", "fetch", "csv")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 4
    assert 'dataset "csv"' in done.stderr and "names no files to download" in done.stderr
    for name in ("acme", "isic2017", "isic2018", "isic2019"):
        assert name in done.stderr.splitlines()[-1]


def test_a_slip_in_the_name_or_the_mirror_is_told(skinfw: Run) -> None:
    done = skinfw("data", "fetch", "isic2091")
    assert done.returncode == 2 and "did you mean" in done.stderr
    done = skinfw("data", "fetch", "isic2019", "--mirror", "example.org")
    assert done.returncode == 2 and "no address of a server" in done.stderr


def test_too_little_space_is_refused_before_anything_comes(
    fetch: Run, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside this process, where the disk can be made small."""
    ends = ("GroundTruth.csv", "Metadata.csv", "Input.zip")
    names = [f"ISIC_2019_{part}_{end}" for part in ("Training", "Test") for end in ends]
    server.files = {f"/2019/{name}": bytes(1000) for name in names}
    server.files["/2019/ISIC_2019_Training_Input.zip"] = bytes(1_000_000)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(10**9, 0, 1_500_000))
    arguments = ["data", "fetch", "isic2019", "--yes", "--mirror", server.url]
    done = CliRunner().invoke(main, [*arguments, "--root", str(tmp_path / "isic")])
    assert done.exit_code == 1, done.output
    assert "2.0 MB are needed to download and unpack, and 1.5 MB are free" in done.output
    assert not server.asked and not (tmp_path / "isic").exists()

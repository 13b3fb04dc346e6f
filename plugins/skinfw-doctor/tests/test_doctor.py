"""`skinfw doctor` on this machine, on machines that are made up, and on broken ones."""

import getpass
import json
import os
import socket
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from support import PLUGIN, Run, Site

from skinfw_doctor import computing, machine, packages, storage
from skinfw_doctor.page import Finding, Section, examine, lines, nameless, record


def tree(root: Path, **files: str) -> Path:
    """Write files of a made-up machine; `__` stands for `/`."""
    for name, text in files.items():
        file = root / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
    return root


def test_a_page_tells_of_this_machine_and_names_nobody(skinfw: Run, tmp_path: Path) -> None:
    home = tmp_path / "jane.doe"
    home.mkdir()
    done = skinfw("doctor", HOME=str(home), USER="jane.doe", LOGNAME="jane.doe", COLUMNS="60",
                  SKINFW_CACHE=str(home / "own"))  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("python", "cores", "memory", "plugins", "pillow", "torch", "processor", "cache"):
        assert word in done.stdout
    assert "0 broken" in done.stdout and done.stdout.isascii()
    assert max(map(len, done.stdout.splitlines())) <= 60
    private = {"jane.doe", str(tmp_path), socket.gethostname(), str(Path.home())}
    assert not [word for word in private if word in done.stdout]


def test_what_is_broken_is_told_with_its_cure_and_exit_code(skinfw: Run, site: Site) -> None:
    site.install("acme", "raise OSError('no file /home/jane/secret/model.bin')")
    (site.folder / "torch").mkdir()
    (site.folder / "torch" / "__init__.py").write_text("raise ImportError('libcudart.so.13 lost')")
    done = skinfw("doctor", "--json", USER="jane", LOGNAME="jane")
    page = json.loads(done.stdout)
    assert done.returncode == 1
    broken = {found["what"]: found["cure"] for found in page["findings"]
              if found["level"] == "broken"}  # fmt: skip
    (torch,) = (cure for what, cure in broken.items() if "libcudart.so.13 lost" in what)
    assert "pip install" in torch
    (acme,) = (what for what in broken if what.startswith("plugin acme"))
    assert "model.bin" in acme and "jane" not in acme and "secret" not in acme
    assert page["facts"]["libraries"]["numpy"] and page["facts"]["cores"]


def test_a_torch_that_kills_its_process_is_told(monkeypatch: pytest.MonkeyPatch,
                                                tmp_path: Path) -> None:  # fmt: skip
    (tmp_path / "torch.py").write_text("import os\nos.abort()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    torch, processor = (look() for look in computing.looks(tree(tmp_path / "root")).values())
    assert torch.findings[0].level == "broken" and "SIGABRT" in torch.findings[0].what
    assert processor.facts["matrices"] is None


@pytest.mark.parametrize(
    "files",
    [
        {"proc__self__cgroup": "0::/pod/own\n", "sys__fs__cgroup__pod__cpu.max": "150000 100000",
         "sys__fs__cgroup__pod__own__cpu.max": "max 100000"},
        {"proc__self__cgroup": "0::/\n", "sys__fs__cgroup__cpu.max": "150000 100000\n"},
        {"proc__self__cgroup": "4:cpu,cpuacct:/pod\n1:name=systemd:/pod\n",
         "sys__fs__cgroup__cpu__pod__cpu.cfs_quota_us": "150000\n"},
    ],
)  # fmt: skip
def test_a_quota_below_the_cores_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(machine, "usable_cores", lambda: 8)
    section = machine.cores(tree(tmp_path, **files))
    assert section.facts["quota"] == "1.5"
    (slow,) = (found for found in section.findings if found.level == "slow")
    assert slow.cure == "OMP_NUM_THREADS=1"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # what the cure says
    assert not [found for found in machine.cores(tmp_path).findings if found.level == "slow"]


def test_idle_cores_are_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "usable_cores", lambda: 8)
    for threads, word in (("2", "uses 2 of 8 cores"), ("32", "share 8 cores")):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        assert word in machine.cores(tmp_path).findings[0].what


def test_memory_is_the_least_of_machine_and_control_group(tmp_path: Path) -> None:
    told = "MemTotal: 16000000 kB\nMemAvailable: 9000000 kB\nSwapTotal: 1000 kB\nSwapFree: 0 kB\n"
    tree(tmp_path, **{"proc__meminfo": told, "proc__self__cgroup": "0::/\n",
                      "sys__fs__cgroup__memory.max": "2000000000"})  # fmt: skip
    section = machine.memory(tmp_path)
    assert section.facts["limit"] == "2.0 GB" and "9.2 GB of 16.4 GB" in section.facts[""]
    assert {found.level for found in section.findings} == {"note", "slow"}


def test_a_machine_that_tells_nothing_has_a_page(tmp_path: Path) -> None:
    looks: list[Callable[[Path], Section]] = [
        machine.system, machine.cores, machine.memory, storage.cache, storage.runs
    ]  # fmt: skip
    for look in looks:
        assert not [found for found in look(tmp_path).findings if found.level == "broken"]


def test_a_cache_on_a_network_file_system_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKINFW_CACHE", str(tmp_path / "cache"))
    mounts = f"1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:5 / {tmp_path} rw - nfs4 server:/home rw\n"
    section = storage.cache(tree(tmp_path / "root", proc__self__mountinfo=mounts))
    assert section.facts["file system"] == "nfs4"
    assert "network" in section.findings[0].what and "SKINFW_CACHE" in section.findings[0].cure


def test_a_cache_that_cannot_be_written_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKINFW_CACHE", str(tmp_path / "file" / "cache"))
    assert any("cannot be written" in found.what for found in storage.cache().findings)


def test_no_home_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object) -> str:
        raise RuntimeError("no home")

    monkeypatch.delenv("SKINFW_CACHE", raising=False)
    monkeypatch.setattr(Path, "expanduser", nobody)
    monkeypatch.setattr(getpass, "getuser", lambda: (_ for _ in ()).throw(KeyError("uid")))
    assert "no home folder" in storage.cache().findings[0].what
    assert storage.hub().facts["models"] is None
    assert nameless()("as it is") == "as it is"


def test_versions_are_compared_with_what_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "version", lambda name: "0.1" if name == "pillow" else "99.0")
    section = packages.libraries()
    (wrong,) = (found for found in section.findings if "skinfw needs pillow>=" in found.what)
    assert wrong.what.startswith("pillow 0.1") and wrong.cure.startswith("pip install 'pillow>=")


def test_a_gpu_that_torch_cannot_use_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    driver = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19\n"
    root = tree(tmp_path, proc__driver__nvidia__version=driver)
    section = computing.gpus({"version": "2.14", "cuda": None, "gpus": []}, root)
    assert section.facts["driver"] == "535.104.05"
    assert "built for processors alone" in section.findings[0].what
    gpu = {"name": "K80", "gigabytes": 12, "free": 11, "capability": "3.7", "bf16": False,
           "kernels": False}  # fmt: skip
    section = computing.gpus({"version": "2.14", "cuda": "13.0", "gpus": [gpu]}, root)
    assert section.findings[0].level == "broken" and "K80" in section.findings[0].what


def test_a_look_that_fails_stops_no_other() -> None:
    def fails() -> Section:
        raise ZeroDivisionError("by itself")

    (found,) = examine("memory", fails).findings
    assert found.level == "note" and "by itself" in found.what


def test_a_page_is_ascii_and_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    section = Section("gpus", {"0": "Größe 1 " * 20}, [Finding("slow", "über " * 30, "mehr")])
    text = lines(record("1.0", [section]), 50)
    assert all(line.isascii() and len(line) <= 50 for line in text)
    assert text[-1] == "0 broken, 1 slow" and "    cure: mehr" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no file /home/jane/a b.txt", "no file .../a b.txt"),
        (r"no file C:\Users\jane\x.dll", "no file .../x.dll"),
        ("jane.doe@Node7.cluster said", "(hidden)@(hidden) said"),
        ("janet and 3/4 of them, pip install a/b", "janet and 3/4 of them, pip install a/b"),
    ],
)
def test_names_and_folders_are_taken_out(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "jane.doe")
    monkeypatch.setattr(socket, "gethostname", lambda: "node7.cluster")
    assert nameless()(text) == expected


@pytest.mark.parametrize("variables", [{"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0",
                                        "PYTHONIOENCODING": "ascii", "NO_COLOR": "1",
                                        "COLUMNS": "1"}, {"HOME": "/proc/nowhere"}])  # fmt: skip
def test_odd_surroundings_have_a_page(
    fresh_skinfw: Run, site: Site, variables: dict[str, str]
) -> None:
    site.install("acme", PLUGIN, acme_sampler="")
    (site.folder / "torch").mkdir()  # not to be imported once more
    (site.folder / "torch" / "__init__.py").write_text("raise ImportError('none here')")
    variables = {**variables, "SKINFW_CACHE": os.environ["SKINFW_CACHE"]}
    if "HOME" in variables:
        variables.pop("SKINFW_CACHE")
        variables["SKINFW_CACHE"] = ""
    done = fresh_skinfw("doctor", **variables)
    assert done.returncode == 1 and "none here" in done.stdout, done.stderr
    assert "acme" in done.stdout and not done.stderr
    if "HOME" in variables:
        assert "images are decoded in each epoch" in done.stdout

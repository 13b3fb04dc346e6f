"""ONNX Runtime Web: what computes in a browser, from an npm package that the user fetches once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from skinfw import SkinfwError, atomic_write
from skinfw.toolkit import cache_folder, display_path

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
SCRIPT, WASM = "dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm"
DIGESTS = {
    SCRIPT: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    WASM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""The SHA-256 of the files that are used; others are not put into a page."""
LICENCE = Path(__file__).with_name("onnxruntime-web.LICENSE")
_MOST = 64_000_000  # bytes of a file
_SECONDS = 600


@dataclass(frozen=True)
class RuntimeWeb:
    """Hold the files of ONNX Runtime Web that a page needs.

    script: the module that opens and runs networks.
    wasm: what it computes with, for one thread and 128-bit vectors.
    """

    script: bytes
    wasm: bytes


def find_runtime(folder: Path | None) -> RuntimeWeb:
    """Return ONNX Runtime Web.

    folder: the unpacked package; None takes it from skinfw's cache, which npm fills once.
    Raises SkinfwError where a file is absent or another one, or where npm cannot get it.
    """
    if folder is None:
        folder = cache_folder() / PACKAGE / VERSION
        if not all((folder / name).is_file() for name in DIGESTS):
            _fill(folder)
    return RuntimeWeb(_read(folder, SCRIPT), _read(folder, WASM))


def _read(folder: Path, name: str) -> bytes:
    """Return a file of the package, which must be the one that was tried."""
    file = folder / name
    try:
        with file.open("rb") as source:
            content = source.read(_MOST)
    except OSError as error:
        raise SkinfwError(
            f"the folder is no {PACKAGE}",
            display_path(file),
            error.strerror or str(error),
            f"unpack {PACKAGE} {VERSION}, and name its folder with --runtime-web",
        ) from error
    if not _is_right(name, content):
        raise SkinfwError(
            f"a file of {PACKAGE} is not that of version {VERSION}",
            display_path(file),
            f"its SHA-256 should be {DIGESTS[name]}",
            f"remove {display_path(folder)}, or name an unpacked {PACKAGE} {VERSION} with "
            "--runtime-web",
        )
    return content


def _is_right(name: str, content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == DIGESTS[name]


def _fill(folder: Path) -> None:
    """Let npm fetch the package, and keep the two files that are used."""
    wanted = f"{PACKAGE}@{VERSION}"
    npm = shutil.which("npm")
    if npm is None:
        raise _unavailable("npm is not installed")
    with tempfile.TemporaryDirectory() as place:
        try:
            done = subprocess.run(
                [npm, "pack", wanted, "--silent"],
                cwd=place,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _unavailable(f"npm pack {wanted}: {error}") from error
        archives = sorted(Path(place).glob("*.tgz"))
        if done.returncode or not archives:
            said = [line for line in done.stderr.splitlines() if line.strip()]
            last = said[0][:200] if said else f"exit code {done.returncode}"
            raise _unavailable(f"npm pack {wanted}: {last}")
        _unpack(archives[0], folder)


def _unpack(archive: Path, folder: Path) -> None:
    """Keep what is used of an archive that npm has fetched."""
    try:
        with tarfile.open(archive, "r:gz") as members:
            for name in DIGESTS:
                source = members.extractfile(f"package/{name}")
                if source is None:
                    raise KeyError(f"package/{name} is no file")
                content = source.read(_MOST)
                if not _is_right(name, content):  # which would stay in the cache
                    raise KeyError(f"the SHA-256 of package/{name} is another one")
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                with atomic_write(folder / name) as partial:
                    partial.write_bytes(content)
    except (tarfile.TarError, KeyError, EOFError, OSError, zlib.error) as error:
        raise _unavailable(f"what npm has fetched is no {PACKAGE}: {error}") from error


def _unavailable(why: str) -> SkinfwError:
    return SkinfwError(
        f"{PACKAGE} is not here",
        "skinfw export --html",
        why,
        f"install npm and be online once, or unpack {PACKAGE} {VERSION} and name its folder with "
        "--runtime-web",
    )

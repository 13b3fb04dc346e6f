"""Clean environments, which see what this one has installed except skinfw, and wheels."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path


class Environment:
    """A virtual environment without skinfw."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        self.python = folder / "bin" / "python"
        third_party = folder / "third-party"
        third_party.mkdir()
        for source in map(Path, {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
            for entry in source.iterdir():
                ours = "skinfw" in entry.name or entry.name.startswith(("pip", "__editable__"))
                target = third_party / entry.name
                if not ours and entry.suffix != ".pth" and not target.exists():
                    target.symlink_to(entry)
        (site,) = (folder / "lib").glob("python*/site-packages")
        (site / "third-party.pth").write_text(f"{third_party}\n")

    def pip(self, *arguments: str) -> str:
        return self.run("-m", "pip", "--disable-pip-version-check", "--no-input", *arguments)

    def run(self, *arguments: str, check: bool = True, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [str(self.python), *arguments],
            cwd=cwd or self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


def build(project: Path, out: Path) -> Path:
    """Build a wheel with the backend that is installed here."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--disable-pip-version-check", "--wheel-dir", str(out), str(project)],
        check=True, capture_output=True,
    )  # fmt: skip
    return max(out.glob("*.whl"), key=lambda wheel: wheel.stat().st_mtime_ns)

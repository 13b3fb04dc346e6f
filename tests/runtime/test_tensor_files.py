"""Files of tensors: read without running code, and told in four lines where they do not fit."""

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from skinfw import SkinfwError
from skinfw.runtime.tensor_files import load_safetensors, load_tensors, misfit

OWN = {"a": torch.zeros(2, 3), "b": torch.zeros(4, dtype=torch.int64)}


class _Command:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.file}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_runs_a_command_does_not(tmp_path: Path, zipped: bool) -> None:
    file = tmp_path / "state.pt"
    torch.save({"a": _Command(tmp_path / "ran")}, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(SkinfwError, match=r"state\.pt cannot be read"):
        load_tensors(file, "train again")
    assert not (tmp_path / "ran").exists()


def test_a_zip_that_unpacks_to_more_than_it_is_is_refused(tmp_path: Path) -> None:
    file, bomb = tmp_path / "state.pt", tmp_path / "bomb.pt"
    torch.save({"a": torch.zeros(100_000)}, file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert load_tensors(file, "")["a"].shape == (100_000,)
    with pytest.raises(SkinfwError, match="is compressed"):
        load_tensors(bomb, "train again")


@pytest.mark.parametrize("header", [b"\xff" * 8, (1 << 40).to_bytes(8, "little") + b"{}", b""])
def test_a_header_that_promises_too_much_is_refused(tmp_path: Path, header: bytes) -> None:
    file = tmp_path / "w.safetensors"
    save_file(OWN, file)
    assert not misfit(OWN, load_safetensors(file, ""))
    file.write_bytes(header + file.read_bytes()[8:])
    with pytest.raises(SkinfwError, match=r"w\.safetensors cannot be read"):
        load_safetensors(file, "train again")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "there is a list in place of tensors"),
        ({"a": OWN["a"]}, "1 of 2 tensors are absent, such as b"),
        ({**OWN, "c": OWN["a"]}, "1 tensors are not the network's, such as c"),
        ({**OWN, "a": 1}, "a is a int"),
        ({**OWN, "a": torch.zeros(3, 2)}, r"a is float32 [3, 2] in the file and float32 [2, 3]"),
        ({**OWN, "a": torch.zeros(2, 3).double()}, "a is float64 [2, 3] in the file and float32"),
        ({**OWN, "a": torch.zeros(2, 3).to_sparse()}, "a is torch.sparse_coo"),
        ({**OWN, "a": torch.zeros(2, 3, device="meta")}, "a is without values"),
    ],
)
def test_the_first_tensor_that_does_not_fit_is_named(given: Any, why: str) -> None:
    assert misfit(OWN, given).startswith(why)

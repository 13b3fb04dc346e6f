"""Errors of the machine: too little memory, processes that are gone."""

import errno

import numpy as np
import pytest
import torch

from skinfw.errors import SkinfwError, unwritable
from skinfw.guards.machine import lost_process, out_of_memory
from skinfw.runtime.failures import explain_lost_process, explain_memory


def too_much_for_torch() -> None:
    torch.empty(2**50, dtype=torch.uint8)


def too_much_for_numpy() -> None:
    np.zeros(2**60, np.uint8)


def too_much_for_a_gpu() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has")


def too_much_for_a_library() -> None:
    raise OSError(errno.ENOMEM, "Cannot allocate memory")


@pytest.mark.parametrize(
    "work", [too_much_for_torch, too_much_for_numpy, too_much_for_a_gpu, too_much_for_a_library]
)
def test_lack_of_memory_names_the_batch_size_and_the_cure(work: object) -> None:
    with (
        pytest.raises(SkinfwError, match="batches of 64 images") as error,
        explain_memory("train.batch_size", 64),
    ):
        work()  # type: ignore[operator]
    assert "train.batch_size = 32" in error.value.cure and '"auto"' in error.value.cure
    assert len(str(error.value).splitlines()) == 4


def test_other_errors_are_nobody_s_memory_or_process() -> None:
    for other in (RuntimeError("shape mismatch"), ValueError("out of memory lane"), OSError(2, "")):
        assert not out_of_memory(other) and not lost_process(other)
        with pytest.raises(type(other)), explain_memory("train.batch_size", 8):
            raise other


GLOO = "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by peer [::1]"
SHARED = "NCCL error: unhandled system error\nError while creating shared memory segment /dev/shm/x"


@pytest.mark.parametrize(("text", "cure"), [(GLOO, "--resume"), (SHARED, "shm-size")])
def test_a_lost_process_is_told(text: str, cure: str) -> None:
    with (
        pytest.raises(SkinfwError, match="process 0 of 2 has lost") as error,
        explain_lost_process(0, 2),
    ):
        raise RuntimeError(text)
    assert cure in error.value.cure
    with pytest.raises(RuntimeError), explain_lost_process(0, 1):
        raise RuntimeError(text)


def test_a_disk_that_fails_is_not_full(tmp_path: object) -> None:
    full, broken = (unwritable(tmp_path, OSError(code, "")) for code in (errno.ENOSPC, errno.EIO))  # type: ignore[arg-type]
    assert "free some space" in full.cure and "disk or the share fails" in broken.cure

"""Freed memory stays with the process, so that the next tensor finds it ready."""

import os
import platform
import subprocess
import sys
import textwrap

import pytest

TOUCH = """
    import resource
    import torch
    from skinfw.runtime.memory import keep_freed_memory

    kept = None if {wanted} is None else keep_freed_memory({wanted})
    for _ in range(20):
        torch.ones(2**24)
    print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def fresh(program: str, **variables: str) -> str:
    """Run a program in a process without memory settings; return what it prints."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**plain, **variables},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


GLIBC = sys.platform == "linux" and platform.libc_ver()[0] == "glibc"


@pytest.mark.skipif(not GLIBC, reason="only glibc is told to keep memory")
@pytest.mark.slow
def test_a_second_tensor_costs_no_new_pages() -> None:
    answers = [fresh(TOUCH.format(wanted=wanted)).split() for wanted in (None, False, True)]
    assert [kept for kept, _ in answers] == ["None", "True", "True"]
    plain, given_back, kept = (int(faults) for _, faults in answers)
    assert kept < plain / 2 and kept < given_back / 2


@pytest.mark.skipif(not GLIBC, reason="only glibc is told to keep memory")
def test_settings_of_one_s_own_are_left_alone() -> None:
    kept, _ = fresh(TOUCH.format(wanted=True), MALLOC_ARENA_MAX="2").split()
    assert kept == "False"

"""Signals stop at once, or wait for what is under way; SIGTERM does not wait for long."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from skinfw.runtime.signals import exit_code, stop_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_raises_or_waits_and_the_second_raises(number: int) -> None:
    handler = signal.getsignal(number)
    with stop_signals() as stop:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert stop() and stop.name == signal.Signals(number).name
    with stop_signals() as stop, stop.wait():
        assert not stop()
        signal.raise_signal(number)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert exit_code(stop.name) == 128 + number
    assert signal.getsignal(number) is handler


def test_a_process_that_does_not_end_by_itself_is_ended_from_outside(tmp_path: Path) -> None:
    program = """
        import os, signal, time
        from pathlib import Path
        from skinfw.runtime import signals

        signals.GRACE_SECONDS = 0.1
        with signals.stop_signals(lambda: Path("left").touch()) as stop, stop.wait():
            stop.rescue = lambda: Path("rescued").touch()
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            time.sleep(60)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path)
    assert done.returncode == 143
    assert {file.name for file in tmp_path.iterdir()} == {"left", "rescued"}


def test_who_ends_in_time_is_left_alone() -> None:
    with stop_signals(lambda: os._exit(1)) as stop, stop.wait():
        signal.raise_signal(signal.SIGTERM)

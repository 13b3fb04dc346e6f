"""What a plugin's module and its commands promise."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import click
from click.testing import CliRunner

from skinfw.guards.answers import describe
from skinfw.testing.check import Checks, refuse
from skinfw.testing.subjects import CommandSubject, PluginSubject

CHECK = Checks("command")
_HEAVY = ("torch", "numpy", "pandas", "cv2", "PIL", "sklearn", "timm", "torchvision", "matplotlib")


@CHECK("stays light", "full", "plugin")
def stays_light(subject: PluginSubject) -> None:
    """Its module imports nothing heavy, since every command of skinfw asks it for its names."""
    code = (
        f"import sys, importlib; importlib.import_module({subject.plugin.module!r});"
        f"print(*[name for name in {_HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        refuse(f"cannot be imported: {done.stderr.strip().splitlines()[-1]}", "it names components")
    if heavy := done.stdout.split():
        refuse(f"imports {', '.join(heavy)}", "import inside functions, in the modules of targets")


def _command(subject: CommandSubject) -> Any:
    command = subject.load()
    if not isinstance(command, click.Command):
        refuse(f"is {describe(command)}", "the target of a command is a click command")
    return command


@CHECK("answers --help", "base")
def answers_help(subject: CommandSubject) -> None:
    """It is a click command, and --help tells what it does."""
    done = CliRunner().invoke(_command(subject), ["--help"])
    if done.exit_code or "Usage" not in done.output:
        refuse(f"ends with {done.exit_code} when it is asked for help", "--help works without data")


@CHECK("explains itself", "full")
def explains_itself(subject: CommandSubject) -> None:
    """The command and each of its options have a text."""
    command = _command(subject)
    if not command.help:
        refuse("has no text", "the docstring of its function tells what it does")
    options = [own for own in command.params if isinstance(own, click.Option)]
    if silent := [own.opts[0] for own in options if not own.help and not own.hidden]:
        refuse(f"does not explain {', '.join(silent)}", "every option has help")

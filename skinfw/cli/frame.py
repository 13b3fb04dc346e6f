"""The frame of the command line: find commands by name, contain them, report errors."""

from __future__ import annotations

import errno
import os
import traceback
from typing import Any

import click

from skinfw.cli.command_tree import TRACEBACK, CommandTree
from skinfw.cli.terminal import LINES
from skinfw.errors import SkinfwError, printable
from skinfw.interfaces.hooks import Command
from skinfw.version import __version__

CORE = (
    Command("run", "skinfw.cli.run:run", "Run a recipe: train, evaluate, explain, report."),
    Command("check", "skinfw.cli.check:check", "Check a recipe; print what would run."),
)
"""The commands that the core cannot do without."""

GROUPS = {
    "data": "Fetch, audit or convert a data set, and look after what skinfw keeps of the data.",
    "data cache": "Build, list or prune the cache of decoded images and features.",
}
"""What groups of commands are about; plugins may add commands to them, or groups of their own."""

HELP = """Train and evaluate classifiers of skin lesions, from recipes and plugins.

\b
skinfw run quickstart     train, evaluate, explain
skinfw check my.toml      what would run, every default written out
skinfw list-plugins       what a recipe can name

Exit codes: 0 done, 1 the run failed, 2 the recipe or the command is wrong, 3 done, but a report
failed, 130 stopped, 143 stopped by SIGTERM.
"""


class _Frame(CommandTree):
    """Turn errors into their four lines and the promised exit codes."""

    def make_context(self, *values: Any, **named: Any) -> click.Context:
        """Decide on colours for whatever click prints in any command."""
        return super().make_context(*values, **{"color": colour(), **named})

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SkinfwError as error:
            self._report(str(error), ctx)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("stopped at once", err=True)
            ctx.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of a pipe had enough
                raise
            place = str(error.filename or "")
            problem = SkinfwError("a file cannot be read or written", place, error.strerror or "")
            self._report(str(problem), ctx)
            ctx.exit(2 if error.errno == errno.ENAMETOOLONG else 1)  # no file, but a wrong word
        except Exception as error:
            from skinfw.cli.unexpected import unexpected  # imports what only few commands need

            self._report(str(unexpected(error)), ctx)
            ctx.exit(1)

    @staticmethod
    def _report(text: str, ctx: click.Context) -> None:
        if ctx.meta.get(TRACEBACK):
            traceback.print_exc()
        if "RANK" in os.environ:
            from skinfw.runtime.group import tell_starter

            if tell_starter(text):
                return
        head, colon, rest = printable(text, LINES).partition(":")
        click.echo(click.style(head + colon, fg="red", bold=True, reset=True) + rest, err=True)


def colour() -> bool | None:
    """Tell whether the environment wants colours, as rich reads it; None: what a terminal can."""
    if os.environ.get("NO_COLOR"):
        return False
    force = os.environ.get("FORCE_COLOR")
    return None if force is None else bool(force)


main = click.version_option(__version__, prog_name="skinfw")(
    _Frame(
        "skinfw",
        CORE,
        GROUPS,
        help=HELP,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
)

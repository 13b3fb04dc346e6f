"""The command line. Commands import what they need inside their bodies, so that all start fast."""

from __future__ import annotations

import errno
import traceback
from typing import Any

import click

from skinfw.cli.audit import audit
from skinfw.cli.data import cache, convert, data
from skinfw.cli.evaluate import compare, evaluate
from skinfw.cli.fetching import fetch
from skinfw.cli.inference import export, predict
from skinfw.cli.list_plugins import list_plugins
from skinfw.cli.preview import preview
from skinfw.cli.recipes import check, schema, show
from skinfw.cli.run import run
from skinfw.errors import SkinfwError
from skinfw.version import __version__

_TRACEBACK = "skinfw.traceback"


class _Commands(click.Group):
    """Turn errors into their four lines and the promised exit codes."""

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
            ctx.exit(1)
        except Exception as error:
            text = f"error: {type(error).__name__}: {error}\n  this is a defect of skinfw itself"
            self._report(f"{text}\n  please report it with the output of --traceback", ctx)
            ctx.exit(1)

    @staticmethod
    def _report(text: str, ctx: click.Context) -> None:
        if ctx.meta.get(_TRACEBACK):
            traceback.print_exc()
        head, colon, rest = text.partition(":")
        click.echo(click.style(head + colon, fg="red", bold=True, reset=True) + rest, err=True)


_HELP = """Train and judge classifiers of skin lesions, from recipes and plugins.

\b
skinfw run recipes/quickstart.toml     train, evaluate, explain
skinfw evaluate runs/FOLDER             judge its network again, also on another data set
skinfw compare runs/ONE runs/OTHER      differences with intervals, lesion by lesion
skinfw predict runs/FOLDER images/     what its network says of other images
skinfw export runs/FOLDER --onnx       its network as one file that works without torch
skinfw check my.toml                   what would run, every default written out
skinfw preview my.toml                 what its augmentation does, as a picture
skinfw list-plugins                    what a recipe can name
skinfw show sampler kmeans-hybrid      one component and its parameters

Exit codes: 0 done, 1 the run failed, 2 the recipe or the command is wrong, 130 stopped.
"""


@click.group(cls=_Commands, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="skinfw")
def main() -> None:
    """Collect the commands."""


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.meta[_TRACEBACK] = value or ctx.meta.get(_TRACEBACK, False)


_COMMANDS = (run, evaluate, compare, predict, export, check, preview, show, schema, list_plugins)
for command in (*_COMMANDS, convert, fetch, audit, *cache.commands.values()):
    command.params.append(
        click.Option(
            ["--traceback"],
            is_flag=True,
            expose_value=False,
            callback=_remember,
            help="Show the Python traceback of an error.",
        )
    )
for command in (*_COMMANDS, data):
    main.add_command(command)

"""`skinfw league`: a league table of a protocol, and several of them as one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skinfw.toolkit import echo, launcher_options, trust_option

if TYPE_CHECKING:
    from skinfw_league.folder import League
    from skinfw_league.summary import Tools


class LeagueGroup(click.Group):
    """Take what is no command for the protocol of `run`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the word `run` before a protocol."""
        if args and args[0] not in (*self.commands, "--help", "--traceback"):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return `merge`, or `run` for a protocol."""
        return super().get_command(ctx, name) or self.commands["run"]


@click.group(cls=LeagueGroup, subcommand_metavar="PROTOCOL | merge A B --out C")
def league() -> None:
    """Train what a protocol names under equal terms, and rank it in one table.

    PROTOCOL is a TOML file: [league] names what all trials share, and [backbone.NAME],
    [loss.NAME], [sampler.NAME] and [dataset.NAME] what they differ in. Every combination is
    trained with several seeds. The same command goes on where it was stopped, and adds what the
    protocol has got since.
    """


@league.command()
@click.argument("protocol", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The folder of the league, new or to go on with; leagues/PROTOCOL unless given.",
)
@launcher_options
def run(
    protocol: Path, out: Path | None, launcher: str | None, launcher_sets: tuple[str, ...]
) -> None:
    """Carry out all trials of PROTOCOL that are not done, and rank them."""
    from skinfw import SkinfwError
    from skinfw.toolkit import chosen_launcher, display_path, lock_folder
    from skinfw_league.folder import create_league
    from skinfw_league.identity import portable_table, refuse_twins, shared_record
    from skinfw_league.protocol import check_protocol, read_protocol
    from skinfw_league.summary import Tools
    from skinfw_league.trials import carry_out, list_trials, refuse_new_meanings

    own = read_protocol(protocol)
    plans = check_protocol(own)
    refuse_twins(plans)
    chosen = chosen_launcher(launcher, launcher_sets)
    plan = next(iter(plans.values()))
    reports = plan.components.report
    folder = create_league(
        out or Path("leagues") / own.name,
        own.name,
        shared_record(own, plan),
        tuple(map(portable_table, reports)),
    )
    tools = Tools(lambda _: plan.components.metric, reports)
    with lock_folder(folder.path):
        trials = list_trials(own, folder, plans)
        refuse_new_meanings(folder, trials)
        failed = carry_out(own, folder, trials, chosen, echo)
        _summarize(folder, tools)
    if failed:
        trial, why = failed[0]
        raise SkinfwError(
            f"{len(failed)} of {len(trials)} trials failed",
            display_path(folder.path),
            f"{trial.words}: {why}",
            "mend it, and give the same command again",
        )


@league.command()
@click.argument("leagues", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The folder of the merged league."
)
@trust_option
def merge(leagues: tuple[Path, ...], out: Path, trust: bool) -> None:
    """Put several LEAGUES of one protocol together, every trial once, and rank them anew."""
    from skinfw.toolkit import lock_folder
    from skinfw_league.merging import merge_leagues
    from skinfw_league.summary import recorded_tools

    merged = merge_leagues(leagues, out, echo)
    with lock_folder(merged.path):
        _summarize(merged, recorded_tools(merged, trust))


def _summarize(folder: League, tools: Tools) -> None:
    from skinfw.toolkit import display_path
    from skinfw_league.summary import summarize, written

    if summarize(folder, tools, echo) is None:
        echo("no recipe has all of its seeds yet, so that there is no table")
        return
    for file in written(folder):
        echo(f"  {display_path(file)}")

"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    yield Command(
        "league",
        "skinfw_league.command:league",
        "Train what a protocol names under equal terms, and rank it in one table.",
        tables={"league": "skinfw_league.protocol:LeagueSettings"},
    )

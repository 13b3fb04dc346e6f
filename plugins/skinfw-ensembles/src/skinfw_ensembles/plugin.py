"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    here = "skinfw_ensembles"
    yield Command(
        "ensemble",
        f"{here}.ensemble_command:ensemble",
        "Let several runs answer together: a run folder with all their networks.",
    )
    yield Command(
        "soup",
        f"{here}.soup_command:soup",
        "Average the weights of runs that share a start: a run folder with one network.",
    )
    yield Command(
        "distil",
        f"{here}.distil_command:distil",
        "Train a recipe's network on what a run or an ensemble says of its images.",
    )

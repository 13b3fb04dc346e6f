"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    here = "skinfw_evaluation"
    yield Command(
        "evaluate",
        f"{here}.evaluate_command:evaluate",
        "Evaluate the network of a run again, on its own data or on another data set.",
    )
    yield Command(
        "validate",
        f"{here}.validate_command:validate",
        "Judge the network of a run on several data sets, and how far it drops from home.",
    )
    yield Command("compare", f"{here}.compare_command:compare", "Compare runs on the same lesions.")
    yield Command(
        "cross-validate",
        f"{here}.cross_validate_command:cross_validate",
        "Run every fold of a recipe's split, and evaluate all of them together.",
    )
    yield Command(
        "refit",
        f"{here}.refit_command:refit",
        "Train the network of a finished run again on more images, for use.",
    )

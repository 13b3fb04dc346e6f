"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    here = "skinfw_inference"
    yield Command(
        "predict", f"{here}.predict_command:predict", "Predict images with the network of a run."
    )
    yield Command(
        "export",
        f"{here}.export_command:export",
        "Write the network of a run as one file that works without skinfw and torch.",
    )
    yield Command(
        "check-submission",
        f"{here}.check_command:check_submission",
        "Check a submission to an ISIC challenge as its official scorer would.",
    )

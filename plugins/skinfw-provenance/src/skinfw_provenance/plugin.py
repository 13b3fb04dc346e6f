"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    here = "skinfw_provenance"
    yield Command(
        "verify",
        f"{here}.verify_command:verify",
        "Derive every number, table and figure of a run again, and compare.",
    )
    yield Command(
        "pack",
        f"{here}.pack_command:pack",
        "Make one archive of a run, described for others, without images of patients.",
    )

"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    yield Command(
        "init",
        "skinfw_scaffold.init_command:init",
        "Ask five questions and write a recipe.",
    )
    yield Command(
        "new-plugin",
        "skinfw_scaffold.new_plugin:new_plugin",
        "Write the package of a plugin of your own, tests included.",
    )

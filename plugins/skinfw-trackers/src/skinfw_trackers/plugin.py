"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    here = "skinfw_trackers"
    yield Component(
        "track", "csv", f"{here}.csv_files:Csv", "Parameters, numbers and files of a run as CSV."
    )
    yield Component(
        "track",
        "tensorboard",
        f"{here}.tensorboard:TensorBoard",
        "Numbers, figures and parameters of a run as event files of TensorBoard.",
        extra="tensorboard",
    )
    yield Component(
        "track",
        "mlflow",
        f"{here}.mlflow:Mlflow",
        "A run in an MLflow store: a local SQLite file, or any tracking server.",
        extra="mlflow",
    )
    yield Component(
        "track",
        "wandb",
        f"{here}.wandb:Wandb",
        "A run in Weights & Biases, sent at once or kept for later.",
        extra="wandb",
    )


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    yield Command(
        "track",
        "skinfw_trackers.command:track",
        "Send what the trackers of a run could not while it ran.",
    )

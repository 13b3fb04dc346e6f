"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    yield Component(
        "launcher",
        "local",
        "skinfw_launchers.local:Local",
        "Side by side on this machine, which deals its cores and GPUs to them.",
    )
    yield Component(
        "launcher",
        "slurm",
        "skinfw_launchers.slurm:Slurm",
        "As jobs of a Slurm cluster, which requeue themselves and go on.",
        extra="slurm",
    )
    yield Component(
        "launcher",
        "ray",
        "skinfw_launchers.ray_cluster:Ray",
        "On a Ray cluster, or on one that is started for the call.",
        extra="ray",
    )

"""`skinfw track`: send what the trackers of a run could not while it ran."""

from __future__ import annotations

from pathlib import Path

import click

from skinfw import RecipeError, SkinfwError
from skinfw.toolkit import display_path, echo, raise_all, read_run


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def track(run: Path) -> None:
    """Send what the trackers of RUN could not while it ran.

    RUN is a run folder. Where each tracker is stands in its recipe; entries that have arrived are
    not sent again. It ends with 1 where something is left.
    """
    from skinfw_trackers.queue import FOLDER, SETTINGS, read_tracker
    from skinfw_trackers.tracker import undelivered

    read_run(run)
    queues = sorted(file.parent for file in (run / FOLDER).glob(f"*/{SETTINGS}"))
    if not queues:
        raise RecipeError(
            f"{display_path(run)} has no tracker",
            display_path(run / FOLDER),
            cure='add [[track]] with use = "csv", say, to the recipe of the next run',
        )
    problems: list[SkinfwError] = []
    for queue in queues:
        name = str(read_tracker(queue)["tracker"])
        if _deliver(queue):
            echo(f"{name}: all delivered")
        else:
            problems.append(undelivered(name, queue, run))
    raise_all(problems)


def _deliver(queue: Path) -> bool:
    """Deliver a queue; return whether nothing is left."""
    from skinfw_trackers.process import DeliveryProcess
    from skinfw_trackers.queue import left_bytes, read_entries

    for _ in read_entries(queue, 0):  # refused here, where somebody reads why
        pass
    if left_bytes(queue):
        DeliveryProcess(queue).finish()
    return not left_bytes(queue)

"""`skinfw verify`: does a run say what its own files give?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skinfw.toolkit import set_option, trust_option

if TYPE_CHECKING:
    from skinfw_provenance.verification import Verification

_MOST = 20


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--data", is_flag=True, help="Look at the data set, too: at each file, by its hash.")
@click.option(
    "--retrain", is_flag=True, help="Train once more, into a folder that is deleted, and compare."
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    help="How far numbers of --retrain may be apart where the machine or a package is another.",
)
@set_option(
    about="With --data or --retrain: a value such as dataset.root=elsewhere; "
    "of several data sets dataset.0.root=elsewhere."
)
@trust_option
@click.option("--all", "everything", is_flag=True, help="Print every difference of every file.")
def verify(
    run: Path,
    data: bool,
    retrain: bool,
    tolerance: float,
    sets: tuple[str, ...],
    trust: bool,
    everything: bool,
) -> None:
    """Derive every number, table and figure of RUN again, and compare.

    RUN is a run folder, or an archive of skinfw pack. Ends with 0 where all agrees and with 1
    where something differs; each difference names the file and the place in it. What could not be
    derived again is told, too.
    """
    from skinfw.toolkit import echo
    from skinfw_provenance.archive import opened_run
    from skinfw_provenance.retrain import check_retraining
    from skinfw_provenance.verify import verify_run

    with opened_run(run) as (folder, pack_record):
        found = verify_run(folder, data, sets, pack_record, trust)
        if retrain:
            check_retraining(folder, sets, tolerance, found, echo, trust)
    for line in _lines(found, None if everything else _MOST):
        echo(line)
    if found.differences:
        raise click.exceptions.Exit(1)


def _lines(found: Verification, most: int | None) -> list[str]:
    """Return what is told: differences, then what was not verified, then what agrees."""
    lines = []
    for file, places in found.differences.items():
        lines += [f"{file}: {place}" for place in places[:most]]
        if most and len(places) > most:
            lines.append(f"{file}: and {len(places) - most:,} more, which --all prints")
    lines += [f"not verified: {line}" for line in found.unverified]
    values, files = sum(found.agreeing.values()), len(found.agreeing)
    lines.append(f"{values:,} values of {files} files agree")
    if found.differences:
        count = sum(map(len, found.differences.values()))
        lines.append(f"{count:,} differences in {', '.join(found.differences)}")
    return lines

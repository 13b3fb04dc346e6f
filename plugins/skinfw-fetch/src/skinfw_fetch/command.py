"""`skinfw data fetch`: the official files of a data set, and what may be done with them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skinfw.toolkit import echo

if TYPE_CHECKING:
    from skinfw import Downloads
    from skinfw_fetch.fetch import Work


@click.command()
@click.argument("dataset")
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="The folder to fill; one of the data set's name in data/ unless given.",
)
@click.option("--yes", is_flag=True, help="Accept the licence without being asked.")
@click.option("--keep-archives", is_flag=True, help="Keep the zips after they are unpacked.")
@click.option("--mirror", default="", metavar="URL", help="Another server that has the same paths.")
def fetch(dataset: str, root: Path | None, yes: bool, keep_archives: bool, mirror: str) -> None:
    """Download and unpack the official files of a data set.

    A connection that is cut is taken up again where it ended, also by another call after Ctrl-C
    or a crash. What came is on record in downloads.json, with checksums, and never fetched twice.
    """
    from skinfw.toolkit import display_path
    from skinfw_fetch.fetch import check_space, survey
    from skinfw_fetch.fetch import fetch as execute
    from skinfw_fetch.transfer import Transfer

    name, downloads = _downloads(dataset)
    root = root or Path("data") / downloads.folder
    work = survey(downloads, root, name, mirror)
    if work.tasks:
        _say(work, keep_archives)
        check_space(work, keep_archives)
        _accept(dataset, yes)
        try:
            with Transfer() as transfer:
                execute(work, keep_archives, transfer)
        except KeyboardInterrupt:
            echo("stopped; the same command goes on where it ended")
            raise click.exceptions.Exit(130) from None
    echo(f"{dataset} is whole; use it with --set dataset.root={display_path(root)}")


def _downloads(dataset: str) -> tuple[str, Downloads]:
    """Return a data set's bare name and what it offers, or say which ones offer something."""
    from skinfw import Downloads, RecipeError, SkinfwError
    from skinfw.toolkit import Catalog, import_target

    where = f"skinfw data fetch {dataset}"
    catalog = Catalog()
    entry = catalog.find("dataset", dataset, where, Path.cwd())
    downloads = getattr(import_target(entry, where)[0], "downloads", None)
    if isinstance(downloads, Downloads):
        return entry.component.name, downloads
    names = []
    for name in catalog.use_names("dataset"):
        try:
            target, _ = import_target(catalog.find("dataset", name, where, Path.cwd()), where)
        except SkinfwError:
            continue  # it cannot be used, so it cannot be named as a cure
        if isinstance(getattr(target, "downloads", None), Downloads):
            names.append(name)
    raise RecipeError(
        f"{entry.label} names no files to download",
        where,
        "it reads files of your own, or draws its images",
        f"these can be fetched: {', '.join(names)}",
    )


def _say(work: Work, keep: bool) -> None:
    """Tell what comes, what it takes, and on what terms."""
    from skinfw.toolkit import amount, display_path

    count = len(work.tasks)
    echo(
        f"{count} {'file' if count == 1 else 'files'} into {display_path(work.record.root)}: "
        f"{amount(work.missing)} to download, {amount(work.space(keep))} of free space needed",
        bold=True,
    )
    echo(f"licence: {work.downloads.licence}")
    echo("attribution:")
    for line in work.downloads.attribution.splitlines():
        echo(f"  {line}")


def _accept(dataset: str, yes: bool) -> None:
    """Have the licence accepted, by the option or by an answer."""
    from skinfw import RecipeError

    if yes:
        return
    if not sys.stdin.isatty():
        raise RecipeError(
            "the licence has to be accepted",
            f"skinfw data fetch {dataset}",
            "there is no terminal on which to ask",
            "read it above, and add --yes",
        )
    click.confirm("do you accept the licence, and will you name the sources?", abort=True)

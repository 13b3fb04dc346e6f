"""`skinfw pack`: one archive of a run for others."""

from __future__ import annotations

from pathlib import Path

import click

from skinfw.toolkit import trust_option


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The archive; RUN.zip unless given.")
@click.option("--images", is_flag=True, help="Take along what may show patients.")
@click.option("--licence", default="", help="On what terms others may use the archive.")
@trust_option
def pack(run: Path, out: Path | None, images: bool, licence: str, trust: bool) -> None:
    """Make one archive of RUN, described for others, without images of patients.

    The archive holds the run's files, ro-crate-metadata.json, which says what each of them is, and
    sbom.cdx.json, which lists the packages that made it. skinfw verify takes it as it is. A run
    that differs from its own files is not packed.
    """
    from skinfw import RecipeError
    from skinfw.toolkit import display_path, echo
    from skinfw_provenance.pack import pack_run

    out = out or run.resolve().with_name(f"{run.resolve().name}.zip")
    try:
        contents = pack_run(run, out, images, licence, trust)
    except ModuleNotFoundError as error:
        raise RecipeError(
            f"skinfw pack needs {error.name}, which is not installed",
            why="descriptions of archives are made by libraries of their own",
            cure="pip install 'skinfw[provenance]'",
        ) from error
    for line in contents.sentences():
        echo(f"note: {line}")
    size = out.stat().st_size / 1e6
    echo(f"{len(contents.members)} files, {size:.1f} MB: {display_path(out)}")

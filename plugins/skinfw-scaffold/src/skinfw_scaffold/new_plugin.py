"""`skinfw new-plugin`: the package of a plugin of your own."""

from __future__ import annotations

from pathlib import Path

import click

from skinfw.toolkit import echo


@click.command()
@click.argument("kind", required=False)
@click.argument("name", required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder in which the package's folder is made; this one unless given.",
)
@click.option(
    "--update",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="FOLDER",
    help="Bring what is new in the template into a package that was written before.",
)
def new_plugin(kind: str | None, name: str | None, out: Path, update: Path | None) -> None:
    """Write the package of a plugin, e.g. `skinfw new-plugin sampler by-patient`.

    KIND is a kind of components, or "command". The package skinfw-NAME holds one component that
    works, its tests, a recipe that names it, a README, a licence and the settings of a CI. It
    passes `skinfw check-plugin NAME` from the start.
    """
    from skinfw_scaffold.package_files import check_copier

    if update and (kind or name):
        raise click.UsageError("--update takes a package as it is: leave KIND and NAME out")
    if not update and not (kind and name):
        raise click.UsageError("KIND and NAME are needed, e.g. skinfw new-plugin loss my-loss")
    check_copier()
    if update:
        _update(update)
    else:
        assert kind and name
        _create(kind, name, out)


def _create(kind: str, name: str, out: Path) -> None:
    from skinfw.toolkit import display_path
    from skinfw_scaffold.package_files import write_package
    from skinfw_scaffold.plugin_name import check_kind, check_name

    check_kind(kind)
    check_name(kind, name)
    folder = out / f"skinfw-{name}"
    _check_free(folder)
    write_package(kind, name, folder)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    echo(f"{len(files)} files in {display_path(folder)}", bold=True)
    echo(f"  cd {display_path(folder)}")
    echo("  git init && git add . && git commit -m 'Begin'   # --update compares with it")
    echo("  pip install -e '.[dev]'")
    echo(f"  skinfw check-plugin {name} && python -m pytest")
    if kind != "command":
        echo("  skinfw check recipe.toml")


def _check_free(folder: Path) -> None:
    """Refuse a folder that holds something."""
    from skinfw import RecipeError

    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise RecipeError(
            f"{folder.name} exists already",
            str(folder),
            "nothing is overwritten",
            "choose another name or --out; --update brings a package up to date",
        )


def _update(folder: Path) -> None:
    from skinfw.toolkit import display_path
    from skinfw_scaffold.package_files import update_package

    update_package(folder)
    echo(f"{display_path(folder)} is up to date with this skinfw", bold=True)
    echo("git diff shows what changed; lines between <<<<<<< and >>>>>>> are yours to settle")

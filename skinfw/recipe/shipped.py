"""The recipes that skinfw brings, found by their bare names."""

from __future__ import annotations

from pathlib import Path

from skinfw.errors import RecipeError
from skinfw.registry.names import nearest


def shipped_recipes() -> dict[str, Path]:
    """Return the files of the recipes that skinfw brings, by name."""
    here = Path(__file__).parent
    # In a wheel they lie in this folder, in a checkout at the top.
    folder = next(
        place for place in (here / "recipes", here.parents[1] / "recipes") if place.is_dir()
    )
    return {file.stem: file for file in sorted(folder.glob("*.toml"))}


def shipped_recipe(path: Path) -> Path | None:
    """Return the file of the shipped recipe that a bare name means; None where a path is meant.

    path: as the user wrote it; what exists in the current folder comes first.
    Raises RecipeError where a bare name means nothing.
    """
    if len(path.parts) != 1 or path.suffix or path.exists():
        return None
    shipped = shipped_recipes()
    if path.name in shipped:
        return shipped[path.name]
    near = {name: name for name in shipped} | {
        file.stem: file.name for file in Path().glob("*.toml")
    }
    close = nearest(path.name, near)
    raise RecipeError(
        f'there is no recipe "{path.name}"',
        "",
        f"skinfw brings {', '.join(shipped)}",
        f'did you mean "{near[close[0]]}"?' if close else "name one, a TOML file or a run folder",
    )

"""`skinfw data cache`: build, list and prune the cache of decoded images and features."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skinfw.toolkit import echo, recipe_options, trust_option

if TYPE_CHECKING:
    from skinfw_cache.shards import ImageCache


@click.command()
@recipe_options
@trust_option
def build(recipe: Path, sets: tuple[str, ...], trust: bool) -> None:
    """Decode all images of a recipe's data set, as its first run would."""
    from skinfw import RecipeError
    from skinfw.toolkit import (
        decoded_images,
        image_function,
        load_data,
        load_data_plan,
        picture_paths,
    )

    plan = load_data_plan(recipe, sets, trust=trust or None)
    if image_function(plan.dataset):
        raise RecipeError(
            f"the images of {plan.components.dataset.use} are no files",
            plan.components.dataset.origin.text,
            "the data set draws them itself, so there is nothing to decode",
            "run the recipe",
        )
    if plan.components.cache is None:
        raise RecipeError("the recipe names no cache", str(recipe), cure='[cache] use = "shards"')
    rows = load_data(plan).rows
    images, wanted = decoded_images(plan, rows, True, echo), len(picture_paths(plan, rows))
    held = len(images) if images else 0
    echo(f"{held:,} of {wanted:,} images are in the cache")
    if held < wanted:
        raise click.exceptions.Exit(1)


@click.command("list")
def list_cache() -> None:
    """List what the cache holds, the least recently used first."""
    from skinfw.toolkit import cache_folder

    total = 0
    for shard in _images().shards():
        total += shard.bytes
        echo(f"{shard.bytes / 1e6:10,.1f} MB  {shard.images:8,} images    {_when(shard.used)}")
    for file in _kept_files():
        about, what = file.stat(), "features" if file.suffix == ".npy" else file.stem
        total += about.st_size
        echo(f"{about.st_size / 1e6:10,.1f} MB  {what:>17}  {_when(about.st_mtime)}")
    echo(f"{total / 1e6:10,.1f} MB  in {cache_folder()}")


@click.command()
@click.option(
    "--keep-gb",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="How much may stay; the least recently used goes first.",
)
def prune(keep_gb: float) -> None:
    """Delete from the cache; runs that use it go on unharmed."""
    freed = _images().prune(int(keep_gb * 1e9))
    room = int(keep_gb * 1e9) - sum(shard.bytes for shard in _images().shards())
    for file in reversed(_kept_files()):
        size = file.stat().st_size
        if size > room:
            file.unlink()
            freed += size
        else:
            room -= size
    echo(f"{freed / 1e6:,.1f} MB freed")


def _images() -> ImageCache:
    from skinfw.toolkit import cache_folder
    from skinfw_cache.shards import ImageCache

    return ImageCache(cache_folder() / "images", 0, 1)


def _kept_files() -> list[Path]:
    """Return the files of features and of what is known of files, the least recently used first."""
    from skinfw.toolkit import cache_folder

    place = cache_folder()
    files = [*(place / "features").glob("*.npy"), *place.glob("*.sqlite")]
    return sorted(files, key=lambda file: file.stat().st_mtime)


def _when(used: float) -> str:
    return "used " + time.strftime("%Y-%m-%d %H:%M", time.localtime(used))

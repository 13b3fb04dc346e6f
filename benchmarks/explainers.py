"""What explainers cost: seconds an image, on EfficientNet-Lite0 at 192 and one thread.

`python -m benchmarks.explainers` prints a line for each; those that fit transformers alone are
measured on ViT-Tiny at the same size. Seconds are of processor time, so that others who use the
machine count little.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
import torch

from skinfw.errors import RecipeError
from skinfw.interfaces.protocols import CheckingExplainer
from skinfw.recipe.component import import_target
from skinfw.registry.catalog import Catalog
from skinfw.testing.candidate import Candidate

SIZE = 192
CLASSES = ("A", "B", "C", "D", "E", "F", "G")


def seconds(explainer: Any, model: torch.nn.Module, images: int) -> float:
    """Return the processor time of an image.

    images: explained together.
    """
    dice = torch.Generator().manual_seed(0)
    pixels = torch.randn(images, 3, SIZE, SIZE, generator=dice)
    classes = torch.arange(images) % len(CLASSES)
    with torch.no_grad():
        model(pixels)  # the first pass asks for memory
    begin = time.process_time()
    explainer(model, pixels, classes)
    return (time.process_time() - begin) / images


def network(use: str) -> torch.nn.Module:
    """Return a backbone as a recipe builds it, with random weights."""
    entry = Catalog().find("backbone", use, "", Path())
    candidate = Candidate(entry, {"variant": entry.variant, "pretrained": False})
    model: torch.nn.Module = candidate.build(classes=CLASSES, size=SIZE)
    return model.eval()


@click.command()
@click.option("--images", type=click.IntRange(1), default=1, help="Explained together.")
@click.argument("names", nargs=-1)
def main(images: int, names: tuple[str, ...]) -> None:
    """Measure the explainers that are installed, or those of these names."""
    torch.set_num_threads(1)
    usual, transformer = network("lite/efficientnet-lite0"), network("timm/vit_tiny_patch16_224")
    for entry in Catalog().offers("explainer"):
        name = entry.component.name
        if names and name not in names:
            continue
        explainer: Any = import_target(entry, "")[0]()
        model = usual
        if isinstance(explainer, CheckingExplainer):
            try:
                explainer.check(model)
            except RecipeError:
                model = transformer
        click.echo(f"{name:22} {seconds(explainer, model, images):9.3f} s")


if __name__ == "__main__":
    main()

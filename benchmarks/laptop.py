"""`python -m benchmarks.laptop RUN...`: runs beside a plain PyTorch loop of half an hour.

The loop is what one writes in an hour: EfficientNet-Lite0 at 160 pixels from ImageNet weights,
crops, flips, rotation and colour of torchvision, images drawn with n^-0.75, AdamW with one cycle,
mirrored views averaged. It trains on the images that a run trained on, and is evaluated on those
that the run was evaluated on; differences are resampled over lesions. It sees as many images as fit
into its minutes at the pace of its first batches, so that a busy machine costs it nothing.
"""

from __future__ import annotations

import copy
import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler
from torchvision.transforms import v2

from benchmarks.ensembles import REPLICATES, mean_numbers
from skinfw.data.table import load_data
from skinfw.interfaces.values import Predictions
from skinfw.recipe.plan import load_plan
from skinfw.statistics.predictions import read_predictions, run_predictions, write_predictions
from skinfw_evaluation.paired import compare
from skinfw_metrics.classification import Classification

SIZE = 160
BATCH = 32
LR = 1e-3
NUMBERS = ("balanced_accuracy", "accuracy", "macro_auc")
TRIAL = 15 * BATCH
Floats = npt.NDArray[np.float64]


class _Images(Dataset[Any]):
    """Images decoded once into memory."""

    def __init__(self, paths: list[str], labels: Any, transform: Any) -> None:
        self.images = [
            v2.functional.pil_to_tensor(Image.open(path).convert("RGB")) for path in paths
        ]
        self.labels, self.transform = labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[index]), int(self.labels[index])


def _tail() -> list[Any]:
    return [v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.5] * 3)]


def train(
    model: nn.Module, images: Dataset[Any], weights: torch.Tensor, total: int, seed: int
) -> float:
    """Train with one cycle of the learning rate; return the images per second.

    images: augmented, with labels.
    weights: how likely each image is drawn.
    total: how many are drawn.
    """
    torch.manual_seed(seed)
    model.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.01)
    ticks, batches = [time.perf_counter()], total // BATCH
    sampler = WeightedRandomSampler(weights.tolist(), batches * BATCH)
    for batch, (pixels, targets) in enumerate(DataLoader(images, BATCH, sampler=sampler)):
        done = batch / batches
        rate = done / 0.3 if done < 0.3 else (1 + math.cos(math.pi * (done - 0.3) / 0.7)) / 2
        for group in optimizer.param_groups:
            group["lr"] = LR * max(rate, 1e-3)
        logits = model(pixels.contiguous(memory_format=torch.channels_last))
        loss = nn.functional.cross_entropy(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ticks.append(time.perf_counter())
    return BATCH / float(np.median(np.diff(ticks)))


@torch.inference_mode()
def predict(model: nn.Module, rows: pd.DataFrame) -> Floats:
    """Return the mean probabilities of each image and its mirror image."""
    transform = v2.Compose([v2.Resize(SIZE, antialias=True), v2.CenterCrop(SIZE), *_tail()])
    images = _Images(list(rows["path"]), np.zeros(len(rows), int), transform)
    model.eval()
    batches = []
    for pixels, _ in DataLoader(images, 2 * BATCH):
        both = (pixels, pixels.flip(3))
        batches.append(sum(model(view).softmax(1) for view in both) / 2)
    probabilities: Floats = torch.cat(batches).double().numpy()
    return probabilities


def beside(ours: Predictions, theirs: Predictions) -> str:
    """Return the numbers of both, and the interval of their differences over lesions."""
    differences = compare(Classification(), ours, theirs, REPLICATES)
    return "; ".join(
        f"{name.replace('_', ' ')} {own.first:.3f} against {own.second:.3f}, "
        f"difference {own.difference:+.3f} (95 % over lesions "
        f"{own.interval[0]:+.3f} to {own.interval[1]:+.3f}, p {own.p:.3f})"
        for name, own in ((name, differences[name]) for name in NUMBERS)
    )


def together(runs: list[Predictions], loops: list[Predictions]) -> str:
    """Return how far the mean number of runs lies from that of loops, on the same draws."""
    ours, theirs = mean_numbers(runs, loops[0], NUMBERS), mean_numbers(loops, loops[0], NUMBERS)
    said = []
    for name in NUMBERS:
        apart = ours[name].minus(theirs[name])
        low, high = apart.interval()
        said.append(
            f"{name.replace('_', ' ')} {ours[name].number:.3f} against {theirs[name].number:.3f}, "
            f"difference {apart.number:+.3f} (95 % over lesions {low:+.3f} to {high:+.3f})"
        )
    return "; ".join(said)


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--minutes", default=30.0, show_default=True, help="How long the loop trains.")
@click.option("--images", default=0, help="How many images it sees instead.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    default=Path("loops"),
    show_default=True,
    help="Where predictions of loops are kept, by split, seed and length, to be used again.",
)
def main(runs: tuple[Path, ...], minutes: float, images: int, keep: Path) -> None:
    """Train the loop beside each run, on its split and with its seed, and compare."""
    evaluated: dict[str, list[tuple[Predictions, Predictions]]] = {}
    loops: set[Path] = set()
    for run in runs:
        record = json.loads((run / "run.json").read_text())
        planned, ours = load_plan(run), run_predictions(run)
        split = record["split_hash"][:16]
        shown = f"{images}-images" if images else f"{minutes:g}-minutes"
        file = keep / f"{split}-{planned.seed}-{shown}.csv"
        if file in loops:
            raise click.UsageError(f"{run.name}: seed {planned.seed} of this split is there twice")
        loops.add(file)
        if not file.is_file():
            table = load_data(planned).rows
            table = table.merge(pd.read_csv(run / "splits.csv")[["id", "part"]], on="id")
            training = table[table["part"] == "train"]
            model = _trained(training, planned.classes, minutes, images, planned.seed)
            test = table.set_index("id").loc[list(ours.ids)].reset_index()
            keep.mkdir(parents=True, exist_ok=True)
            write_predictions(file, replace(ours, probabilities=predict(model, test)))
        theirs = read_predictions(file, dict(zip(ours.ids, ours.lesions, strict=True)))
        click.echo(f"{run.name}: seed {planned.seed}, {record['timings']}")
        click.echo(beside(ours, theirs))
        evaluated.setdefault(split, []).append((ours, theirs))
    for pairs in evaluated.values():
        if len(pairs) > 1:
            click.echo(f"the means of {len(pairs)} runs and as many loops")
            runs_of, loops_of = zip(*pairs, strict=True)
            click.echo(together(list(runs_of), list(loops_of)))


def _trained(
    rows: pd.DataFrame, classes: tuple[str, ...], minutes: float, images: int, seed: int
) -> nn.Module:
    """Build the loop's network and train it."""
    from skinfw_lite.lite import lite

    torch.manual_seed(seed)
    model = lite("efficientnet-lite0", classes)
    labels = rows["label"].map({name: place for place, name in enumerate(classes)}).to_numpy()
    weights = torch.from_numpy(np.bincount(labels, minlength=len(classes))[labels] ** -0.75)
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(SIZE, scale=(0.5, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.RandomVerticalFlip(),
            v2.RandomRotation(90),
            v2.ColorJitter(0.2, 0.2, 0.2, 0.02),
            *_tail(),
        ]
    )
    held = _Images(list(rows["path"]), labels, transform)
    if not images:
        pace = train(copy.deepcopy(model), held, weights, TRIAL, seed)
        images = int(pace * 60 * minutes)
        click.echo(f"the loop does {pace:.1f} images/s")
    train(model, held, weights, images, seed)
    click.echo(f"the loop saw {images:,} images")
    return model


if __name__ == "__main__":
    main()

"""What components are tried with: labels, images, predictions, a small network, a whole result."""

from __future__ import annotations

import atexit
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from skinfw.interfaces.transforms import Dice
from skinfw.interfaces.values import Auxiliary, Context, Predictions, Result
from skinfw.runtime.seed import stream

CLASSES = ("MEL", "NV", "DF")
COUNTS = (30, 80, 7)
SIZE = 64

Image = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.integer[Any]]


def labels() -> Integers:
    """Return the labels of a training part with a frequent and a rare class, int64 [117]."""
    return stream(0, "labels").permutation(np.repeat(np.arange(len(CLASSES)), COUNTS))


def context(epoch: int = 1, seed: int = 0) -> Context:
    """Return what a sampler may ask of the engine, as a run of its own would offer it."""
    known: dict[str, Any] = {}

    def once(key: str, compute: Callable[[np.random.Generator], Any]) -> Any:
        if key not in known:
            known[key] = compute(stream(seed, "sampler", 0))
        return known[key]

    def thumbnails(indices: Integers, size: int, grey: bool) -> Any:
        shape = (size, size) if grey else (size, size, 3)
        rows = [stream(9, "pixels", int(i)).integers(0, 256, shape, np.uint8) for i in indices]
        return np.stack(rows).astype(np.uint8)

    def embeddings(indices: Integers) -> npt.NDArray[np.float32]:
        rows = [stream(9, "features", int(i)).normal(size=5) for i in indices]
        return np.stack(rows).astype(np.float32)

    rng = stream(seed, "sampler", epoch)
    lesions = tuple(f"L{number // 2:03d}" for number in range(sum(COUNTS)))
    return Context(CLASSES, epoch, rng, once, thumbnails, embeddings, lesions)


def image(height: int = 60, width: int = 80, seed: int = 0) -> Image:
    """Return a dark spot on skin, uint8 [H, W, 3], with some noise."""
    rng = stream(seed, "image")
    y, x = np.mgrid[:height, :width]
    y0, x0 = rng.uniform(0.3, 0.7, 2) * (height, width)
    spot = np.exp(-((y - y0) ** 2 + (x - x0) ** 2) / (0.03 * height * width))[..., None]
    skin, mole = np.array([214.0, 170, 148]), np.array([92.0, 55, 40])
    noise = rng.normal(0, 6, (height, width, 3))
    return np.asarray(np.clip(skin + spot * (mole - skin) + noise, 0, 255), np.uint8)


def dice(seed: int, shape: tuple[int, int] = (60, 80), copy: bool = True) -> Dice:
    """Return the dice of one image."""
    return Dice(stream(seed, "augment"), shape, copy, lambda: image(*shape, seed=seed + 1))


def table(lesions: int = 60) -> pd.DataFrame:
    """Return the table of a data set with two images of every lesion."""
    count = 2 * lesions
    rng = stream(0, "table")
    own = np.repeat(rng.integers(0, len(CLASSES), lesions), 2)
    own[: 12 * len(CLASSES)] = np.repeat(np.arange(len(CLASSES)), 12)
    ids = [f"I{number:03d}" for number in range(count)]
    return pd.DataFrame(
        {
            "id": ids,
            "path": [f"{name}.jpg" for name in ids],
            "label": [CLASSES[label] for label in own],
            "lesion": [f"L{number // 2:03d}" for number in range(count)],
            "split": [("train", "val", "test")[number // 2 % 3] for number in range(count)],
        }
    )


def predictions(
    images: int = 60,
    classes: tuple[str, ...] = CLASSES,
    auxiliary: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Predictions:
    """Return what a network of middling quality says of images, one per lesion.

    auxiliary: the values of each auxiliary output.
    """
    rng = stream(0, "predictions")
    true = np.arange(images) % len(classes)
    logits = rng.normal(size=(images, len(classes))) + 1.2 * np.eye(len(classes))[true]
    chances = np.exp(logits)
    chances /= chances.sum(1, keepdims=True)
    ids = [f"I{number:03d}" for number in range(images)]
    beside = auxiliary_answers(images, auxiliary)
    return Predictions(ids, ids, true, chances, classes, auxiliary=beside)


def auxiliary_answers(images: int, auxiliary: Mapping[str, Sequence[str]]) -> dict[str, Auxiliary]:
    """Return what a network might say of auxiliary outputs.

    auxiliary: the values of each.
    """
    rng = stream(0, "auxiliary")
    return {
        name: Auxiliary(
            tuple(values),
            rng.integers(0, len(values), images),
            rng.dirichlet(np.ones(len(values)), images),
        )
        for name, values in auxiliary.items()
    }


def small_network(classes: int, seed: int = 0) -> nn.Module:
    """Return a network of two convolutions whose `cam_layer` is named."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, classes),
        )
    model.cam_layer = "4"  # type: ignore[assignment]
    # As timm's networks name their stages.
    model.feature_info = [{"module": "2", "num_chs": 8}, {"module": "4", "num_chs": 16}]  # type: ignore[assignment]
    return model


def noise_backbone(classes: tuple[str, ...]) -> nn.Module:
    """Build the small network of a result that reports are tried with."""
    return small_network(len(classes))


def noise_maps() -> Any:
    """Build an explainer that points at the left upper corner."""

    def explain(model: nn.Module, images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        rows = torch.linspace(1, 0, images.shape[2])
        return (rows[:, None] * rows).expand(len(images), -1, -1)

    return explain


class KeepResult:
    """Keep the result of a run that is written about, while its network is at hand."""

    results: list[Result] = []  # noqa: RUF012 - one for the process, which makes one run

    def write(self, result: Result, folder: Path) -> None:
        """Keep it."""
        self.results.append(result)


_RECIPE = """
[dataset]
use = "./noise.py:NoiseImages"

[backbone]
use = "./noise.py:noise_backbone"

[image]
size = 64

[[explainer]]
use = "./noise.py:noise_maps"
images = 4

[[report]]
use = "./noise.py:KeepResult"
"""
_MODULE = """
from skinfw.recipe.settings import ModalitySettings
from skinfw.testing.examples import KeepResult, noise_backbone, noise_maps
from skinfw.workflows.trial import NoiseImages as _NoiseImages


def NoiseImages():
    \"\"\"Stand for a data set.\"\"\"
    return _NoiseImages({classes!r}, ModalitySettings())
"""


@cache
def result() -> Result:
    """Return the result of a run on noise, with everything that a report may ask for."""
    from skinfw.recipe.plan import load_plan
    from skinfw.workflows.trial import run_on_noise

    folder = Path(mkdtemp(prefix="skinfw-testing-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    (folder / "noise.py").write_text(_MODULE.format(classes=CLASSES), encoding="utf-8")
    (folder / "noise.toml").write_text(_RECIPE, encoding="utf-8")
    KeepResult.results.clear()
    run_on_noise(load_plan(folder / "noise.toml"), folder)
    return KeepResult.results[0]


@contextmanager
def other_random_state(seed: int) -> Iterator[None]:
    """Put the global random generators elsewhere for a while, as another run would find them."""
    python, numpy_state, torch_state = (
        random.getstate(),
        np.random.get_state(),
        torch.get_rng_state(),
    )
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_state)
        torch.set_rng_state(torch_state)

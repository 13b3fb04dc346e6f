"""One epoch of EfficientNet-Lite0 at 160 pixels, beside three ways to write the loop."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset

from benchmarks import ours, pictures
from benchmarks.augment import on_pillow, open_rgb
from benchmarks.dataset import CLASSES, HELD_OUT, label_of
from benchmarks.harness import Bench, Peer, Row, Work, clocked, need, race

IMAGES = 320  # many short pairs tell more on a noisy machine than few long ones
SIZE = 160
BATCH = 32
WORKERS = 2
LR = 3e-4  # our default
TRAIN = f"""
    [train]
    epochs = 1
    batch_size = {BATCH}
"""
LAYOUTS = (torch.contiguous_format, torch.channels_last)
Batch = tuple[torch.Tensor, torch.Tensor]


def in_memory(bench: Bench) -> list[Row]:
    """Race from memory: what our loop costs beside the computing itself."""
    count, size = bench.amount(IMAGES, 16), bench.amount(SIZE, 64)
    components = ours.components(ours.recipe(ours.noise(count, size), size, TRAIN), bench.scratch)
    data = [
        (
            torch.randn(len(some), 3, size, size).contiguous(memory_format=torch.channels_last),
            some % len(CLASSES),
        )
        for some in torch.arange(count).split(BATCH)
    ]
    bare = _Loop(components.model, torch.channels_last, data)
    peers = [Peer("a bare PyTorch loop", clocked(bare.epoch), 0.95)]
    work = f"an epoch of {count:,} images in memory"
    return race(bench, work, ours.training(components, bench.scratch), peers)


def beside_reference(bench: Bench) -> list[Row]:
    """Race from files, beside a loop like torchvision's reference script."""

    def peers(model: nn.Module, loader: DataLoader[Any]) -> list[Peer]:
        plain, fast = (_Loop(model, layout, loader) for layout in LAYOUTS)
        return [
            Peer("torchvision's reference loop", clocked(plain.epoch), 1.3),
            Peer("the same with channels_last", clocked(fast.epoch)),
        ]

    return _from_files(bench, peers, (True, False))


def beside_lightning(bench: Bench) -> list[Row]:
    """Race from files, beside Lightning's Trainer."""
    need("lightning", "lightning")

    def peers(model: nn.Module, loader: DataLoader[Any]) -> list[Peer]:
        plain, fast = (_lightning(model, layout, loader) for layout in LAYOUTS)
        return [Peer("Lightning", plain, 1.3), Peer("the same with channels_last", fast)]

    return _from_files(bench, peers)


def _from_files(
    bench: Bench,
    peers: Callable[[nn.Module, DataLoader[Any]], list[Peer]],
    ways: Sequence[bool] = (True,),
) -> list[Row]:
    """Race our epoch.

    ways: with the decoded images mapped, as from the second run on, or without.
    """
    count, size = bench.amount(IMAGES, 16), bench.amount(SIZE, 64)
    folder = pictures.linked(bench, count + len(HELD_OUT))
    images = _Images(sorted(folder.iterdir())[len(HELD_OUT) :], size)
    loader = DataLoader(images, BATCH, shuffle=True, num_workers=WORKERS)
    recipe = ours.recipe(ours.files(folder), size, TRAIN + ours.STRONG)
    rows = []
    for cached in ways:
        components = ours.components(recipe, bench.scratch, cached)
        work = f"an epoch of {count:,} JPEG files" + (", decoded before" if cached else "")
        others = peers(components.model, loader)
        rows += race(bench, work, ours.training(components, bench.scratch), others)
    return rows


class _Images(Dataset[Any]):
    """The files as torchvision's data sets give them."""

    def __init__(self, files: list[Path], size: int) -> None:
        self.files, self.transform = files, on_pillow(size)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(open_rgb(self.files[index])), label_of(index)


class _Loop:
    """The loop of the reference script, its running loss and accuracy included."""

    def __init__(
        self, model: nn.Module, layout: torch.memory_format, data: Iterable[Batch]
    ) -> None:
        self.model = copy.deepcopy(model).to(memory_format=layout)
        self.layout, self.data = layout, data
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=LR)

    def epoch(self) -> None:
        self.model.train()
        loss_sum, right = 0.0, 0.0
        for images, labels in self.data:
            outputs = self.model(images.contiguous(memory_format=self.layout))
            loss = cross_entropy(outputs, labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            loss_sum += loss.item() * len(labels)
            right += (outputs.argmax(1) == labels).sum().item()


def _lightning(model: nn.Module, layout: torch.memory_format, loader: DataLoader[Any]) -> Work:
    """Return an epoch of Lightning's Trainer, without logger, progress bar and checkpoints."""
    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = copy.deepcopy(model).to(memory_format=layout)

        def training_step(self, batch: Batch, _: int) -> torch.Tensor:
            images, labels = batch
            return cross_entropy(self.model(images.contiguous(memory_format=layout)), labels)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=LR)

    class Stopwatch(lightning.Callback):  # type: ignore[misc]
        """Time the epoch alone; what the Trainer does before and after is spared."""

        def on_train_epoch_start(self, *_: Any) -> None:
            self.start = time.perf_counter()

        def on_train_epoch_end(self, *_: Any) -> None:
            self.seconds = time.perf_counter() - self.start

    module = Module()

    def epoch() -> float:
        stopwatch = Stopwatch()
        trainer = lightning.Trainer(
            max_epochs=1,
            accelerator="cpu",
            logger=False,
            callbacks=[stopwatch],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, loader)
        return stopwatch.seconds

    return epoch

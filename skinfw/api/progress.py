"""A line for each epoch of a run that Python started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from skinfw.interfaces.hooks import hookimpl


@dataclass
class Epochs:
    """Say what came of each epoch.

    say: told a line.
    """

    say: Callable[[str], None]

    @hookimpl
    def epoch_end(self, record: Mapping[str, float]) -> None:
        """Say the losses and what the epoch is chosen by."""
        words = [f"epoch {record['epoch']:.0f}", f"train loss {record['train_loss']:.3f}"]
        words += [
            f"{name.replace('_', ' ')} {record[name]:.3f}"
            for name in ("val_loss", "balanced_accuracy")
            if name in record
        ]
        self.say("  ".join(words))

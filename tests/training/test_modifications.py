"""Runs whose images, network or batches a recipe changes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from skinfw.errors import RecipeError
from skinfw.guards.tensors import GuardedLoss
from skinfw.recipe.plan import load_plan

Train = Callable[..., Any]
DROP = 'modify=[{use="drop-block", after=["0"], block=3, probability=0.3}]'


def numbers(history: Any, name: str) -> list[float]:
    return [float(row[name]) for row in history]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_drop_block_grows_with_the_optimizer_s_steps(train: Train, accumulate: int) -> None:
    result, _ = train(DROP, "train.epochs=4", f"train.accumulate={accumulate}")
    grown = numbers(result.history, "drop_block")
    # The last step of an epoch stands in its row; steps, not batches and not validation, count.
    steps = -(-5 // accumulate)  # an epoch has 40 images in batches of 8
    expected = [0.3 * (steps * epoch - 1) / (4 * steps - 1) for epoch in range(1, 5)]
    assert grown == pytest.approx(expected)


def test_drop_block_changes_training_and_not_evaluation(train: Train) -> None:
    plain, _ = train()
    dropped, folder = train(DROP)
    assert numbers(plain.history, "train_loss") != numbers(dropped.history, "train_loss")
    again, _ = train(DROP)
    assert numbers(again.history, "train_loss") == numbers(dropped.history, "train_loss")
    assert (folder.path / "best.safetensors").is_file()


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixed_batches_train_repeatably(train: Train, name: str) -> None:
    plain, _ = train()
    losses = [numbers(train(f'mix={{use="{name}"}}')[0].history, "train_loss") for _ in range(2)]
    assert losses[0] == losses[1] != numbers(plain.history, "train_loss")
    assert np.isfinite(losses).all()


def test_the_history_counts_the_training_images_that_were_called_rightly(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    call = GuardedLoss.__call__

    def watch(self: Any, logits: torch.Tensor, targets: torch.Tensor, weight: Any) -> torch.Tensor:
        if logits.requires_grad:  # not in validation
            seen.append(logits.detach().topk(1).indices[:, 0] == targets)
        return call(self, logits, targets, weight)

    monkeypatch.setattr(GuardedLoss, "__call__", watch)
    result, _ = train("train.epochs=2", "train.batch_size=12")
    epochs = np.split(torch.cat(seen).numpy()[-80:], 2)  # what came before was a trial of the loss
    right = numbers(result.history, "train_accuracy")
    assert right == pytest.approx([epoch.mean() for epoch in epochs])
    assert list(result.history[0])[2:5] == ["train_loss", "train_accuracy", "val_loss"]


def test_of_mixed_images_each_label_counts_its_share_and_of_pairs_the_first() -> None:
    from skinfw.training.components import _count_right, _of_both

    logits, targets = torch.eye(3)[[0, 2, 2, 1]], torch.tensor([0, 1, 2, 0])
    order = torch.tensor([1, 0, 3, 2])
    # Called 0, 2, 2, 1: by their own labels the first and the third are right, by others' none.
    right = _of_both(_count_right, _count_right, order, 0.7, logits, targets, None)
    assert float(right) == pytest.approx(0.7 * 2)
    turned = torch.tensor([2, 2, 0, 0])
    assert float(_count_right(logits, torch.cat([turned, targets]), None)) == 2  # of 8


def test_the_loss_of_mixed_labels_is_in_the_shares_of_the_images() -> None:
    from skinfw.training.components import _of_both

    logits, targets = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    order = torch.tensor([1, 0, 3, 2])

    def loss(logits: torch.Tensor, targets: torch.Tensor, weight: Any) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(logits, targets, weight)

    result = _of_both(loss, loss, order, 0.7, logits, targets, None)
    soft = 0.7 * torch.eye(3)[targets] + 0.3 * torch.eye(3)[targets[order]]
    expected = torch.nn.functional.cross_entropy(logits, soft)
    assert torch.allclose(result, expected)


PREPARE = '''
import numpy as np


class Black:
    """Turn every image black."""

    def prepare(self, image):
        return np.zeros_like(image)


class Wrong:
    """Return what is no image."""

    def prepare(self, image):
        return image.astype(float)
'''


def test_what_is_prepared_is_all_that_training_and_evaluation_see(
    train: Train, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(PREPARE)
    result, _ = train(f'prepare=[{{use="{tmp_path / "mine.py"}:Black"}}]')
    answers = result.predictions["test"].probabilities
    assert np.abs(answers - answers[0]).max() < 1e-6


def test_what_is_no_image_is_told(train: Train, tmp_path: Path) -> None:
    from skinfw.errors import SkinfwError

    (tmp_path / "mine.py").write_text(PREPARE)
    with pytest.raises(SkinfwError) as error:
        train(f'prepare=[{{use="{tmp_path / "mine.py"}:Wrong"}}]')
    assert "returned an array of float64" in error.value.what and "uint8" in error.value.why


def test_several_dropouts_train_with_auxiliary_answers(train: Train) -> None:
    heads = 'modify=[{use="multimodal-head"}, {use="multi-sample-dropout", samples=3}]'
    beside = ('modalities.auxiliary=["anatom_site_general"]', "train.epochs=1", "explainer=[]")
    result, folder = train(heads, *beside)
    assert np.isfinite(numbers(result.history, "train_loss")).all()
    assert "anatom_site_general" in result.predictions["test"].auxiliary
    state = torch.load(folder.path / "last/state.pt", weights_only=True)
    assert "head.linear.weight" in state["model"]


@pytest.mark.slow
def test_weights_are_averaged_over_the_last_epochs(train: Train) -> None:
    """The oracle is the mean of the weights of runs that end with each of these epochs."""
    import skinfw

    constant = 'schedule.use="constant"'

    def state(*sets: str) -> Any:
        _, folder = train(constant, "explainer=[]", *sets)
        file = folder.path / "last/state.pt"
        return folder, torch.load(file, weights_only=True)

    folder, averaged = state("train.epochs=4", "train.swa=0.5")
    _, third = state("train.epochs=3")
    weights = ("0.weight", "1.weight", "6.bias")
    for name in weights:
        mean = (third["model"][name] + averaged["model"][name]) / 2
        assert torch.allclose(averaged["ema"][name], mean, atol=1e-6), name
        assert not torch.allclose(third["model"][name], averaged["model"][name], atol=1e-6)
    # What enters the normalisation, over all training images as evaluation sees them.
    model, seen = skinfw.load(folder.path), list[torch.Tensor]()
    model.network.load_state_dict(averaged["ema"])
    normalisation = model.network.get_submodule("1")
    normalisation.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    parts = pd.read_csv(folder.path / "splits.csv")
    dataset = load_plan(folder.path).dataset
    images = [dataset.image(name) for name in parts.loc[parts["part"] == "train", "id"]]
    model.predict(images)
    cut = [own.transpose(0, 1).flatten(1) for own in torch.cat(seen).split(16)]
    shares = torch.tensor([own.shape[1] for own in cut]) / sum(own.shape[1] for own in cut)
    pairs = [(own.mean(1), own.var(1)) for own in cut]
    means, variances = (torch.stack(own) for own in zip(*pairs, strict=True))
    for name, own in (("running_mean", means), ("running_var", variances)):
        assert torch.allclose(averaged["ema"][f"1.{name}"], shares @ own, atol=1e-4)


def test_two_averages_are_refused(train: Train) -> None:
    with pytest.raises(RecipeError, match=r"train\.ema and train\.swa"):
        train("train.ema=0.9", "train.swa=0.5")

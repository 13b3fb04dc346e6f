import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support import TINY_BACKBONE
from torch import nn

from skinfw import hookimpl
from skinfw.errors import RecipeError
from skinfw.models.freezing import freeze, head_name
from skinfw.recipe.plan import load_plan
from skinfw.workflows.run import execute_run, open_run


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 2),
    )  # fmt: skip


def test_the_head_is_the_last_module_with_weights() -> None:
    assert head_name(network()) == "5"
    assert head_name(nn.Sequential(network(), nn.Softmax(1))) == "0.5"


def test_the_trunk_is_all_but_the_head() -> None:
    model = network().train()
    kept = freeze(model, ["trunk"], "")
    learning = [name for name, weights in model.named_parameters() if weights.requires_grad]
    assert learning == ["5.weight", "5.bias"]
    assert model[1] in kept.modules and not model[1].training and model[5].training


def test_weights_that_belong_to_no_layer_are_frozen_with_the_trunk() -> None:
    model = network()
    model.register_parameter("token", nn.Parameter(torch.zeros(3)))
    freeze(model, ["trunk"], "")
    assert not model.token.requires_grad


def test_named_modules_are_frozen_and_no_others() -> None:
    model = network()
    freeze(model, ["0", "1"], "")
    assert not model[0].weight.requires_grad and not model[1].weight.requires_grad
    assert model[5].weight.requires_grad


def test_an_unknown_module_is_refused_with_the_nearest() -> None:
    model = nn.ModuleDict({"blocks": nn.Linear(2, 2), "head": nn.Linear(2, 2)})
    with pytest.raises(RecipeError) as error:
        freeze(model, ["block"], "my.toml:3")
    assert 'did you mean "blocks"' in error.value.what and error.value.where == "my.toml:3"


def test_freezing_everything_is_refused() -> None:
    with pytest.raises(RecipeError) as error:
        freeze(network(), ["trunk", "5"], "")
    assert "nothing to learn" in error.value.what


def state(folder: Any) -> Any:
    return torch.load(folder.path / "last" / "state.pt", weights_only=True)


def weights(folder: Any) -> dict[str, torch.Tensor]:
    return load_file(folder.path / "best.safetensors")


def test_what_is_frozen_keeps_weights_and_statistics(train: Any) -> None:
    _, folder = train('train.freeze=["0","1"]', "train.epochs=1")
    _, free = train("train.epochs=1")
    torch.manual_seed(0)
    frozen, learnt = weights(folder), weights(free)
    assert frozen["1.num_batches_tracked"] == 0 and learnt["1.num_batches_tracked"] > 0
    assert (frozen["1.running_mean"] == 0).all()
    assert (frozen["1.weight"] == 1).all() and not (learnt["1.weight"] == 1).all()
    assert not torch.equal(frozen["0.weight"], learnt["0.weight"])


def test_what_is_frozen_learns_from_its_epoch_on(train: Any) -> None:
    frozen = 'train.freeze=["0","1"]'
    _, before = train(frozen, "train.epochs=2", "train.unfreeze=3")
    _, after = train(frozen, "train.epochs=2", "train.unfreeze=2")
    assert weights(before)["1.num_batches_tracked"] == 0
    steps, learnt = state(after)["progress"]["step"], state(after)["model"]
    assert learnt["1.num_batches_tracked"] == steps / 2
    assert not (learnt["1.weight"] == 1).all()


@pytest.mark.slow
def test_a_run_that_stopped_before_it_thawed_goes_on_the_same(train: Any, tiny: Path) -> None:
    sets = ('train.freeze=["0","1"]', "train.epochs=3", "train.unfreeze=3")

    class Stop:
        @hookimpl
        def epoch_end(self, record: Any) -> None:
            if record["epoch"] == 2:
                signal.raise_signal(signal.SIGINT)

    _, whole = train(*sets)
    _, stopped = train(*sets, listeners=(Stop(),))
    assert stopped.record["status"] == "stopped"
    opened = open_run(stopped.path)
    execute_run(load_plan(opened.path), opened, lambda _: None, resume=True)
    for name, tensor in state(whole)["model"].items():
        assert torch.equal(tensor, state(opened)["model"][name]), name


PROBE = ('train.freeze=["trunk"]', "augment=[]", "train.epochs=3", "optimizer.lr=0.05")


def test_remembered_features_give_the_numbers_of_the_whole_network(train: Any) -> None:
    said: list[str] = []
    remembered, one = train(*PROBE, "backbone.dropout=0.0", said=said)
    computed, two = train(*PROBE, "backbone.dropout=0.0", "engine.cache=false")
    assert sum("are computed, once" in line for line in said) == 3  # train, val, test
    for name, tensor in weights(two).items():
        assert torch.allclose(weights(one)[name], tensor, atol=1e-4), name
    for part in ("val", "test"):
        ours, theirs = remembered.predictions[part], computed.predictions[part]
        assert np.abs(ours.probabilities - theirs.probabilities).max() < 1e-4
    assert [row["train_loss"] for row in remembered.history] == pytest.approx(
        [row["train_loss"] for row in computed.history], abs=1e-4
    )


def test_a_second_run_finds_the_features(train: Any) -> None:
    train(*PROBE)
    said: list[str] = []
    train(*PROBE, "optimizer.lr=0.01", "train.epochs=1", said=said)
    assert not any("are computed, once" in line for line in said)


def test_another_network_or_size_has_features_of_its_own(train: Any, tiny: Path) -> None:
    train(*PROBE)
    for change in ("seed=5", "image.size=40"):
        said: list[str] = []
        train(*PROBE, change, said=said)
        assert any("are computed, once" in line for line in said), change


def test_a_network_that_goes_on_after_its_head_is_refused(train: Any, tiny: Path) -> None:
    text = TINY_BACKBONE.replace("return model", "model.append(nn.Softmax(1))\n    return model")
    (tiny.parent / "odd.py").write_text(text)
    with pytest.raises(Exception) as error:
        train(*PROBE, "backbone.use=./odd.py:tiny")
    assert "features of this network cannot be remembered" in str(error.value)

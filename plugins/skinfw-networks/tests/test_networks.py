"""DropBlock and the cosine head on real networks."""

import copy

import pytest
import timm
import torch
from torch import nn

from skinfw import SkinfwError
from skinfw.engine.backbone import advance, wants_progress
from skinfw_networks.cosine_head import CosineHead
from skinfw_networks.drop_block import DropBlock
from skinfw_networks.dropping import Dropping


def dropped(layer: Dropping, features: torch.Tensor) -> torch.Tensor:
    return layer.drop(nn.Identity(), (), features)


def layer(probability: float = 0.2, block: int = 5) -> Dropping:
    torch.manual_seed(0)
    made = Dropping(probability, block, 1.0)
    made.set_progress(1.0)
    return made


def test_the_asked_share_goes_in_squares_and_in_all_channels_alike() -> None:
    features = torch.ones(16, 3, 80, 80)
    found = dropped(layer(0.1), features)
    gone = found == 0
    # Squares overlap now and then, so that a little less than a tenth is gone.
    assert 0.085 < gone.float().mean() < 0.106
    assert torch.equal(gone[:, 0], gone[:, 1]) and torch.equal(gone[:, 0], gone[:, 2])
    assert not torch.equal(gone[0], gone[1])
    # Each gone place lies in a full square of them: opening by the square changes nothing.
    inner = gone[:, :1, 4:-4, 4:-4].float()
    opened = nn.functional.max_pool2d(
        1 - nn.functional.max_pool2d(1 - gone[:, :1].float(), 5, 1, 2), 5, 1, 2
    )[:, :, 4:-4, 4:-4]
    assert torch.equal(opened, inner)


def test_what_is_left_is_scaled_by_what_is_missing() -> None:
    found = dropped(layer(), torch.ones(8, 2, 40, 40))
    assert float(found.mean()) == pytest.approx(1.0, abs=1e-5)


def test_nothing_goes_in_evaluation_or_at_the_start() -> None:
    features = torch.ones(2, 2, 14, 14)
    assert torch.equal(layer().drop(nn.Identity().eval(), (), features), features)
    young = Dropping(0.5, 3, 1.0)
    assert torch.equal(dropped(young, features), features)


@pytest.mark.parametrize("ramp", [0.5, 1.0])
def test_the_probability_grows_along_its_ramp(ramp: float) -> None:
    made = Dropping(0.1, 5, ramp)
    for done in (0.0, 0.25, 0.5, 1.0):
        expected = 0.1 * min(1.0, done / ramp)
        assert made.set_progress(done) == {"drop_block": pytest.approx(expected)}


def network(name: str = "resnet18") -> nn.Module:
    torch.manual_seed(0)
    model: nn.Module = timm.create_model(name, num_classes=4)
    return model


@pytest.mark.parametrize("name", ["resnet18", "regnety_002", "tf_efficientnet_lite0"])
def test_it_fits_convolutional_networks_of_timm(name: str) -> None:
    plain = network(name)
    model = DropBlock(probability=0.3, block=3).modify(copy.deepcopy(plain))
    assert model.state_dict().keys() == plain.state_dict().keys()
    images = torch.rand(2, 3, 96, 96)
    assert torch.equal(model.eval()(images), plain.eval()(images))
    model.train()
    assert wants_progress(model) and not wants_progress(plain)
    assert advance(model, 1.0) == {"drop_block": pytest.approx(0.3)}
    torch.manual_seed(0)
    one = model(images)
    torch.manual_seed(0)
    assert torch.equal(model(images), one)
    torch.manual_seed(1)
    assert not torch.allclose(model(images), one)


def test_a_copy_of_a_training_network_evaluates_undisturbed() -> None:
    model = DropBlock(probability=0.5, block=3).modify(network())
    advance(model, 1.0)
    average = copy.deepcopy(model).eval()
    model.train()
    images = torch.rand(2, 3, 96, 96)
    assert torch.equal(average(images), average(images))
    assert not torch.equal(average(images), model(images))


def test_modules_can_be_named() -> None:
    model = DropBlock(after=("layer1",)).modify(network())
    hearing = [name for name, module in model.named_modules() if hasattr(module, "set_progress")]
    assert hearing == ["layer1"]
    with pytest.raises(SkinfwError, match="no module layer9") as error:
        DropBlock(after=("layer9",)).modify(network())
    assert "layer4" in error.value.cure
    with pytest.raises(SkinfwError, match="does not name its stages"):
        DropBlock().modify(nn.Sequential(nn.Conv2d(3, 4, 3)))
    with pytest.raises(SkinfwError, match="has no middle"):
        DropBlock(block=4)


def test_the_cosine_head_sees_directions_only() -> None:
    model = CosineHead(scale=7.0).modify(network()).eval()
    head = model.get_submodule("fc")
    features = torch.randn(5, 512)
    logits = head(features)
    assert logits.shape == (5, 4) and logits.abs().max() <= 7.0
    assert torch.allclose(head(features * 9), logits, atol=1e-5)
    weight = head.weight
    expected = 7 * nn.functional.cosine_similarity(features[:, None], weight[None], dim=2)
    assert torch.allclose(logits, expected, atol=1e-5)
    assert model(torch.rand(1, 3, 64, 64)).shape == (1, 4)


def test_a_network_without_a_linear_end_is_refused() -> None:
    with pytest.raises(SkinfwError, match="is a Conv2d"):
        CosineHead().modify(nn.Sequential(nn.Conv2d(3, 4, 3)))

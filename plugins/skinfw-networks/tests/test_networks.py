"""DropBlock and the heads on real networks."""

import copy
from typing import Any

import pytest
import timm
import torch
from torch import nn

from skinfw import Modalities, SkinfwError
from skinfw.models.backbone import listens_to_progress, report_progress
from skinfw_networks.components import (
    CosineHead,
    DropBlock,
    MultimodalHead,
    MultiSampleDropout,
    TwoBranch,
)
from skinfw_networks.drop_block import DropSquares
from skinfw_networks.multimodal_head import MetadataFeatures
from skinfw_networks.two_branch import Branches


def dropped(layer: DropSquares, features: torch.Tensor) -> torch.Tensor:
    return layer.drop(nn.Identity(), (), features)


def layer(probability: float = 0.2, block: int = 5) -> DropSquares:
    torch.manual_seed(0)
    made = DropSquares(probability, block, 1.0)
    made.set_progress(1.0)
    return made


def test_the_asked_share_goes_in_squares_and_in_all_channels_alike() -> None:
    features = torch.ones(16, 3, 80, 80)
    result = dropped(layer(0.1), features)
    gone = result == 0
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
    outputs = dropped(layer(), torch.ones(8, 2, 40, 40))
    assert float(outputs.mean()) == pytest.approx(1.0, abs=1e-5)


def test_nothing_goes_in_evaluation_or_at_the_start() -> None:
    features = torch.ones(2, 2, 14, 14)
    assert torch.equal(layer().drop(nn.Identity().eval(), (), features), features)
    young = DropSquares(0.5, 3, 1.0)
    assert torch.equal(dropped(young, features), features)


@pytest.mark.parametrize("ramp", [0.5, 1.0])
def test_the_probability_grows_along_its_ramp(ramp: float) -> None:
    made = DropSquares(0.1, 5, ramp)
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
    assert listens_to_progress(model) and not listens_to_progress(plain)
    assert report_progress(model, 1.0) == {"drop_block": pytest.approx(0.3)}
    torch.manual_seed(0)
    one = model(images)
    torch.manual_seed(0)
    assert torch.equal(model(images), one)
    torch.manual_seed(1)
    assert not torch.allclose(model(images), one)


def test_a_copy_of_a_training_network_evaluates_undisturbed() -> None:
    model = DropBlock(probability=0.5, block=3).modify(network())
    report_progress(model, 1.0)
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


@pytest.mark.parametrize("name", ["resnet18", "regnety_002"])
def test_two_branches_begin_as_the_network_that_they_double(name: str) -> None:
    plain = network(name).eval()
    model = TwoBranch().modify(copy.deepcopy(plain)).eval()
    images = torch.rand(2, 3, 64, 64)
    width = plain.get_classifier().in_features
    features = model.forward_head(model.forward_features(images), pre_logits=True)
    expected = plain.forward_head(plain.forward_features(images), pre_logits=True)
    assert features.shape == (2, 2 * width)
    assert torch.allclose(features[:, :width], expected, atol=1e-5)
    assert torch.allclose(features[:, width:], expected, atol=1e-5)
    assert model(images).shape == (2, 4)
    assert isinstance(model.get_submodule(model.cam_layer), Branches)


@pytest.mark.parametrize("done", [0.0, 0.5, 1.0])
def test_features_and_losses_of_pairs_are_mixed_as_in_the_paper(done: float) -> None:
    torch.manual_seed(0)
    branches = Branches(nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)).train()
    share = 1 - done**2
    assert branches.set_progress(done) == {"first_branch": share}
    maps = torch.rand(6, 3, 5, 5)
    result = branches(maps)
    first, second = branches.first(maps[:3]), branches.second(maps[3:])
    assert torch.allclose(result, 2 * torch.cat([share * first, (1 - share) * second], 1))

    logits, targets = torch.randn(3, 4), torch.tensor([0, 1, 2, 3, 3, 0])

    def loss(values: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor | None) -> Any:
        return nn.functional.cross_entropy(values, labels, weight)

    mixed = share * loss(logits, targets[:3], None) + (1 - share) * loss(logits, targets[3:], None)
    assert torch.allclose(branches.training_loss(loss, logits, targets, None), mixed)


def test_a_network_whose_last_stage_cannot_be_doubled_is_refused() -> None:
    with pytest.raises(SkinfwError) as error:
        TwoBranch().modify(network("tf_efficientnet_lite0"))
    assert "cannot be doubled" in error.value.what and "ResNet" in error.value.cure


KNOWN = Modalities(
    2,
    {"age": (50.0, 10.0)},
    {"sex": ("female", "male")},
    {"veil": ("absent", "present")},
)


def multimodal(known: Modalities = KNOWN, **keys: Any) -> nn.Module:
    model = network()
    model.cam_layer = "layer4"  # type: ignore[assignment]
    torch.manual_seed(1)
    return MultimodalHead(("a", "b", "c"), known, **keys).modify(model)


def test_the_multimodal_head_sees_every_picture_and_all_metadata() -> None:
    model = multimodal().eval()
    images, metadata = torch.rand(2, 6, 64, 64), torch.tensor([[0.5, 1.0], [0.5, 1.0]])
    answer = model(images, metadata)
    assert answer.shape == (2, 3 + 2)
    for part in (slice(0, 3), slice(3, 6)):
        changed = images.clone()
        changed[:, part] = 0
        assert not torch.allclose(model(changed, metadata), answer, atol=1e-4)
    for place in range(2):
        changed = metadata.clone()
        changed[:, place] = 0.0
        assert not torch.allclose(model(images, changed), answer, atol=1e-5)


def test_a_missing_value_is_learned_and_no_metadata_are_all_missing() -> None:
    model = multimodal(hide=0.0).train()
    images = torch.rand(2, 6, 64, 64)
    nothing = torch.full((2, 2), torch.nan)
    answer = model(images, nothing)
    assert answer.isfinite().all()
    answer.sum().backward()
    assert model.metadata.absent.grad.any()
    assert model.metadata.words[0].weight.grad[-1].any()
    assert not model.metadata.words[0].weight.grad[:-1].any()
    model.eval()
    assert torch.equal(model(images), model(images, nothing))


def test_values_are_hidden_in_training_only() -> None:
    torch.manual_seed(0)
    features = MetadataFeatures(1, [2], 8, hide=0.5)
    with torch.no_grad():
        features.absent.fill_(-1.0)
        kinds = torch.tensor([[0.3, 1.0], [torch.nan, 1.0], [0.3, torch.nan], [torch.nan] * 2])
        answers = features.eval()(kinds)
        known = kinds[:1].repeat(400, 1)
        # Equal rows of one product may differ in the last bit.
        shown = (features(known)[:, None] - answers).abs().amax(2)
        hidden = (features.train()(known)[:, None] - answers).abs().amax(2)
    assert (shown.argmin(1) == 0).all() and shown[:, 0].max() < 1e-4
    assert hidden.min(1).values.max() < 1e-4, "a value is there or hidden"
    counts = hidden.argmin(1).bincount(minlength=4)
    assert (counts - 100).abs().max() < 40, "each value is hidden in half of the rows"


def test_trunks_learn_apart_and_one_picture_needs_one() -> None:
    model = multimodal()
    assert len(model.trunks) == 2
    assert model.trunks[0].conv1.weight is not model.trunks[1].conv1.weight
    alone = multimodal(Modalities(categories={"sex": ("f", "m")}))
    assert len(alone.trunks) == 1 and alone.cam_layer == "trunks.0.layer4"
    assert alone(torch.rand(2, 3, 64, 64)).shape == (2, 3)


def test_the_loss_of_several_dropouts_is_the_mean_of_their_losses() -> None:
    plain = network().eval()
    model = MultiSampleDropout(samples=4, dropout=0.5).modify(copy.deepcopy(plain))
    images, targets = torch.rand(3, 3, 64, 64), torch.tensor([0, 1, 3])
    assert torch.equal(model.eval()(images), plain(images))
    head = model.get_submodule("fc").train()
    features = torch.randn(3, 512)
    torch.manual_seed(0)
    logits = head(features)
    torch.manual_seed(0)
    kept = torch.nn.functional.dropout(features.repeat(4, 1), 0.5)
    assert logits.shape == (12, 4) and torch.allclose(logits, plain.fc(kept))
    weight = torch.tensor([1.0, 2.0, 3.0, 4.0])
    losses = [nn.functional.cross_entropy(own, targets, weight) for own in logits.split(3)]
    whole = model.training_loss(nn.functional.cross_entropy, logits, targets, weight)
    assert torch.allclose(whole, torch.stack(losses).mean())
    with pytest.raises(SkinfwError, match="has a loss of its own"):
        MultiSampleDropout().modify(TwoBranch().modify(network()))


PARAMETERS = {
    "regnety_008": (6.263, 5.500), "regnety_016": (11.202, 10.321), "regnety_032": (19.436, 17.935),
    "regnety_080": (39.180, 37.179), "regnety_160": (83.590, 80.589),
}  # fmt: skip


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_networks_of_the_paper_have_its_sizes(name: str) -> None:
    for classes, millions in zip((1000, 8), PARAMETERS[name], strict=True):
        with torch.device("meta"):
            model = timm.create_model(name, num_classes=classes)
        signature = sum(weights.numel() for weights in model.parameters())
        assert round(signature / 1e6, 3) == millions

"""What each explainer must be: its equation, computed in another way, and what it must find."""

import importlib
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn
from torch.nn.functional import interpolate

from skinfw import RecipeError
from skinfw_explain.activation_cams import EigenCam, ScoreCam
from skinfw_explain.attention_rollout import AttentionRollout
from skinfw_explain.baselines import CentredGaussian, RandomMap
from skinfw_explain.grad_cam import GradCam
from skinfw_explain.gradient_cams import GradCamPlusPlus, HiresCam, LayerCam, XgradCam
from skinfw_explain.hidden_pixels import Occlusion, Rise
from skinfw_explain.missing_pixels import without_evidence
from skinfw_explain.pixel_gradients import IntegratedGradients, SmoothGrad
from skinfw_explain.scaling import stretch

SIZE = 32
PATCH = slice(4, 12), slice(18, 26)
ALL = [
    GradCam(),
    GradCamPlusPlus(),
    HiresCam(),
    LayerCam(),
    XgradCam(),
    EigenCam(),
    ScoreCam(channels=4),
    IntegratedGradients(steps=8),
    SmoothGrad(samples=3),
    Occlusion(),
    Rise(masks=40),
    RandomMap(),
    CentredGaussian(),
]


def images(count: int = 2, size: int = SIZE) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))


class Small(nn.Module):
    """A network with a head that is not linear, and metadata that open and close channels."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(3, 6, 3, stride=4), nn.ReLU())
        self.fc = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
        self.cam_layer = "features"

    def forward(self, x: torch.Tensor, metadata: torch.Tensor | None = None) -> torch.Tensor:
        known = 0 if metadata is None else metadata
        return self.fc(self.features(x).mean((2, 3)) + known)


class Spot(nn.Module):
    """Class 1 is the brightness of one square, whatever else is in the image."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Identity()
        self.cam_layer = "features"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bright = self.features(x)[:, :, *PATCH].mean((1, 2, 3))
        return torch.stack([torch.zeros_like(bright), bright], 1)


def hooked(model: nn.Module, layer: str, batch: torch.Tensor, targets: torch.Tensor) -> Any:
    """Return features and gradients [N, C, h, w], by plain hooks."""
    kept: dict[str, torch.Tensor] = {}
    module = model.get_submodule(layer)
    handle = module.register_forward_hook(lambda *call: kept.update(out=call[2]))
    logits = model(batch)
    handle.remove()
    (gradients,) = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), kept["out"])
    return kept["out"].detach().double().numpy(), gradients.double().numpy()


def plus_plus(a: Any, g: Any) -> Any:
    alpha = g**2 / (2 * g**2 + g**3 * a.sum((2, 3), keepdims=True) + 1e-300)
    return (alpha * np.maximum(g, 0)).sum((2, 3), keepdims=True) * a


def xgrad(a: Any, g: Any) -> Any:
    share = a / np.maximum(a.sum((2, 3), keepdims=True), 1e-300)
    return (g * share).sum((2, 3), keepdims=True) * a


EQUATIONS = {
    GradCamPlusPlus: plus_plus,
    HiresCam: lambda a, g: g * a,
    LayerCam: lambda a, g: np.maximum(g, 0) * a,
    XgradCam: xgrad,
}


@pytest.mark.parametrize("method", EQUATIONS)
def test_a_relative_of_grad_cam_is_its_equation(method: Any) -> None:
    model, batch, targets = Small().eval(), images(), torch.tensor([0, 2])
    equation = EQUATIONS[method]
    small = np.maximum(equation(*hooked(model, "features", batch, targets)).sum(1), 0)
    large = interpolate(torch.tensor(small)[:, None], (SIZE, SIZE), mode="bilinear")[:, 0]
    expected = large / large.amax((1, 2), keepdim=True)
    maps = method()(model, batch, targets)
    assert torch.allclose(maps.double(), expected, atol=1e-5) and maps.max() == 1


def test_eigen_cam_is_the_first_singular_vector() -> None:
    model, batch = Small().eval(), images()
    with torch.no_grad():
        features = model.features(batch).flatten(2).transpose(1, 2).double().numpy()
    left, values, _ = np.linalg.svd(features, full_matrices=False)
    first = np.abs(left[:, :, 0] * values[:, :1]).reshape(2, 1, 8, 8)  # of one sign, after a ReLU
    large = interpolate(torch.tensor(first), (SIZE, SIZE), mode="bilinear")[:, 0]
    maps = EigenCam()(model, batch, torch.tensor([0, 1]))
    assert torch.allclose(maps.double(), large / large.amax((1, 2), keepdim=True), atol=1e-5)


def test_score_cam_is_its_algorithm_channel_by_channel() -> None:
    model, batch, targets = Small().eval(), images(), torch.tensor([0, 2])
    with torch.no_grad():
        features = model.features(batch)
        large = interpolate(features, (SIZE, SIZE), mode="bilinear")
        scores = torch.zeros(2, 6)
        for image in range(2):
            for channel in range(6):
                mask = large[image, channel]
                mask = (mask - mask.min()) / (mask.max() - mask.min()).clamp_min(1e-30)
                scores[image, channel] = model(batch[image : image + 1] * mask)[0, targets[image]]
    heat = (scores.softmax(1)[..., None, None] * large).sum(1).relu()
    expected = heat / heat.amax((1, 2), keepdim=True)
    assert torch.allclose(ScoreCam(channels=0)(model, batch, targets), expected, atol=1e-5)


def test_few_channels_of_score_cam_are_those_that_vary_most() -> None:
    model, batch, targets = Small().eval(), images(1), torch.tensor([1])
    with torch.no_grad():
        features = model.features(batch)
    best = int(features[0].flatten(1).var(1).argmax())
    large = interpolate(features[:, best : best + 1], (SIZE, SIZE), mode="bilinear")[:, 0]
    assert torch.allclose(ScoreCam(channels=1)(model, batch, targets), large / large.max())


def test_integrated_gradients_explain_the_whole_difference() -> None:
    model, batch, targets = Small().eval(), images(), torch.tensor([0, 2])
    for baseline in ("grey", "blur"):
        method = IntegratedGradients(steps=256, baseline=baseline)
        sums = method.attributions(model, batch, targets).sum((1, 2, 3))
        with torch.no_grad():
            lost = model(batch) - model(without_evidence(batch, baseline))
        assert torch.allclose(sums, lost.gather(1, targets[:, None])[:, 0], rtol=0.01, atol=1e-4)


def test_gradients_of_a_linear_network_are_its_weights() -> None:
    linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE * SIZE, 2))
    batch, targets = images(), torch.tensor([1, 0])
    weights = linear[1].weight.detach()[targets].reshape(batch.shape)
    attributions = IntegratedGradients().attributions(linear, batch, targets)
    assert torch.allclose(attributions, weights * batch, atol=1e-6)
    heat = weights.abs().sum(1)
    cap = heat.flatten(1).quantile(0.99, dim=1)[:, None, None]
    expected = heat.minimum(cap) / cap
    assert torch.allclose(SmoothGrad(samples=5)(linear, batch, targets), expected, atol=1e-5)


@pytest.mark.parametrize(
    "method", [Occlusion(), Occlusion(baseline="blur"), Rise(masks=600), IntegratedGradients()]
)
def test_what_decides_is_where_the_map_is_highest(method: Any) -> None:
    batch = 0.1 * images(2)
    batch[:, :, *PATCH] = 3.0
    maps = method(Spot(), batch, torch.tensor([1, 1]))
    row, column = np.unravel_index(int(maps[1].argmax()), (SIZE, SIZE))
    assert row in range(4, 12) and column in range(18, 26)
    inside = maps[:, *PATCH].mean()
    outside = (maps.sum() - maps[:, *PATCH].sum()) / (maps.numel() - 2 * 64)
    assert inside > 2 * outside


@pytest.mark.parametrize("method", ALL, ids=lambda one: type(one).__name__)
def test_metadata_of_an_image_stay_with_it(method: Any) -> None:
    """Methods that ask about many versions of an image ask with what is known of that image."""
    from skinfw.evaluation.explain import with_metadata

    model, batch, targets = Small().eval(), images(), torch.tensor([0, 2])
    known = torch.tensor([[3.0, 0, 0, 0, 0, 1], [0, 2.0, 0, 1, 0, 0]])
    together = method(with_metadata(model, [known]), batch, targets)
    for place in range(2):
        one = slice(place, place + 1)
        alone = method(with_metadata(model, [known[one]]), batch[one], targets[one])
        assert torch.allclose(together[one], alone, atol=1e-3)


@pytest.mark.parametrize("method", ALL, ids=lambda one: type(one).__name__)
def test_of_several_pictures_the_first_is_explained(method: Any) -> None:
    """A second picture that decides nothing changes no map."""

    class TwoPictures(Small):
        def forward(self, x: torch.Tensor, metadata: torch.Tensor | None = None) -> torch.Tensor:
            return super().forward(x[:, :3])

    batch, targets = images(), torch.tensor([0, 2])
    pictures = torch.cat([batch, images(4)[2:]], 1)
    expected = method(Small().eval(), batch, targets)
    maps = method(TwoPictures().eval(), pictures, targets)
    if isinstance(method, RandomMap):  # whose seed is all that is seen
        assert maps.shape == expected.shape
    else:
        assert torch.allclose(maps, expected, atol=1e-5)


def test_probabilities_leave_out_what_is_answered_beside_the_class() -> None:
    class Modalities:
        auxiliary = {"pigment": ("absent", "present")}  # noqa: RUF012

    class More(Spot):
        modalities = Modalities()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([super().forward(x), 50 * torch.ones(len(x), 2)], 1)

    batch, targets = images(1), torch.tensor([1])
    maps = Rise(masks=40)(More(), batch, targets)
    assert torch.allclose(maps, Rise(masks=40)(Spot(), batch, targets), atol=1e-4)


def vit(**keys: Any) -> Any:
    torch.manual_seed(0)
    model = timm.create_model("test_vit", num_classes=3, img_size=64, **keys).eval()
    model.cam_layer = "blocks.5.norm1"
    return model


def test_rollout_of_even_attention_has_a_closed_form() -> None:
    model = vit()
    for block in model.blocks:
        nn.init.zeros_(block.attn.qkv.weight), nn.init.zeros_(block.attn.qkv.bias)
    rollout = AttentionRollout().rollout(model, images(2, 64))
    tokens = 17
    even = (torch.full((tokens, tokens), 1 / tokens) + torch.eye(tokens)) / 2
    assert torch.allclose(rollout[1], torch.linalg.matrix_power(even, 6), atol=1e-6)


def test_rows_of_a_rollout_sum_to_one_and_nothing_is_left_behind() -> None:
    model, batch = vit(), images(2, 64)
    before = [block.attn.fused_attn for block in model.blocks]
    with torch.no_grad():
        logits = model(batch)
    rollout = AttentionRollout().rollout(model, batch)
    assert torch.allclose(rollout.sum(2), torch.ones(2, 17), atol=1e-5) and (rollout >= 0).all()
    assert [block.attn.fused_attn for block in model.blocks] == before
    with torch.no_grad():
        assert torch.equal(model(batch), logits)


def test_rollout_shows_what_the_class_token_is_mixed_of() -> None:
    model, batch = vit(), images(2, 64)
    AttentionRollout().check(model)
    maps = AttentionRollout()(model, batch, torch.tensor([0, 1]))
    row = AttentionRollout().rollout(model, batch)[:, 0, 1:].reshape(2, 1, 4, 4)
    large = interpolate(row, (64, 64), mode="bilinear")[:, 0]
    low, high = large.amin((1, 2), keepdim=True), large.amax((1, 2), keepdim=True)
    assert torch.allclose(maps, (large - low) / (high - low), atol=1e-5)


@pytest.mark.parametrize(
    "network",
    [
        lambda: timm.create_model("test_resnet", num_classes=3),
        lambda: timm.create_model(
            "swin_tiny_patch4_window7_224", embed_dim=12, depths=(1, 1), num_heads=(1, 1)
        ),
        lambda: timm.create_model(
            "samvit_base_patch16_224", img_size=64, embed_dim=24, depth=2, num_heads=1,
            window_size=2, global_attn_indexes=(1,),
        ),
    ],
    ids=["cnn", "swin", "windows"],
)  # fmt: skip
def test_rollout_refuses_what_does_not_attend_to_all(network: Any) -> None:
    model = network()
    with pytest.raises(RecipeError, match="rollout does not fit this network") as error:
        AttentionRollout().check(model)
    assert error.value.why and "grad-cam" in error.value.cure and model.training


@pytest.mark.parametrize("method", [EigenCam, ScoreCam, LayerCam])
def test_a_layer_that_does_not_exist_is_told(method: Any) -> None:
    with pytest.raises(RecipeError, match='no layer "feature"; did you mean "features"'):
        method(layer="feature").check(Small())


def test_baselines_know_nothing_of_the_network() -> None:
    batch, targets = images(), torch.tensor([0, 1])
    for method in (RandomMap(), CentredGaussian()):
        maps = method(None, batch, targets)
        assert torch.equal(maps, method(None, batch, targets)) and maps.max() == 1
        assert torch.equal(maps[1:], method(None, batch[1:], targets[:1]))
    first, second = RandomMap()(None, batch, targets)
    assert not torch.allclose(first, second, atol=0.1)
    hill = CentredGaussian(width=0.25)(None, batch, targets)[0]
    assert torch.allclose(hill, hill.flip(0)) and torch.allclose(hill, hill.T)
    assert hill[16, 24] == pytest.approx(np.exp(-(8.5**2 - 0.25) / (2 * 8**2)), rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["GradCAMPlusPlus", "HiResCAM", "LayerCAM", "XGradCAM"])
def test_pytorch_grad_cam_draws_the_same(name: str) -> None:
    theirs = pytest.importorskip("pytorch_grad_cam", reason="needs grad-cam")
    target = importlib.import_module("pytorch_grad_cam.utils.model_targets").ClassifierOutputTarget
    ours = {"GradCAMPlusPlus": GradCamPlusPlus, "HiResCAM": HiresCam,
            "LayerCAM": LayerCam, "XGradCAM": XgradCam}[name]  # fmt: skip
    torch.manual_seed(0)
    model = timm.create_model("test_resnet", num_classes=3).eval()
    for module in model.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    model.cam_layer = "layer3"
    batch = images(2, 64)
    maps = ours()(model, batch, torch.tensor([0, 2]))
    with getattr(theirs, name)(model=model, target_layers=[model.layer3]) as cam:
        expected = torch.tensor(cam(input_tensor=batch, targets=[target(0), target(2)]))
    # Theirs stretches maps, and adds 1e-6 and the like to what it divides by.
    assert maps.max() == 1 and torch.allclose(stretch(maps), expected, atol=0.02)


@pytest.mark.parametrize("side", [32, 64, 190, 192, 224, 260])
def test_squares_end_where_the_image_ends(side: int) -> None:
    """Else a strip of a few pixels would be under one square alone."""
    for window, stride in ((0.2, 0.1), (0.3, 0.07), (0.5, 0.5)):
        length, step = Occlusion(window=window, stride=stride)._windows(side)
        assert (side - length) % step == 0 and length >= step
        assert length == pytest.approx(window * side, abs=step)

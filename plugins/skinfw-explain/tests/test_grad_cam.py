from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision
from torch import nn
from torch.nn.functional import interpolate

from skinfw import RecipeError
from skinfw_explain.grad_cam import GradCam


def images(count: int = 3, size: int = 64) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))


class Head(nn.Module):
    """A network whose Grad-CAM has a closed form: features, average, one linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 6, 3, stride=4), nn.BatchNorm2d(6), nn.ReLU())
        self.fc = nn.Linear(6, 4)
        self.cam_layer = "features"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.features(x).mean((2, 3)))


def test_it_equals_the_class_activation_map_where_that_is_exact() -> None:
    torch.manual_seed(0)
    model, batch, targets = Head().eval(), images(), torch.tensor([0, 3, 2])
    with torch.no_grad():
        maps = torch.einsum("nchw,nc->nhw", model.features(batch), model.fc.weight[targets])
    maps = interpolate(maps.relu()[:, None], (64, 64), mode="bilinear")[:, 0]
    expected = maps / maps.amax((1, 2), keepdim=True)
    assert torch.allclose(GradCam()(model, batch, targets), expected, atol=1e-5)


def slow_grad_cam(model: nn.Module, layer: nn.Module, image: torch.Tensor, target: int):
    """Return a map of one image by plain hooks on a model without in-place operations."""
    kept = {}
    handle = layer.register_forward_hook(lambda *a: kept.update(out=a[2]))
    logits = model(image[None])
    handle.remove()
    (gradient,) = torch.autograd.grad(logits[0, target], kept["out"])
    heat = (gradient.mean((2, 3), keepdim=True) * kept["out"]).sum(1, keepdim=True).relu()
    heat = interpolate(heat, image.shape[1:], mode="bilinear")[0, 0].detach()
    return heat / heat.max().clamp_min(1e-30)


def without_in_place(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    return model


def test_densenet_with_in_place_relu_is_explained_right() -> None:
    torch.manual_seed(0)
    model = timm.create_model("densenet121", pretrained=False, num_classes=8).eval()
    model.cam_layer = "features.norm5"
    assert any(getattr(module, "inplace", False) for module in model.modules())
    batch, targets = images(2), torch.tensor([1, 5])
    ours = GradCam()(model, batch, targets)
    plain = without_in_place(model)
    for index in range(2):
        expected = slow_grad_cam(plain, plain.features.norm5, batch[index], int(targets[index]))
        assert torch.allclose(ours[index], expected, atol=1e-4)


def test_torchvision_s_densenet_does_not_crash() -> None:
    """Its functional in-place ReLU follows the hooked layer (pytorch/vision issue 4164)."""
    torch.manual_seed(0)
    model = torchvision.models.densenet121(weights=None, num_classes=3).eval()
    model.cam_layer = "features"
    maps = GradCam()(model, images(2), torch.tensor([0, 2]))
    assert maps.shape == (2, 64, 64) and maps.min() >= 0 and maps.max() <= 1


LAYERS = {
    "resnet18": "layer4",
    "vit_tiny_patch16_224": "blocks.11.norm1",
    "swin_tiny_patch4_window7_224": "norm",
}


@pytest.mark.parametrize("name", LAYERS)
def test_other_layouts_give_maps(name: str) -> None:
    torch.manual_seed(0)
    size = 224 if "224" in name else 64
    model = timm.create_model(name, pretrained=False, num_classes=3).eval()
    model.cam_layer = LAYERS[name]
    maps = GradCam()(model, images(1, size), torch.tensor([1]))
    assert maps.shape == (1, size, size) and torch.isfinite(maps).all() and maps.max() > 0


def test_batches_change_nothing() -> None:
    torch.manual_seed(0)
    model, batch, targets = Head().eval(), images(5), torch.tensor([0, 1, 2, 3, 0])
    together = GradCam()(model, batch, targets)
    alone = torch.cat([GradCam()(model, batch[i : i + 1], targets[i : i + 1]) for i in range(5)])
    assert torch.allclose(together, alone, atol=1e-6)


def test_the_model_is_left_as_it_was() -> None:
    model = Head().eval()
    model.fc.weight.requires_grad_(False)
    GradCam()(model, images(), torch.tensor([0, 1, 2]))
    assert not model.fc.weight.requires_grad and model.features[0].weight.requires_grad
    assert all(weights.grad is None for weights in model.parameters())
    assert not model.features._forward_hooks


def test_it_works_where_gradients_are_off() -> None:
    model = Head().eval()
    with torch.inference_mode():
        maps = GradCam()(model, images(), torch.tensor([0, 1, 2]))
    assert np.isfinite(maps.numpy()).all()


def test_a_map_that_nothing_supports_is_dark() -> None:
    model = Head().eval()
    with torch.no_grad():
        model.fc.weight.fill_(-1.0)
    assert (GradCam()(model, images(), torch.tensor([0, 1, 2])) == 0).all()


class Holder(nn.Module):
    """A network that holds the backbone inside, as one with metadata does."""

    backbone_layer = "trunk"

    def __init__(self, trunk: nn.Module, layer: str) -> None:
        super().__init__()
        self.trunk, self.cam_layer = trunk, f"trunk.{layer}"

    def forward(self, images: torch.Tensor) -> Any:
        return self.trunk(images)


@pytest.mark.parametrize(
    ("name", "layer", "other"),
    [
        ("vit_tiny_patch16_224", "blocks.11.norm1", "blocks.10.norm1"),
        ("resnet18", "layer4", "layer3"),
    ],
)
def test_a_backbone_inside_a_network_is_explained_as_it_is_alone(
    name: str, layer: str, other: str
) -> None:
    size = {"img_size": 64} if "vit" in name else {}
    trunk = timm.create_model(name, num_classes=3, **size).eval()
    trunk.cam_layer = layer
    holder, batch, targets = Holder(trunk, layer), images(2), torch.tensor([0, 2])
    for component in (GradCam(), GradCam(layer=other)):
        component.check(trunk)
        component.check(holder)
        maps = component(trunk, batch, targets)
        assert torch.equal(component(holder, batch, targets), maps) and maps.max() == 1


def test_a_layer_that_does_not_exist_is_told_with_the_nearest() -> None:
    trunk = timm.create_model("resnet18", num_classes=3)
    with pytest.raises(RecipeError, match='no layer "layer5"; did you mean "layer') as error:
        GradCam(layer="layer5").check(Holder(trunk, "layer4"))
    assert "conv1, bn1" in error.value.why

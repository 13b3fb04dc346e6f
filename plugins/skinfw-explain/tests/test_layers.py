"""Layers of every family of timm; what docs/explaining.md says of them is what is expected."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import nn

from skinfw_explain.grad_cam import GradCam
from skinfw_explain.layers import as_maps, candidate_layers, declared_layer, find_layer

ROOT = Path(__file__).parents[3]
SAMPLE = ("test_resnet", "test_vit", "convnext_atto", "efficientnet_lite0")


@cache
def table() -> dict[str, tuple[int, str, list[str]]]:
    """Return side, declared layer and layers with their maps, by the name of the network."""
    text = (ROOT / "docs" / "explaining.md").read_text()
    cells = re.findall(r"^\| `([\w.]+)` \| (\d+) \| `([\w.]+)` \| (.+) \|$", text, re.MULTILINE)
    return {name: (int(side), layer, maps.split(", ")) for name, side, layer, maps in cells}


def network(name: str, side: int) -> Any:
    from skinfw_timm.timm_family import timm_backbone

    torch.manual_seed(0)
    return timm_backbone(name, ("A", "B", "C"), side, pretrained=False).eval()


def images(side: int) -> torch.Tensor:
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))


def compare(name: str) -> None:
    side, declared, maps = table()[name]
    model, batch = network(name, side), images(side)
    layers = candidate_layers(model, batch)
    assert declared_layer(model) == declared
    assert [layer.name for layer in layers if layer.is_declared] == [declared]
    assert [f"{one.channels}x{one.height}x{one.width}" for one in layers] == maps
    for layer in layers[:: max(1, len(layers) // 4)]:
        explained = GradCam(layer=layer.name)(model, batch, torch.tensor([0, 1]))
        assert explained.shape == (2, side, side) and explained.isfinite().all()


@pytest.mark.parametrize("name", SAMPLE)
def test_layers_are_those_of_the_document(name: str) -> None:
    compare(name)


def test_the_document_covers_forty_networks() -> None:
    assert len(table()) >= 40 and set(SAMPLE) < set(table())


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(table()) - set(SAMPLE)))
def test_layers_of_every_family_are_those_of_the_document(name: str) -> None:
    compare(name)


@pytest.mark.parametrize(
    ("shape", "keys", "expected"),
    [
        ((2, 8, 5, 5), {}, (2, 8, 5, 5)),
        ((2, 5, 5, 8), {}, (2, 8, 5, 5)),
        ((2, 8, 4, 6), {"num_features": 8}, (2, 8, 4, 6)),
        ((2, 4, 6, 8), {"num_features": 8}, (2, 8, 4, 6)),
        ((2, 16, 8), {}, (2, 8, 4, 4)),
        ((2, 17, 8), {"num_prefix_tokens": 1}, (2, 8, 4, 4)),
        ((2, 16, 8), {"num_prefix_tokens": 1}, (2, 8, 4, 4)),  # CaiT's come without, first
        ((2, 21, 8), {"num_prefix_tokens": 5}, (2, 8, 4, 4)),
        ((2, 17, 8), {}, (2, 8, 4, 4)),
    ],
)
def test_every_layout_becomes_maps(shape: Any, keys: Any, expected: Any) -> None:
    backbone = nn.Module()
    for key, value in keys.items():
        setattr(backbone, key, value)
    values = torch.arange(torch.tensor(shape).prod(), dtype=torch.float).reshape(shape)
    maps = as_maps(values, backbone)
    assert tuple(maps.shape) == expected
    # The last place of the last channel stays the last one.
    assert maps[-1, -1, -1, -1] == values.flatten()[-1]


class Holder(nn.Module):
    """A network that holds its backbone inside, and another one beside it."""

    backbone_layer = "trunk"

    def __init__(self, trunk: nn.Module, layer: str) -> None:
        super().__init__()
        self.trunk, self.cam_layer = trunk, f"trunk.{layer}"
        self.other = nn.Conv2d(3, 3, 3)

    def forward(self, values: torch.Tensor) -> Any:
        self.other(values)
        return self.trunk(values)


def test_layers_of_a_backbone_inside_a_network_are_its_own() -> None:
    trunk = network("test_resnet", 64)
    holder = Holder(trunk, declared_layer(trunk)).eval()
    assert candidate_layers(holder, images(64)) == candidate_layers(trunk, images(64))
    for layer in candidate_layers(holder, images(64)):
        assert find_layer(holder, layer.name) is trunk.get_submodule(layer.name)


def test_a_network_that_names_no_stages_has_the_ends_of_its_sizes() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 8, 3, 2, 1), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2),
    )  # fmt: skip
    model.cam_layer = "3"
    layers = candidate_layers(model.eval(), images(32))
    assert [(layer.name, layer.height) for layer in layers] == [("1", 16), ("3", 8)]


def test_layers_that_only_a_class_token_reads_are_left_out() -> None:
    model = timm.create_model("test_vit", num_classes=3, img_size=64).eval()
    model.cam_layer = "blocks.5.norm1"
    names = [layer.name for layer in candidate_layers(model, images(64))]
    assert names == ["blocks.0", "blocks.1", "blocks.2", "blocks.3", "blocks.4", "blocks.5.norm1"]


def test_looking_for_layers_leaves_the_network_alone() -> None:
    from skinfw.guards.tensors import unchanged_network

    model = network("test_resnet", 64)
    with unchanged_network(model), torch.inference_mode():
        candidate_layers(model, images(64))
    assert all(weights.grad is None for weights in model.parameters())

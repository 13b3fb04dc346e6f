from pathlib import Path

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file

from skinfw import SkinfwError
from skinfw_timm.names import timm_variants, torchvision_variants
from skinfw_timm.timm_family import timm_backbone
from skinfw_timm.torchvision_family import torchvision_backbone

CLASSES = ("MEL", "NV", "DF")


def test_the_names_are_those_that_timm_knows() -> None:
    listed = set(timm_variants())
    assert set(timm.list_models()) <= listed
    pretrained = timm.list_pretrained()
    composed = [name for name in pretrained if name not in listed]
    assert len(composed) < len(pretrained) / 20, "nearly all tags are found without importing timm"
    for name in composed:
        assert name in timm_variants(name)
    assert "densenet121.tv_in1k" in listed
    # A tag without weights may be listed; a model that does not exist may not.
    assert {name.split(".")[0] for name in listed} <= set(timm.list_models())


def test_the_names_are_those_that_torchvision_knows() -> None:
    listed = set(torchvision_variants())
    classifiers = set(torchvision.models.list_models(module=torchvision.models))
    assert classifiers <= listed


@pytest.mark.parametrize(
    ("variant", "layer"),
    [
        ("densenet121.tv_in1k", "features"),
        ("resnet18", "layer4"),
        ("tf_efficientnet_lite0", "bn2"),
        ("regnety_008", "final_conv"),
        ("vit_tiny_patch16_224", "blocks.11.norm1"),
        ("convnext_atto", "norm_pre"),
    ],
)
def test_timm_models_get_a_head_and_a_layer_to_explain(variant: str, layer: str) -> None:
    model = timm_backbone(variant, CLASSES, 64, pretrained=False)
    assert model(torch.randn(2, 3, 64, 64)).shape == (2, 3)
    assert model.cam_layer and model.get_submodule(model.cam_layer) is not None
    assert len(model.normalisation) == 2
    if variant.startswith(("densenet", "resnet", "tf_", "vit")):
        assert model.cam_layer == layer
    assert model.training


@pytest.mark.parametrize(
    "variant", ["densenet121", "resnet18", "mobilenet_v3_small", "squeezenet1_1"]
)
def test_torchvision_models_get_a_head_and_a_layer_to_explain(variant: str) -> None:
    model = torchvision_backbone(variant, CLASSES, 64, pretrained=False)
    assert model(torch.randn(2, 3, 64, 64)).shape == (2, 3)
    assert model.get_submodule(model.cam_layer) is not None


def test_densenet_has_the_parameters_of_the_original() -> None:
    model = timm_backbone("densenet121.tv_in1k", [str(i) for i in range(8)], 64, pretrained=False)
    theirs = torchvision.models.densenet121(weights=None, num_classes=8)
    count = sum(p.numel() for p in model.parameters())
    assert count == sum(p.numel() for p in theirs.parameters()) == 6_962_056


@pytest.mark.parametrize("form", ["safetensors", "pth", "checkpoint", "parallel"])
def test_weights_come_from_a_file_whatever_their_head(tmp_path: Path, form: str) -> None:
    source = timm.create_model("resnet18", pretrained=False, num_classes=1000)
    state = source.state_dict()
    file = tmp_path / ("w.safetensors" if form == "safetensors" else "w.pth")
    if form == "safetensors":
        save_file(state, file)
    elif form == "checkpoint":
        torch.save({"epoch": 3, "model_state_dict": state}, file)
    elif form == "parallel":
        torch.save({f"module.{name}": tensor for name, tensor in state.items()}, file)
    else:
        torch.save(state, file)
    model = timm_backbone("resnet18", CLASSES, 64, pretrained=file)
    assert torch.equal(model.layer4[1].conv2.weight, source.layer4[1].conv2.weight)
    assert model.fc.out_features == 3


def test_weights_that_do_not_fit_or_cannot_be_read_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_file(timm.create_model("resnet18", pretrained=False).state_dict(), file)
    with pytest.raises(SkinfwError, match="do not fit the backbone"):
        timm_backbone("resnet26", CLASSES, 64, pretrained=file)
    with pytest.raises(SkinfwError, match="do not exist"):
        timm_backbone("resnet18", CLASSES, 64, pretrained=tmp_path / "gone.safetensors")
    for name in ("bad.safetensors", "bad.pth"):
        (tmp_path / name).write_bytes(b"no weights at all")
        with pytest.raises(SkinfwError, match="cannot be read"):
            timm_backbone("resnet18", CLASSES, 64, pretrained=tmp_path / name)


def test_a_hub_that_cannot_be_reached_has_two_cures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skinfw_timm.weights._answers", lambda host: False)
    with pytest.raises(SkinfwError) as error:
        timm_backbone("resnet18.a1_in1k", CLASSES, 64)
    assert "cannot be downloaded" in error.value.what
    assert "huggingface.co does not answer" in error.value.why
    assert ".safetensors" in error.value.cure and "pretrained = false" in error.value.cure

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("torch.hub.get_dir", lambda: "/nowhere")
    monkeypatch.setattr("os.makedirs", lambda *_, **__: None)
    with pytest.raises(SkinfwError, match="cannot be downloaded"):
        torchvision_backbone("resnet18", CLASSES, 64)


def test_an_option_that_an_architecture_lacks_is_explained() -> None:
    with pytest.raises(SkinfwError) as error:
        timm_backbone("vgg11", CLASSES, 64, pretrained=False, drop_path=0.1)
    assert "leave drop_path out" in error.value.cure


def test_checkpointed_gradients_are_the_same_in_less_memory() -> None:
    images, kept, gradients = torch.randn(2, 3, 64, 64), [], []
    for checkpoint in (False, True):
        torch.manual_seed(0)
        model = timm_backbone(
            "vit_tiny_patch16_224", CLASSES, 64, pretrained=False, drop_path=0.2,
            checkpoint_gradients=checkpoint,
        )  # fmt: skip
        bytes_kept: dict[int, int] = {}

        def pack(tensor: torch.Tensor, bytes_kept: dict[int, int] = bytes_kept) -> torch.Tensor:
            bytes_kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = model(images).square().sum()
        loss.backward()
        weights = sum(own.untyped_storage().nbytes() for own in model.parameters())
        kept.append(sum(bytes_kept.values()) - weights)
        gradients.append([own.grad for own in model.parameters()])
    assert all(torch.equal(one, two) for one, two in zip(*gradients, strict=True))
    assert kept[1] < kept[0] / 4


def test_what_would_count_images_twice_cannot_checkpoint_gradients() -> None:
    with pytest.raises(SkinfwError, match="resnet18 cannot checkpoint its gradients") as error:
        timm_backbone("resnet18", CLASSES, 64, pretrained=False, checkpoint_gradients=True)
    assert "batch normalisation" in error.value.why

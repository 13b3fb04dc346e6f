"""Depthwise convolutions in bf16: the same network, and gradients in fp32."""

from dataclasses import replace

import pytest
import timm
import torch
from torch import nn

from skinfw.models.depthwise import keep_depthwise_gradients_fast
from skinfw.recipe.settings import EngineSettings
from skinfw.runtime.device import Hardware, choose_hardware


def hardware(precision: str) -> Hardware:
    return replace(choose_hardware(EngineSettings(device="cpu")), precision=precision)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 4, 1)
    )


def test_a_depthwise_convolution_learns_in_fp32_and_answers_in_bf16() -> None:
    model = network()
    names = list(model.state_dict())
    keep_depthwise_gradients_fast(model, hardware("bf16"))
    assert list(model.state_dict()) == names
    inside = {}
    model[1].register_forward_pre_hook(lambda _, args: inside.update(dtype=args[0].dtype))
    images = torch.randn(2, 3, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(images)
    assert inside["dtype"] == logits.dtype == torch.bfloat16
    logits.float().square().mean().backward()
    own, plain = model[1].weight.grad, network()
    plain(images).square().mean().backward()
    assert own is not None and own.dtype == torch.float32
    torch.testing.assert_close(own, plain[1].weight.grad, rtol=0.05, atol=0.01)


def test_its_sum_has_the_digits_of_fp32() -> None:
    model = nn.Conv2d(4, 4, 3, groups=4, bias=False)
    with torch.no_grad():
        model.weight.fill_(1 + 2**-12)  # bf16 knows no such number
    image = torch.ones(1, 4, 3, 3)
    keep_depthwise_gradients_fast(model, hardware("bf16"))
    grads = {}
    for precision in (torch.float32, torch.bfloat16):
        inputs = image.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            model(inputs).float().sum().backward()
        grads[precision] = inputs.grad
    assert torch.equal(grads[torch.float32], grads[torch.bfloat16])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_without_gradients_nothing_is_changed(precision: str) -> None:
    model = timm.create_model("tf_efficientnet_lite0", num_classes=3).eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode(), hardware(precision).autocast():
        before = model(images)
        keep_depthwise_gradients_fast(model, hardware(precision))
        assert torch.equal(before, model(images))

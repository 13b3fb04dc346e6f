import numpy as np
import pytest
import torch
from torch import nn

from skinfw_acme.smooth_gradient import SmoothGradient

IMAGES = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))
CLASSES = torch.tensor([0, 2, 1])


class Linear(nn.Module):
    """A network whose gradients are its weights, wherever it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3 * 8 * 8, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.fc(images.flatten(1))


class Steps(nn.Module):
    """A network whose gradient is a step: 1 for values above zero, 0 for those below."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.clamp(min=0).sum((1, 2, 3))[:, None].expand(-1, 3)


def scaled(sizes: np.ndarray) -> np.ndarray:
    bright = np.quantile(sizes.reshape(len(sizes), -1), 0.99, axis=1)
    return np.minimum(sizes / bright[:, None, None], 1)


def test_of_a_linear_network_it_is_the_weights() -> None:
    torch.manual_seed(0)
    model = Linear()
    maps = SmoothGradient()(model, IMAGES, CLASSES)
    weights = model.fc.weight[CLASSES].detach().reshape(3, 3, 8, 8)
    assert maps.numpy() == pytest.approx(scaled(weights.abs().sum(1).numpy()), abs=1e-5)


def test_noise_blurs_a_step_into_the_normal_distribution() -> None:
    share = 0.2
    maps = SmoothGradient(samples=4000, noise=share)(Steps(), IMAGES, CLASSES)
    spread = share * (IMAGES.amax((1, 2, 3)) - IMAGES.amin((1, 2, 3)))[:, None, None, None]
    smooth = torch.special.ndtr(IMAGES / spread).sum(1).numpy()
    assert maps.numpy() == pytest.approx(scaled(smooth), abs=0.02)


def test_without_noise_it_is_the_gradient() -> None:
    maps = SmoothGradient(samples=1, noise=0.0)(Steps(), IMAGES, CLASSES)
    assert maps.numpy() == pytest.approx(scaled((IMAGES > 0).sum(1).numpy()))


def test_a_map_that_nothing_supports_is_dark() -> None:
    model = Linear()
    nn.init.zeros_(model.fc.weight)
    assert (SmoothGradient()(model, IMAGES, CLASSES) == 0).all()


def test_it_works_where_gradients_are_off_and_leaves_none() -> None:
    model = Linear()
    with torch.inference_mode():
        maps = SmoothGradient(samples=2)(model, IMAGES.clone(), CLASSES.clone())
    assert maps.isfinite().all() and maps.max() == 1
    assert model.fc.weight.grad is None

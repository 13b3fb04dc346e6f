"""Backbones, changes of networks and explainers, right and wrong."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from zoo.register import right, wrong


class _Network(nn.Sequential):
    cam_layer = "1"

    def __init__(self, classes: int, *between: nn.Module) -> None:
        super().__init__(
            nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            *between, nn.Linear(8, classes),
        )  # fmt: skip


@right("backbone")
def small(classes: Any) -> nn.Module:
    """Build a small network."""
    return _Network(len(classes))


@wrong("backbone", "answers")
def three(classes: Any) -> nn.Module:
    """Build a network that always has four outputs or none too few."""
    return _Network(max(4, len(classes)))


@wrong("backbone", "names its map")
def mapless(classes: Any) -> nn.Module:
    """Build a network that names a layer it has not."""
    model = _Network(len(classes))
    model.cam_layer = "layer4"
    return model


class _Noise(nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values + torch.rand(values.shape)


@wrong("backbone", "calm in evaluation")
def noisy(classes: Any) -> nn.Module:
    """Build a network that forgets that it is evaluated."""

    class Noise(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values - values.mean(0) * 0.5

    return _Network(len(classes), Noise())


class _Forgetful(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.rand(()) + 0.5

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values * self.scale


@wrong("backbone", "keeps its state")
def forgetful(classes: Any) -> nn.Module:
    """Build a network with a number that its state lacks."""
    return _Network(len(classes), _Forgetful())


@wrong("backbone", "all of it learns")
def idle(classes: Any) -> nn.Module:
    """Build a network with a layer that nobody calls."""
    model = _Network(len(classes))
    model.spare = nn.Linear(2, 2)
    return _Calling(model)


class _Calling(nn.Module):
    cam_layer = "inner.1"

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, images: torch.Tensor) -> Any:
        for name, layer in self.inner.named_children():
            if name != "spare":
                images = layer(images)
        return images


@wrong("backbone", "same seed, same weights")
def unseeded(classes: Any) -> nn.Module:
    """Build a network whose weights come from elsewhere."""
    model = _Network(len(classes))
    with torch.no_grad():
        model[0].weight.mul_(float(np.random.default_rng().uniform(0.5, 1)))
    return model


@wrong("backbone", "several sizes")
def fixed(classes: Any, size: int) -> nn.Module:
    """Build a network for one size."""
    if size != 64:
        raise ValueError("only 64")
    return _Network(len(classes))


@right("modify")
@dataclass(frozen=True, kw_only=True)
class WithDropout:
    """Add dropout before the answer."""

    def modify(self, model: nn.Module) -> nn.Module:
        model[-1] = nn.Sequential(nn.Dropout(0.2), model[-1])  # type: ignore[operator,index]
        return model


@wrong("modify", "answers")
class ReturnsNothing(WithDropout):
    """Forget to return the network."""

    def modify(self, model: nn.Module) -> Any:
        super().modify(model)


@right("explainer")
class Brightness:
    """Point at what is bright."""

    def __call__(self, model: Any, images: Any, classes: Any) -> Any:
        return images.mean(1).sigmoid()


@wrong("explainer", "answers")
class NumpyMaps(Brightness):
    """Return an array."""

    def __call__(self, model: Any, images: Any, classes: Any) -> Any:
        return super().__call__(model, images, classes).numpy()


@wrong("explainer", "same maps again")
class RandomMaps(Brightness):
    """Point anywhere."""

    def __call__(self, model: Any, images: Any, classes: Any) -> Any:
        maps = super().__call__(model, images, classes)
        return maps * torch.from_numpy(np.random.default_rng().random(maps.shape)).float()


@wrong("explainer", "images alone")
class RelativeMaps(Brightness):
    """Scale by the brightest of the batch."""

    def __call__(self, model: Any, images: Any, classes: Any) -> Any:
        maps = super().__call__(model, images, classes)
        return maps / maps.max()


@wrong("explainer", "global dice alone")
class LoudMaps(Brightness):
    """Throw everybody's dice, for nothing."""

    def __call__(self, model: Any, images: Any, classes: Any) -> Any:
        torch.rand(1)
        return super().__call__(model, images, classes)

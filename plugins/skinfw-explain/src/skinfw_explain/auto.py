"""The class activation map that scores best on validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from skinfw_explain.cam import GradientCam
from skinfw_explain.grad_cam import GradCam
from skinfw_explain.gradient_cams import GradCamPlusPlus, HiresCam, LayerCam, XgradCam
from skinfw_explain.layers import AUTO, check_layer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from skinfw import ExplainerChoice, InspectedImages

Method = Literal["auto", "xgrad-cam", "hires-cam", "layer-cam", "grad-cam-plus-plus", "grad-cam"]
# Where two make the same maps, the one that stands last is chosen.
_METHODS: dict[str, type[GradientCam]] = {
    "xgrad-cam": XgradCam,
    "hires-cam": HiresCam,
    "layer-cam": LayerCam,
    "grad-cam-plus-plus": GradCamPlusPlus,
    "grad-cam": GradCam,
}


@dataclass(frozen=True, kw_only=True)
class AutoCam:
    """Choose method and layer of a class activation map by their scores on validation images.

    The methods are those that ask for the class and need its gradient alone. Every method is tried
    at every layer that can be explained; the rule is that of `layer = "auto"`.

    method: one of them, or "auto".
    layer: of the backbone, by its dotted name; empty takes the declared one, and "auto" the one
        that scores best.
    """

    method: Method = "auto"
    layer: str = AUTO

    def check(self, model: nn.Module) -> None:
        """Raise RecipeError where the network has no such layer."""
        check_layer(model, self.layer)

    def choose(self, batches: Sequence[InspectedImages]) -> ExplainerChoice | None:
        """Return method and layer that score best, where one of the two is "auto"."""
        if AUTO not in (self.method, self.layer):
            return None
        from skinfw_explain.scorecard.map_choice import Candidate, choose_map, map_layers
        from skinfw_explain.scorecard.measures import ShownBatch

        shown = [ShownBatch(batch, "predicted") for batch in batches]
        layers = {self.layer: ""}
        if self.layer == AUTO:
            layers = {own.name: size for own, size in map_layers(shown)}
        methods = _METHODS if self.method == AUTO else {self.method: _METHODS[self.method]}
        candidates = []
        for layer, size in layers.items():
            for method, make in methods.items():
                name = f"{method} of the layer {layer}" if layer else method
                says = f"the maps are those of {name}" + (f" ({size})" if size else "")
                parameters = {"method": method, "layer": layer}
                candidates.append(Candidate(name, size, make(layer=layer), parameters, says))
        return choose_map("maps that could be shown", candidates, shown)

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor, /) -> Tensor:
        """Return a map per image, float [N, H, W] in [0, 1].

        model: in evaluation mode.
        images: float [N, 3, H, W], normalised.
        targets: int [N], the class to explain.
        """
        method = "grad-cam" if self.method == AUTO else self.method
        return _METHODS[method](layer=self.layer)(model, images, targets)

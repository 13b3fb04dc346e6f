"""DropBlock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt, Interval, Le, Lt

from skinfw import SkinfwError
from skinfw_networks.layers import last_stages

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class DropBlock:
    """Drop squares of feature maps in training, the same ones in all channels of an image.

    Ghiasi et al. 2018 (arXiv 1810.12890), as Yao et al. 2022 (arXiv 2102.01284) use it after the
    last two stages. The probability grows from 0 with the optimizer's steps; in their released
    code it hardly leaves 0. The centre of a square is drawn anywhere, with a chance of
    probability / block^2; what is left is scaled up by what is missing from the batch.

    probability: share of a map that is dropped in the end, about.
    block: side of a square, in places of the map; odd.
    ramp: share of the training during which the probability grows.
    stages: after how many of the last stages, where the backbone names its stages as timm's do.
    after: modules of the backbone instead, by their dotted names.
    """

    probability: Annotated[float, Ge(0), Lt(1)] = 0.1
    block: Annotated[int, Interval(ge=1, le=15)] = 5
    ramp: Annotated[float, Gt(0), Le(1)] = 1.0
    stages: Annotated[int, Ge(1)] = 2
    after: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse squares without a middle."""
        if self.block % 2 == 0:
            raise SkinfwError(
                f"block is {self.block}, which has no middle", cure="choose an odd number"
            )

    def modify(self, model: nn.Module) -> nn.Module:
        """Let what leaves some modules lose squares.

        Raises SkinfwError where a module does not exist.
        """
        from skinfw_networks.dropping import Dropping

        known = dict(model.named_modules())
        cure = f'after = ["..."] names modules: {", ".join(dict(model.named_children()))}'
        names = self.after or last_stages(model, self.stages, cure)
        for name in names:
            if name not in known:
                raise SkinfwError(
                    f"the backbone has no module {name}",
                    cure=f"after names modules such as {', '.join(dict(model.named_children()))}",
                )
        for name in names:
            # No layer of its own, which a sequence of layers would call; and methods, so that a
            # copied network has copies of them, with a progress of its own.
            dropping = Dropping(self.probability, self.block, self.ramp)
            known[name].register_forward_hook(dropping.drop)
            known[name].set_progress = dropping.set_progress
        return model

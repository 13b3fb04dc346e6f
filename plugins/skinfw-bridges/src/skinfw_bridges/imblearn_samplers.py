"""`imblearn/*`: the samplers of imbalanced-learn that choose or repeat images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from skinfw import ClassName, Context, Draw
from skinfw_bridges.signatures import builder, library_parameters, refusals

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.integer[Any]]

# Those that look at labels alone draw anew in each epoch; the others look at features, once.
_BY_LABEL = ("RandomOverSampler", "RandomUnderSampler")
_BY_FEATURES = (
    "AllKNN", "CondensedNearestNeighbour", "EditedNearestNeighbours", "InstanceHardnessThreshold",
    "NearMiss", "NeighbourhoodCleaningRule", "OneSidedSelection",
    "RepeatedEditedNearestNeighbours", "TomekLinks",
)  # fmt: skip
_STRATEGIES = Literal["auto", "majority", "minority", "not majority", "not minority", "all"]
_TYPES = {
    "n_neighbors": int,
    "sampling_strategy": dict[ClassName, int] | _STRATEGIES,
}


@dataclass(frozen=True)
class ImblearnSampler:
    """Show the images that a sampler of imbalanced-learn chooses.

    name: of the sampler.
    options: its parameters, besides its seed.
    """

    name: str
    options: Mapping[str, Any]

    def draw(self, labels: Integers, context: Context) -> Draw:
        """Return what is chosen in a new order; whatever repeats an image is a copy."""
        import numpy as np

        choose = partial(self._choose, labels, context)
        drawn = choose(context.rng) if self.name in _BY_LABEL else context.once(self.name, choose)
        copies = np.ones(len(drawn), bool)
        copies[np.unique(drawn, return_index=True)[1]] = False
        order = context.rng.permutation(len(drawn))
        return Draw(drawn[order], copies[order])

    def _choose(self, labels: Integers, context: Context, rng: np.random.Generator) -> Integers:
        """Return positions in the training part, repeats included."""
        import numpy as np

        places = np.arange(len(labels))
        features = places[:, None] if self.name in _BY_LABEL else context.embeddings(places)
        function, options = _sampler(self.name), dict(self.options)
        if isinstance(strategy := options["sampling_strategy"], Mapping):
            options["sampling_strategy"] = {
                context.classes.index(name): count for name, count in strategy.items()
            }
        if "random_state" in function().get_params():
            options["random_state"] = int(rng.integers(2**32))
        sampler = function(**options)
        with refusals("imbalanced-learn", self.name):
            sampler.fit_resample(features, labels)
        chosen: Integers = np.asarray(sampler.sample_indices_)
        return chosen


def variants(asked: str = "") -> list[str]:
    """Return the names of the samplers, whichever was asked for."""
    import imblearn  # noqa: F401  # without it none is offered

    return sorted([*_BY_LABEL, *_BY_FEATURES])


def member(variant: str) -> Callable[..., Any]:
    """Return what builds a sampler."""
    function = _sampler(variant)
    own = library_parameters(function, leave_out={"random_state", "n_jobs"}, types=_TYPES)
    return builder("imbalanced-learn", variant, function, own or [], partial(_build, variant))


def _sampler(name: str) -> Callable[..., Any]:
    from imblearn import over_sampling, under_sampling

    home = over_sampling if hasattr(over_sampling, name) else under_sampling
    function: Callable[..., Any] = getattr(home, name)
    return function


def _build(variant: str, **options: Any) -> ImblearnSampler:
    return ImblearnSampler(variant, options)

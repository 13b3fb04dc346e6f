"""A component that is tried: built the way a recipe builds it, with what the engine would give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from skinfw.errors import RecipeError, raise_all
from skinfw.interfaces.kinds import KINDS, Kind
from skinfw.interfaces.values import Modalities
from skinfw.recipe.component import PlannedComponent, check_method, plan_component, variants
from skinfw.recipe.places import Origin
from skinfw.recipe.settings import ImageSettings
from skinfw.registry.catalog import Catalog, CatalogEntry
from skinfw.testing.examples import CLASSES, COUNTS, SIZE, small_network


class Candidate:
    """Hold a component with the values that it is tried with."""

    def __init__(self, entry: CatalogEntry, values: Mapping[str, Any] | None = None) -> None:
        """Take a component.

        entry: what a plugin offers.
        values: of its parameters; its own example unless given.
        """
        example = entry.component.example
        self.entry = entry
        self.values = dict(example if values is None else {**example, **values})
        self._variant = self.values.pop("variant", "")
        self.classes: tuple[str, ...] = tuple(self.values.pop("classes", CLASSES))
        self.auxiliary: dict[str, Sequence[str]] = self.values.pop("auxiliary", {})

    @property
    def name(self) -> str:
        """The component's name."""
        return self.entry.component.name

    @property
    def label(self) -> str:
        """The component for messages."""
        return self.entry.label

    @property
    def kind_name(self) -> str:
        """The name of its role."""
        return self.entry.component.kind

    @property
    def expected_failures(self) -> Mapping[str, str]:
        """The checks that it fails by its nature, with the reasons."""
        return self.entry.component.expected_failures

    @property
    def kind(self) -> Kind:
        """The role that it plays."""
        return KINDS[self.kind_name]

    @cached_property
    def component(self) -> PlannedComponent[Any]:
        """The component, checked as in a recipe."""
        kind = self.kind
        use = f"{self.entry.plugin.name}:{self.entry.component.name}"
        if self.entry.component.variants:
            use += f"/{self._variant or variants(self.entry, '')[0]}"
        origin = Origin("its example", Path.cwd())
        catalog = Catalog([self.entry.plugin])
        component, complaints = plan_component(
            kind, (kind.name,), {"use": use, **self.values}, origin, origin.text, catalog, None
        )
        raise_all([RecipeError(f"{own.keys[0]} {own.text}", origin.text) for own in complaints])
        assert component  # there is one where nothing is complained of
        return component

    def build(self, **gives: Any) -> Any:
        """Build the object anew, and see that it has its kind's method.

        gives: what the engine offers beside or instead of the usual.
        """
        component = self.component
        usual: dict[str, Any] = {
            "variant": component.entry.variant,
            "classes": self.classes,
            "size": SIZE,
            "image": ImageSettings(size=SIZE),
            "counts": COUNTS,
            "modalities": Modalities(),
            "steps": 20,
            "epochs": 4,
        }
        if "model" in component.engine and "model" not in gives:
            usual["model"] = small_network(len(CLASSES))
        if "optimizer" in component.engine and "optimizer" not in gives:
            usual["optimizer"] = some_optimizer()
        built = component.make(**{**usual, **gives})
        check_method(component, built)
        return built

    def call(self, function: Callable[..., Any], *values: Any) -> Any:
        """Return what a function of the component answers, its name on whatever it raises."""
        with self.component.guard(function):
            return function(*values)


def some_optimizer(rate: float = 0.1) -> Any:
    """Return an optimizer for schedules to steer."""
    import torch

    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)

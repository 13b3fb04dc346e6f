"""What explainers choose once the network is trained: recorded, and used from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from skinfw.errors import AnswerError
from skinfw.evaluation.failures import Failures
from skinfw.guards.tensors import unchanged_network
from skinfw.interfaces.protocols import ChoosingExplainer, Explainer
from skinfw.interfaces.values import (
    Cell,
    Estimate,
    ExplainerChoice,
    Findings,
    FindingsTable,
    InspectedImages,
)
from skinfw.recipe.component import PlannedComponent

KEY, TITLE = "explainer-choices", "Chosen explainers"
IMAGES = 48
"""Images of the validation part by which explainers choose, evenly over the classes."""

Pairs = Sequence[tuple[PlannedComponent[Explainer], Explainer]]


def choose_all(
    explainers: Pairs,
    recorded: Sequence[Mapping[str, Any]],
    look: Callable[[], Iterable[InspectedImages]],
    failures: Failures,
    say: Callable[[str], None],
) -> tuple[Pairs, list[dict[str, Any]]]:
    """Return explainers with what they chose, and their choices as run.json records them.

    explainers: components and what they built.
    recorded: choices of a run that goes on, which are not made again.
    look: shows the validation images.
    failures: where those are noted that cannot choose.
    say: told what was chosen.
    """
    chosen = [dict(choice) for choice in recorded]
    batches: list[InspectedImages] = []
    for component, explainer in explainers[len(chosen) :]:
        chosen.append({})
        if not isinstance(explainer, ChoosingExplainer):
            continue
        with failures.contain(component):
            batches = batches or list(look())
            chosen[-1] = choose_parameters(component, explainer, batches)
        for line in chosen[-1].get("text", ()):
            say(line)
    pairs = [
        with_choice(component, explainer, choice)
        for (component, explainer), choice in zip(explainers, chosen, strict=True)
    ]
    return pairs, chosen


def choose_parameters(
    component: PlannedComponent[Explainer],
    explainer: Explainer,
    batches: Sequence[InspectedImages],
) -> dict[str, Any]:
    """Return what an explainer chooses, as run.json records it; nothing where it has no choice.

    component: the explainer as the recipe says it.
    explainer: what it built.
    batches: validation images.
    """
    if not isinstance(explainer, ChoosingExplainer):
        return {}
    with component.guard(explainer.choose), unchanged_network(batches[0].model):
        choice = explainer.choose(batches)
        if choice is None:
            return {}
        if not isinstance(choice, ExplainerChoice):
            raise AnswerError(
                f"chose {type(choice).__name__}", "it returns a skinfw.ExplainerChoice, or None"
            )
        if unknown := sorted({*choice.parameters} - {*component.arguments}):
            raise AnswerError(
                f"chose {', '.join(unknown)}",
                f"it chooses of its parameters: {', '.join(component.arguments)}",
            )
    table = {
        "caption": f"{component.use}: {choice.table.caption}",
        "head": list(choice.table.head),
        "rows": [[_plain(cell) for cell in row] for row in choice.table.rows],
    }
    return {
        "use": component.use,
        "parameters": dict(choice.parameters),
        "text": [f"{component.use}: {line}" for line in choice.text],
        "table": table,
    }


def with_choice(
    component: PlannedComponent[Explainer], explainer: Explainer, choice: Mapping[str, Any]
) -> tuple[PlannedComponent[Explainer], Explainer]:
    """Return an explainer with the parameters that it chose; as it is where it chose none."""
    if not choice:
        return component, explainer
    chosen = replace(component, arguments={**component.arguments, **choice["parameters"]})
    return chosen, chosen.make()


def choice_findings(choices: Iterable[Mapping[str, Any]]) -> list[Findings]:
    """Return a section that tells what was chosen; none where nothing was.

    choices: as run.json records them.
    """
    told = [one for one in choices if one]
    if not told:
        return []
    text = [line for one in told for line in one["text"]]
    tables = [
        FindingsTable(
            one["table"]["caption"],
            one["table"]["head"],
            [[_cell(cell) for cell in row] for row in one["table"]["rows"]],
        )
        for one in told
    ]
    data = {"choices": [{"use": one["use"], "parameters": one["parameters"]} for one in told]}
    return [Findings(KEY, TITLE, text, tables, data)]


def explainers_by_name(explainers: Pairs) -> dict[str, Explainer]:
    """Return what calls each explainer in its own name, by its name; a second one has a number."""
    named: dict[str, Explainer] = {}
    for component, explainer in explainers:
        same = sum(name.split(" ")[0] == component.use for name in named)
        name = f"{component.use} {same + 1}" if same else component.use
        named[name] = component.wrap(explainer)
    return named


def _plain(cell: Cell) -> Any:
    return asdict(cell) if isinstance(cell, Estimate) else cell


def _cell(cell: Any) -> Cell:
    """Return a cell of a table as it was before JSON; null is NaN."""
    if isinstance(cell, Mapping):
        numbers = {name: own for name, own in cell.items() if own is not None}
        return Estimate(**{"value": float("nan"), **numbers})
    return float("nan") if cell is None else cell

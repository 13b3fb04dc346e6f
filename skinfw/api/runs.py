"""Run and check recipes from Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw.api.html import interval, table
from skinfw.errors import RecipeError, SkinfwError, printable
from skinfw.interfaces.values import headline_numbers

if TYPE_CHECKING:
    from skinfw.interfaces.values import Failure, Predictions, Result
    from skinfw.recipe.plan import Plan

RecipeSource = str | Path | Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """Hold a run that is done; a notebook shows its numbers and its confusion matrix.

    folder: the run folder.
    result: what reports were told.
    """

    folder: Path
    result: Result = field(repr=False)

    @property
    def metrics(self) -> Mapping[str, float]:
        """The numbers of the test part."""
        return self.result.metrics["test"]

    @property
    def intervals(self) -> Mapping[str, tuple[float, float]]:
        """The 95 % intervals of these numbers, over lesions; empty where none were wanted."""
        return self.result.intervals.get("test", {})

    @property
    def predictions(self) -> Predictions:
        """What the network says of the test part."""
        return self.result.predictions["test"]

    @property
    def history(self) -> Sequence[Mapping[str, float]]:
        """A row per epoch."""
        return self.result.history

    @property
    def failures(self) -> Sequence[Failure]:
        """What reports, explainers and trackers could not do; the numbers are as good."""
        return self.result.failures

    @cached_property
    def model(self) -> Any:
        """The trained model, as `skinfw.load` returns it: after a refit the network for use."""
        from skinfw.api.models import load

        return load(self.folder)

    def _repr_html_(self) -> str:
        numbers = [
            (name.replace("_", " "), interval(self.metrics[name], self.intervals.get(name)))
            for name in headline_numbers(self.result.select, self.metrics)
        ]
        lesions = len(set(self.predictions.lesions))
        caption = (
            f"{self.result.name}: test part, {len(self.predictions.ids):,} images of "
            f"{lesions:,} lesions"
        )
        marks = "".join(f"<p>note: {escape(mark)}</p>" for mark in self.result.marks)
        return table(("number", "95 % interval"), numbers, caption) + marks + self._confusion()

    def _confusion(self) -> str:
        classes = self.predictions.classes
        counts = [[0] * len(classes) for _ in classes]
        pairs = zip(self.predictions.true, self.predictions.predicted, strict=True)
        for true, called in pairs:
            counts[int(true)][int(called)] += 1
        rows = [(name, *row) for name, row in zip(classes, counts, strict=True)]
        return table(("true \\ predicted", *classes), rows, "Confusion matrix")


@dataclass(frozen=True)
class CheckedRecipe:
    """Hold a recipe that is in order.

    name: of the recipe.
    toml: all of it, with every default written out.
    seconds: of each stage of a trial on noise; empty where there was none.
    """

    name: str
    toml: str = field(repr=False)
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the recipe as TOML."""
        return self.toml

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.toml)}</pre>"


def show(line: str) -> None:
    """Print a line; what could steer a terminal is spelled out."""
    print(printable(line))


def run(
    recipe: RecipeSource,
    *,
    out: str | Path = "runs",
    say: Callable[[str], None] = show,
    trust: bool = False,
    **tables: Any,
) -> Run:
    """Run a recipe: train, evaluate, explain, report.

    recipe: a TOML file, the name of a shipped recipe, the folder of an earlier run, or tables.
    out: where the run folder is made.
    say: told what a user must hear, a line at a time.
    trust: whether Python files that a run folder names may be imported unseen.
    tables: what differs, laid over the recipe as `--set` would, such as train={"epochs": 3}.
    Returns the run, whose `failures` tell what reports could not do. Raises SkinfwError as the
    command line does.
    """
    from skinfw.api.progress import Epochs
    from skinfw.workflows.run import execute_run, new_run

    plan = _plan(recipe, tables, trust)
    folder = new_run(plan, Path(out))
    result = execute_run(plan, folder, say, [Epochs(say)])
    if result is None:
        raise SkinfwError(
            "the run was stopped before it was done",
            str(folder.path),
            cure=f"skinfw run {folder.path} --resume",
        )
    for failure in result.failures:
        say(str(failure.error))
    return Run(folder.path, result)


def check(
    recipe: RecipeSource, *, trial: bool = False, trust: bool = False, **tables: Any
) -> CheckedRecipe:
    """Check a recipe without reading data.

    recipe, trust, tables: as for `run`.
    trial: whether to run every component once, on noise.
    Returns the recipe with every default. Raises RecipeError with all problems at once.
    """
    from skinfw.evaluation.selection import check_own_select
    from skinfw.recipe.toml import as_toml

    plan = _plan(recipe, tables, trust)
    check_own_select(plan)
    seconds: Mapping[str, float] = {}
    if trial:
        from skinfw.workflows.trial import try_plan

        seconds = try_plan(plan)
    return CheckedRecipe(plan.recipe.name, as_toml(plan), seconds)


def _plan(recipe: RecipeSource, tables: Mapping[str, Any], trust: bool) -> Plan:
    from skinfw.recipe.loading import load_recipe
    from skinfw.recipe.plan import make_plan
    from skinfw.registry.catalog import Catalog

    if not isinstance(recipe, str | Path | Mapping):
        raise RecipeError(
            f"a recipe is no {type(recipe).__name__}",
            cure="give a path, the name of a shipped recipe, a run folder, or tables",
        )
    source = recipe if isinstance(recipe, Mapping) else Path(recipe)
    return make_plan(load_recipe(source, values=tables, trust=trust or None), Catalog())

"""What a trial of a search tries: a function of the seed, of its number, and of what it may know.

Optuna draws it. Its own storage is not asked, for what a trial knows must not depend on which
workers were fast, or killed.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from skinfw import SkinfwError, atomic_write
from skinfw.toolkit import stream
from skinfw_sweep.settings import Axis
from skinfw_sweep.study import Study, Trial, signed

if TYPE_CHECKING:
    import optuna

JOURNAL = "journal.log"
ATTEMPTS = 50
"""How often a trial is drawn again that was drawn before."""

STARTING = 10
"""Trials that tpe draws evenly before it prefers any, as Optuna does by default."""


def check_optuna() -> None:
    """Raise SkinfwError where Optuna is not installed."""
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise SkinfwError(
            "a search needs Optuna",
            why=str(error),
            cure="pip install 'skinfw[sweep]', or list a grid",
        ) from error


def draw(study: Study, number: int, before: Sequence[Trial]) -> dict[str, Any]:
    """Return what a trial tries.

    number: of the trial.
    before: all trials before it, in their order. Of those that it may not know, their settings
        alone are looked at.
    """
    earlier = [json.dumps(one.values) for one in before]
    known = study.definition.known(number)
    values: dict[str, Any] = {}
    for attempt in range(ATTEMPTS):
        values = _ask(study, number, attempt, before, known)
        if json.dumps(values) not in earlier:
            break
    return values


def _ask(
    study: Study, number: int, attempt: int, before: Sequence[Trial], known: range
) -> dict[str, Any]:
    import optuna

    settings, axes = study.definition.settings, study.definition.axes
    seed = int(stream(settings.seed, "sweep", number, attempt).integers(2**31))
    if settings.method == "random":
        sampler: Any = optuna.samplers.RandomSampler(seed)
    else:
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=STARTING, multivariate=True, constant_liar=True
        )
    asked = _quiet_study(study, sampler)
    if settings.method == "tpe":
        for trial in before:
            asked.add_trial(_frozen(study, trial, trial.number in known))
    drawn = asked.ask(_distributions(axes)).params
    return {axis.key: _value(axis, drawn[axis.key]) for axis in axes}


def _quiet_study(study: Study, sampler: Any, storage: Any = None) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    directions = [
        "minimize" if name in study.smaller else "maximize"
        for name in study.definition.settings.objectives
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return optuna.create_study(
            storage=storage, sampler=sampler, study_name=study.folder.name, directions=directions
        )


def _distributions(axes: Sequence[Axis]) -> dict[str, Any]:
    from optuna import distributions as of

    made: dict[str, Any] = {}
    for axis in axes:
        if axis.choices:
            made[axis.key] = of.CategoricalDistribution(axis.labels)
        elif axis.whole:
            step = int(axis.step) or 1
            made[axis.key] = of.IntDistribution(int(axis.low), int(axis.high), axis.log, step)
        else:
            step_or_none = axis.step or None
            made[axis.key] = of.FloatDistribution(axis.low, axis.high, axis.log, step_or_none)
    return made


def _value(axis: Axis, drawn: Any) -> Any:
    return axis.choices[axis.labels.index(drawn)] if axis.choices else drawn


def _drawn(axis: Axis, value: Any) -> Any:
    return axis.labels[axis.place(value)] if axis.choices else value


def _frozen(study: Study, trial: Trial, known: bool = True) -> Any:
    """Return a trial as Optuna has it; one that is not known is under way, whatever it came to."""
    from optuna.trial import TrialState, create_trial

    axes, settings = study.definition.axes, study.definition.settings
    states = {"done": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    state = states.get(trial.state, TrialState.RUNNING) if known else TrialState.RUNNING
    epochs = {}
    if state in (TrialState.COMPLETE, TrialState.PRUNED) and len(settings.objectives) == 1:
        smaller = settings.objectives[0] in study.smaller
        epochs = {place: signed(one, smaller) for place, one in enumerate(trial.epochs, 1)}
    return create_trial(
        state=state,
        params={axis.key: _drawn(axis, trial.values[axis.key]) for axis in axes},
        distributions=_distributions(axes),
        values=[trial.objectives[name] for name in settings.objectives]
        if state == TrialState.COMPLETE
        else None,
        intermediate_values=epochs,
        user_attrs={"folder": trial.folder.name},
    )


def write_journal(study: Study, trials: Sequence[Trial]) -> None:
    """Write a search as a journal file, which Optuna and its dashboard read."""
    import optuna

    with atomic_write(study.folder / JOURNAL) as partial:
        backend = optuna.storages.journal.JournalFileBackend(str(partial))
        own = _quiet_study(study, None, optuna.storages.JournalStorage(backend))
        own.add_trials([_frozen(study, trial) for trial in trials])

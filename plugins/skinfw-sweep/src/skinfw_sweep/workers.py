"""Who carries out which trial: each is claimed by one process at a time, which lets go by dying."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

from skinfw import Task
from skinfw.toolkit import HeldLockError, lock_folder
from skinfw_sweep.search import draw
from skinfw_sweep.study import Study, Trial

POLL_SECONDS = 1.0
DEATHS = 20
"""So often a trial is taken up again by one process after its own has died without a word."""


class TrialQueue:
    """Give trials to be carried out, each when all that decide on it are over.

    Any number of processes, on any machines that share the folder, may have one each.
    """

    def __init__(self, study: Study) -> None:
        """Begin; trials that failed are tried again, unless later ones were chosen knowing it."""
        self.study = study
        self._mine: dict[int, ExitStack] = {}
        self._over: dict[int, Trial] = {}
        self._deaths: Counter[int] = Counter()
        self._others = False
        self._again = {number for number in range(study.count) if self._is_tried_again(number)}

    def _is_tried_again(self, number: int) -> bool:
        trial, width = self.study.trial(number), self.study.definition.settings.parallel
        if trial is None or trial.state != "failed" or trial.complete:
            return False
        return not (self.study.definition.depends and self.study.trial(number + width))

    def __iter__(self) -> Iterator[int]:
        """Return itself."""
        return self

    def __next__(self) -> int:
        """Return the next trial, claimed.

        Raises StopIteration where there is none for now, which may change when one of those that
        it gave has ended; where it waits for others alone, it waits.
        """
        while True:
            number = self._take()
            if number is not None:
                return number
            if self._mine or not self._others:
                raise StopIteration
            time.sleep(POLL_SECONDS)

    def end(self, number: int) -> Trial:
        """Hear that a trial has ended somehow; one that is still open is given again."""
        trial = self.study.trial(number)
        assert trial
        self._again.discard(number)
        if trial.state == "open":
            self._deaths[number] += 1
        self._mine.pop(number).close()
        return trial

    def is_over(self, number: int) -> bool:
        """Tell whether a trial has come to its end, good or bad."""
        trial = self.study.trial(number)
        return trial is not None and trial.state != "open"

    def close(self) -> None:
        """Let go of all trials."""
        while self._mine:
            self._mine.popitem()[1].close()

    def _take(self) -> int | None:
        self._others = False
        before: list[Trial] = []
        for number in range(self.study.count):
            trial = self._trial(number)
            if number not in self._mine and not self._is_over(trial) and self._may(number):
                if not self._is_ready(number, before):
                    return None
                if self._claim(number, before):
                    return number
                trial = self._trial(number)
            if trial is None and self.study.definition.settings.searches:
                return None  # what comes after it is drawn knowing what it tries
            before += [trial] if trial else []
        return None

    def _trial(self, number: int) -> Trial | None:
        """Return a trial, from memory where it is over."""
        if number not in self._over:
            trial = self.study.trial(number)
            if not self._is_over(trial):
                return trial
            assert trial
            self._over[number] = trial
        return self._over[number]

    def _is_over(self, trial: Trial | None) -> bool:
        return trial is not None and trial.state != "open" and trial.number not in self._again

    def _may(self, number: int) -> bool:
        return self._deaths[number] < DEATHS

    def _is_ready(self, number: int, before: list[Trial]) -> bool:
        """Tell whether all trials are over that decide on one."""
        known = self.study.definition.known(number)
        return len(known) == sum(own.number in known and self._is_over(own) for own in before)

    def _claim(self, number: int, before: list[Trial]) -> bool:
        """Claim a trial, and make its run folder; False where it is another's, or over."""
        place = self.study.folder / "claims" / self.study.name(number)
        place.mkdir(parents=True, exist_ok=True)
        claim = ExitStack()
        try:
            claim.enter_context(lock_folder(place))
        except HeldLockError:
            self._others = True
            return False
        with claim:  # let go of where anything fails
            trial = self.study.trial(number)  # who had it may have ended it since
            if self._is_over(trial):
                return False
            if trial is None:
                self.study.make_trial(number, self._values(number, before))
            self._mine[number] = claim.pop_all()
        return True

    def _values(self, number: int, before: list[Trial]) -> dict[str, object]:
        if self.study.definition.settings.searches:
            return draw(self.study, number, before)
        return self.study.grid[number]


def trial_task(study: Study, number: int) -> Task:
    """Return the task that carries out a trial."""
    words = ["sweep", str(study.folder.resolve()), "--trial", str(number)]
    if study.trusted:
        words.append("--trust")
    log = study.logs / f"{study.name(number)}.log"
    return Task(study.name(number), tuple(words), log.resolve(), study.plan.engine.device)

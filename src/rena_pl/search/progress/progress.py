"""How far a search is, and how long the rest of it will take."""

from __future__ import annotations

import time
from collections import Counter, deque
from math import ceil
from statistics import fmean

from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.search.budget import Budget

RECENT_CHILDREN = 20
RECENT_UPDATES = 3
"""By how many of the last ones the pace is judged: networks grow on the way."""


class Progress:
    """Counts evaluations, and estimates the time left from the pace so far.

    An update is expected to take as long as the last few; before one has ended, and for the full
    trainings, a child-epoch is expected to take as long as those of the last children.

    Args:
        budget: How much the search may train.
        updates: How many it is to have.
        workers: How many it has.
        ends_in_full: Whether networks are trained in full at its end.

    Attributes:
        children: Children of all updates that are done with, and `all_children` how many there
            will be.
        full_trainings: Full trainings that have ended, of `all_full_trainings`.
        statuses: How many evaluations ended how.
        child_epochs: What they cost.
        best: The child or start network with the highest reward, the first of equals; none before
            there is one.
    """

    def __init__(
        self, budget: Budget, updates: int, workers: int = 1, ends_in_full: bool = True
    ) -> None:
        self.budget = budget
        self.updates = updates
        self.all_children = updates * budget.children
        self.all_full_trainings = budget.full_trainings if ends_in_full else 0
        self.workers = workers
        self.children = self.full_trainings = self.child_epochs = 0
        self.statuses: Counter[str] = Counter()
        self.best: Evaluation | None = None
        self._updates_done = self._known = 0
        self._durations: deque[float] = deque(maxlen=RECENT_UPDATES)
        self._trained: deque[Evaluation] = deque(maxlen=RECENT_CHILDREN)
        self._last = time.monotonic()

    @property
    def evaluations(self) -> int:
        """All of them."""
        return self.statuses.total()

    def count(self, evaluation: Evaluation) -> None:
        """Take a new evaluation in."""
        self.statuses[evaluation.status] += 1
        self.child_epochs += evaluation.budget
        if evaluation.part == "full":
            self.full_trainings += 1
            self._last = time.monotonic()
        elif evaluation.status == "done" and (
            self.best is None or _precedes(evaluation, self.best)
        ):
            self.best = evaluation
        is_heir = evaluation.part == "start" and evaluation.parent is not None
        if is_heir and self.all_full_trainings:  # then no training of it was from scratch
            self.all_full_trainings = self.budget.final_candidates + 1
        if evaluation.part == "child" and evaluation.rung == 0:
            self.children += 1
        if evaluation.budget > 0:
            self._trained.append(evaluation)

    def begin_update(self, number: int) -> None:
        """An update begins; those before it have ended, and so has an earlier end of the search."""
        self.full_trainings = 0
        self._updates_done = number
        self._known = self.evaluations
        self.children = number * self.budget.children
        self._last = time.monotonic()

    def end_update(self, number: int) -> None:
        """It has ended; children that were met before count as done, and tell nothing of time."""
        if self.evaluations > self._known:
            self._durations.append(time.monotonic() - self._last)
        self.begin_update(number + 1)

    def seconds_left(self) -> float | None:
        """Until the end of the search; none before anything was trained."""
        epochs = sum(evaluation.budget for evaluation in self._trained)
        if epochs == 0:
            return None
        pace = sum(evaluation.seconds for evaluation in self._trained) / epochs
        since = time.monotonic() - self._last
        search = self._search_left(pace, since)
        rounds = ceil(max(0, self.all_full_trainings - self.full_trainings) / self.workers)
        full = pace * self.budget.final_epochs
        if self._updates_done >= self.updates:
            return max(0.0, rounds * full - min(since, full))
        return search + rounds * full

    def _search_left(self, pace: float, since: float) -> float:
        """Until the last update has ended, `since` seconds after the last one did."""
        if self._durations:
            update = fmean(self._durations)
            return update * (self.updates - self._updates_done) - min(since, update)
        left = max(0, self.all_children - self.children)
        return left * self.budget.training.epochs_a_child * pace / self.workers


def duration(seconds: float) -> str:
    """As people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _precedes(one: Evaluation, other: Evaluation) -> bool:
    """Whether the first is the better of two, or the earlier of equals."""
    return (-one.reward, one.turn) < (-other.reward, other.turn)

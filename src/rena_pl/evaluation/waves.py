"""Children that are trained side by side, the better ones of them longer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from rena_pl.evaluation.evaluation import Candidate, Evaluation, Place

EvaluateAll = Callable[[Sequence[Candidate]], list[Evaluation]]


@dataclass(frozen=True)
class Training:
    """How much the children of a wave are trained.

    Attributes:
        epochs: What each child gets, and what each of the better half gets more, every time.
        halvings: How often the better half is trained on.
        stop_below: A child with less than this share of the best reward before the wave is
            trained no further.
    """

    epochs: int
    halvings: int = 0
    stop_below: float = 0.0

    @property
    def epochs_a_child(self) -> float:
        """On average, if no child is stopped."""
        return self.epochs * (2 - 0.5**self.halvings)


def evaluate_wave(
    candidates: Sequence[Candidate], best: float, training: Training, evaluate_all: EvaluateAll
) -> list[Evaluation]:
    """Evaluate children, give the better half more, and of that the better half again.

    (Successive halving, arXiv 1502.07943.)

    Args:
        candidates: The children, each with its first budget.
        best: The best reward before them.
        training: How much they are trained.
        evaluate_all: Evaluates some candidates side by side.

    Returns:
        The last evaluation of every child, as an heir of what its first one inherited from.
    """
    wave = evaluate_all(candidates)
    latest = {child.key: child for child in wave}
    first: dict[str, Candidate] = {}
    for child, candidate in zip(wave, candidates, strict=True):
        first.setdefault(child.key, candidate)
    running = list(latest)
    for rung in range(1, training.halvings + 1):
        running.sort(key=lambda key: -latest[key].reward)
        running = [
            key
            for key in running[: len(running) // 2]
            if latest[key].status == "done" and latest[key].reward >= training.stop_below * best
        ]
        trained = evaluate_all(
            [
                Candidate(
                    first[key].architecture,
                    latest[key].key,
                    training.epochs,
                    first[key].place,
                    rung=rung,
                )
                for key in running
            ]
        )
        latest |= {
            key: child
            for key, child in zip(running, trained, strict=True)
            if child.status == "done"
        }
    return [as_heir_of(child, latest[child.key]) for child in wave]


def as_heir_of(first: Evaluation, last: Evaluation) -> Evaluation:
    """The last evaluation of a child that was trained on, as made of what its first one was."""
    return replace(last, parent=first.parent, inherited=first.inherited)


def last_rungs(evaluations: Iterable[Evaluation]) -> list[Evaluation]:
    """Of some evaluations in the order of the search, the last of every child that succeeded.

    As `evaluate_wave` returns them.
    """
    last: dict[Place, Evaluation] = {}
    for evaluation in evaluations:
        first = last.setdefault(evaluation.place, evaluation)
        if evaluation.status == "done":
            last[evaluation.place] = as_heir_of(first, evaluation)
    return list(last.values())

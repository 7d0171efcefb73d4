"""Who inherited from whom."""

from __future__ import annotations

from collections.abc import Iterable

from rena_pl.evaluation.evaluation import Evaluation


def descendants(evaluations: Iterable[Evaluation], root: str) -> set[str]:
    """The keys of all evaluations that inherited from `root`, directly or not, and `root` itself.

    Args:
        evaluations: In the order of the search, so that parents come before their children.
        root: Key of the ancestor.
    """
    family = {root}
    for evaluation in evaluations:
        if evaluation.parent in family:
            family.add(evaluation.key)
    return family

"""Who inherited from whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rena_pl.evaluation.evaluation import Evaluation


def descendants(evaluations: Iterable[Evaluation], root: str) -> set[str]:
    """The keys of all evaluations that inherited from `root`, directly or not, and `root` itself.

    Args:
        evaluations: In any order.
        root: Key of the ancestor.
    """
    children = defaultdict(list)
    for evaluation in evaluations:
        children[evaluation.parent].append(evaluation.key)
    family = {root}
    unvisited = [root]
    while unvisited:
        for child in children[unvisited.pop()]:
            if child not in family:
                family.add(child)
                unvisited.append(child)
    return family

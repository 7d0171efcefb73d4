"""When most children fail, the search is at fault: what those that failed have in common."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.numbers import readable

FEWEST = 8
"""Children that must have been trained before anything is said of most of them."""
SIZES = ("params", "macs", "peak_memory")


def widespread_failure(evaluations: Iterable[Evaluation]) -> str | None:
    """What most children of a search failed of, if most of them did.

    Args:
        evaluations: All of the search; the start network and full trainings do not count.
    """
    trained = [e for e in evaluations if e.status != "infeasible" and e.part == "child"]
    failed = [evaluation for evaluation in trained if evaluation.status == "failed"]
    if len(trained) < FEWEST or 2 * len(failed) <= len(trained):
        return None
    done = [evaluation for evaluation in trained if evaluation.status == "done"]
    shared = _traits(failed, done) + _sizes(failed, done)
    return (
        f"{len(failed)} of {len(trained)} children failed, {_reason(failed)}; in common they "
        f"have {', '.join(shared) or 'nothing that the others have not'}"
    )


def _reason(failed: Sequence[Evaluation]) -> str:
    """The reason that most have, numbers aside, in the words of the first of them."""
    kinds = [re.sub(r"\d+", "#", evaluation.reason) for evaluation in failed]
    kind, count = Counter(kinds).most_common(1)[0]
    first = failed[kinds.index(kind)].reason
    return f"{count} of them with '{first[:300]}'"


def _traits(failed: Sequence[Evaluation], done: Sequence[Evaluation]) -> list[str]:
    """Layer types and values that all of them have, and not all of the others."""
    shared = set.intersection(*map(_traits_of, failed))
    everywhere = set.intersection(*map(_traits_of, done)) if done else set()
    return sorted(shared - everywhere)


def _traits_of(evaluation: Evaluation) -> set[str]:
    layers = evaluation.architecture.layers
    values = {f"{layer.kind}({name}={value})" for layer in layers for name, value in layer.hyper}
    return values | {layer.kind for layer in layers}


def _sizes(failed: Sequence[Evaluation], done: Sequence[Evaluation]) -> list[str]:
    """Entries of the profile in which all of them are above all of the others."""
    shared = []
    for entry in SIZES:
        most = max((evaluation.profile.get(entry, 0) for evaluation in done), default=None)
        least = min(evaluation.profile.get(entry, 0) for evaluation in failed)
        if most is not None and least > most:
            shared.append(f"{entry} above {readable(most)}")
    return shared

"""What lies near an architecture and within the bounds, at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import fmean

from rena_pl.architecture import Architecture
from rena_pl.search.searchers.searcher import Ground
from rena_pl.space.runs import (
    Change,
    act,
    exchange_run,
    lengthen_run,
    remove_layer,
    scale_run,
)

CHANGES: Sequence[Change] = (act, exchange_run, scale_run, lengthen_run, remove_layer)
SMALLER: Sequence[Change] = (remove_layer, remove_layer, remove_layer, scale_run, scale_run)
LARGER: Sequence[Change] = (lengthen_run, scale_run)
FEW, MANY = (1, 1, 2, 3), (1, 2, 3, 5)
"""How many changes lead to a neighbour, and if it inherits nothing that could be lost."""
REDUCTIONS, ADDITIONS = 24, 12
"""How many changes are tried to bring a network inside the bounds, and to fill them."""
FULL = 0.95
"""A network that uses so much of what the upper bounds leave is not enlarged."""


def a_few_actions(ground: Ground, architecture: Architecture, rng: random.Random) -> Architecture:
    """What some single actions lead to, whatever it needs."""
    for _ in range(rng.choice(FEW)):
        architecture = act(ground.space, architecture, rng)
    return architecture


def neighbour(ground: Ground, architecture: Architecture, rng: random.Random) -> Architecture:
    """A network a few changes away; within the bounds, and from scratch near them, if it can be."""
    for _ in range(rng.choice(FEW if ground.inherits else MANY)):
        architecture = rng.choice(CHANGES)(ground.space, architecture, rng)
    architecture = reduced(ground, architecture, rng)
    return architecture if ground.inherits else filled(ground, architecture, rng)


def reduced(ground: Ground, architecture: Architecture, rng: random.Random) -> Architecture:
    """Within the bounds, if a few random changes that each bring it nearer lead there.

    A better layer is often a larger one: without this, none would come into a network that uses all
    that the bounds leave.
    """
    excess = ground.violation(architecture)
    for _ in range(REDUCTIONS):
        if excess == 0:
            break
        smaller = rng.choice(SMALLER)(ground.space, architecture, rng)
        left = ground.violation(smaller)
        if left < excess:
            architecture, excess = smaller, left
    return architecture


def filled(ground: Ground, architecture: Architecture, rng: random.Random) -> Architecture:
    """With a few random changes more, as long as the bounds leave room.

    Trained from scratch, a network that leaves much unused is rarely the best.
    """
    use = usage(ground, architecture) if ground.feasible(architecture) else None
    if use is None:
        return architecture
    for _ in range(ADDITIONS):
        if use >= FULL:
            break
        larger = rng.choice(LARGER)(ground.space, architecture, rng)
        needed = usage(ground, larger) if ground.feasible(larger) else None
        if needed is not None and needed > use:
            architecture, use = larger, needed
    return architecture


def usage(ground: Ground, architecture: Architecture) -> float | None:
    """The mean share of the upper bounds that is used, less again beyond one; none without any."""
    use = ground.resources.profile(architecture)
    shares = [use[bound.entry] / bound.max for bound in ground.objective.constraints if bound.max]
    return fmean(share if share <= 1 else 1 / share for share in shares) if shares else None

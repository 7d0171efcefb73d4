"""A start inside the hard bounds, or the word that there is none."""

from __future__ import annotations

import random
from collections.abc import Callable

from rena_pl.architecture import Architecture
from rena_pl.errors import RenaError
from rena_pl.numbers import readable
from rena_pl.objective import Objective
from rena_pl.space.search_space import SearchSpace

LOOKS_PER_STEP = 60
TRIES = 4


def feasible_start(
    start: Architecture,
    space: SearchSpace,
    objective: Objective,
    profile_of: Callable[[Architecture], dict[str, float]],
    seed: int = 0,
) -> Architecture:
    """The start itself if it keeps the hard bounds, else a network near it that does.

    Walks downhill on the violation, from the profile alone; where it is stuck, it takes a few
    random actions and goes on.

    Raises:
        RenaError: No network that was found keeps the bounds; the sentence says how near it came.
    """
    rng = random.Random(seed)

    def violation(architecture: Architecture) -> float:
        return objective.hard_violation(profile_of(architecture))

    current = best = start
    lowest = violation(start)
    for attempt in range(TRIES):
        here = violation(current)
        while here > 0:
            actions = list(space.legal_actions(current, rng))
            looks = rng.sample(actions, min(LOOKS_PER_STEP, len(actions)))
            nearby = [action.apply(current) for action in looks]
            nearest = min(nearby, key=violation, default=current)
            if violation(nearest) >= here:
                break
            current, here = nearest, violation(nearest)
        if here < lowest:
            best, lowest = current, here
        if lowest == 0:
            return best
        for _ in range(attempt + 2):
            current = space.random_action(current, rng).apply(current)
    use = profile_of(best)
    raise RenaError(
        "no network of this search space was found inside the bounds: "
        + "; ".join(f"{c} (nearest: {readable(use[c.entry])})" for c in objective.broken(use))
    )

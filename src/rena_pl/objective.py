"""What the search is after: accuracy inside bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from rena_pl.checks import is_number
from rena_pl.errors import RenaError
from rena_pl.numbers import readable

UNBOUNDED_VIOLATION = 1e9


@dataclass(frozen=True)
class Constraint:
    """An upper or lower bound, or both, on one entry of the profile.

    Attributes:
        entry: What is bounded: params, model_bytes, macs, flops, bytes_moved, intensity,
            peak_memory or latency_ms; in a table, one of its known columns.
        max: The upper bound.
        min: The lower bound.
        penalty: `hard`, or the base penalty in (0, 1] that the reward is multiplied with, once
            for every time the bound is exceeded by its own size; near 1 is soft.
    """

    entry: str
    max: float | None = None
    min: float | None = None
    penalty: float | Literal["hard"] = "hard"

    def __post_init__(self) -> None:
        if self.max is None and self.min is None:
            raise RenaError(f"constraint on {self.entry}: give max, min or both")
        for bound in (self.max, self.min):
            if bound is not None and not (isfinite(bound) and bound > 0):
                raise RenaError(f"constraint on {self.entry}: bound {bound} must be above 0")
        if self.max is not None and self.min is not None and self.min > self.max:
            raise RenaError(f"constraint on {self.entry}: min {self.min} is above max {self.max}")
        if self.penalty != "hard" and not 0 < self.penalty <= 1:
            raise RenaError(
                f"constraint on {self.entry}: penalty {self.penalty} must be 'hard' or in (0, 1]"
            )

    def exceeded(self, profile: Mapping[str, float]) -> bool:
        """Whether the upper bound is, if there is one."""
        return self.max is not None and profile[self.entry] > self.max

    @property
    def hard(self) -> bool:
        """Whether a network that breaks the bound is never trained."""
        return self.penalty == "hard"

    def violation(self, profile: Mapping[str, float]) -> float:
        """By how much of itself the bound is broken: max(0, U/C - 1), or max(0, C/U - 1).

        (RENA, reward; the exponent of the base penalty.)
        """
        use = profile[self.entry]
        over = 0.0 if self.max is None else max(0.0, use / self.max - 1)
        if self.min is None or use >= self.min:
            return over
        return self.min / use - 1 if use > 0 else UNBOUNDED_VIOLATION

    def __str__(self) -> str:
        lower = "" if self.min is None else f"{readable(self.min)} <= "
        upper = "" if self.max is None else f" <= {readable(self.max)}"
        return f"{lower}{self.entry}{upper}"


@dataclass(frozen=True)
class Objective:
    """The reward of a child from its accuracy and its profile.

    Attributes:
        constraints: The bounds.
        failure_reward: The reward of a child that failed to train.
    """

    # A tuple, since jsonargparse fills up an item of a list from the one that it replaces.
    constraints: tuple[Constraint, ...] = ()
    failure_reward: float = 0.0

    def __post_init__(self) -> None:
        if not is_number(self.failure_reward):
            raise RenaError(f"objective.failure_reward: {self.failure_reward} is no finite number")
        entries = [constraint.entry for constraint in self.constraints]
        for entry in entries:
            if entries.count(entry) > 1:
                raise RenaError(f"two constraints on {entry}: give its min and max in one")

    def check(self, entries: Sequence[str]) -> None:
        """Raise a `RenaError` if a bound is on something else than the `entries` of profiles."""
        for constraint in self.constraints:
            if constraint.entry not in entries:
                raise RenaError(
                    f"unknown constraint entry '{constraint.entry}'; known are {', '.join(entries)}"
                )

    def hard_violation(self, profile: Mapping[str, float]) -> float:
        """The sum of the violations of the hard bounds on what the profile holds."""
        return sum(constraint.violation(profile) for constraint in self.broken(profile))

    def feasible(self, profile: Mapping[str, float]) -> bool:
        """Whether every hard bound is kept, so that the network may be trained."""
        return self.hard_violation(profile) == 0

    def broken(self, profile: Mapping[str, float]) -> list[Constraint]:
        """The hard bounds that are not kept, of those on what the profile holds."""
        return [
            c for c in self.constraints if c.hard and c.entry in profile and c.violation(profile)
        ]

    def meets_all(self, profile: Mapping[str, float]) -> bool:
        """Whether every bound is kept, hard or soft."""
        return all(constraint.violation(profile) == 0 for constraint in self.constraints)

    def reward(self, accuracy: float, profile: Mapping[str, float]) -> float:
        """R = accuracy x product of p^v over the soft bounds (RENA, reward).

        A network that breaks a hard bound, where p is 0, gets the negative of its violation, but
        at least -1: it was not trained, and the policy still sees which way leads inside.
        """
        broken = self.hard_violation(profile)
        return infeasible_reward(broken) if broken else self.softened(accuracy, profile)

    def softened(self, accuracy: float, profile: Mapping[str, float]) -> float:
        """The reward as if there were only the soft bounds; a metric below 0 counts as 0."""
        reward = max(0.0, accuracy)  # a penalty would make less than nothing more
        for constraint in self.constraints:
            if constraint.penalty != "hard":
                reward *= constraint.penalty ** constraint.violation(profile)
        return reward


def infeasible_reward(violation: float) -> float:
    """The reward of a network that breaks hard bounds by so much in sum."""
    return -min(1.0, violation)

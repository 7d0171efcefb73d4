"""One child's outcome, as immutable data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from rena_pl.architecture import Architecture
from rena_pl.checks import LARGEST, is_number
from rena_pl.errors import RenaError
from rena_pl.hashing import short_hash

Status = Literal["done", "failed", "infeasible"]
Part = Literal["start", "child", "full"]
"""The start network, a child of the search, or a training in full at the end."""
Place = tuple[int, int, int]
"""(update, episode, step): where in the search an evaluation was asked for first."""
START: Place = (-1, 0, 0)
FINAL = 1_000_000_000
"""The number that stands for the update in the place of a full training, after every real one."""


def part_of(place: Place) -> Part:
    """The part of a search that a place is in."""
    if place == START:
        return "start"
    return "full" if place[0] == FINAL else "child"


@dataclass(frozen=True)
class Candidate:
    """A child to be evaluated.

    Attributes:
        architecture: Its network.
        parent: Key of the evaluation that it was made of; none if it was made of nothing.
        budget: Training, in child-epochs.
        place: Where in the search it was asked for.
        heir: Whether it inherits its parent's weights; else it starts from scratch.
        rung: How often before it was among the better half of its wave, and was trained so.
    """

    architecture: Architecture
    parent: str | None
    budget: int
    place: Place
    heir: bool = True
    rung: int = 0

    @property
    def inherits_from(self) -> str | None:
        """Key of the evaluation whose weights it inherits; none to start from scratch."""
        return self.parent if self.heir else None

    def key(self, setting: str) -> str:
        """The evaluation's name: 16 hex digits of all that decides its outcome.

        Args:
            setting: What is the same for all children of a search: seed, task, recipe.
        """
        return short_hash([self.architecture.arch_id, self.inherits_from, self.budget, setting])

    def seed(self, setting: str) -> int:
        """Of initialisation and training: the same for all heirs of a parent.

        They see the same examples in the same order and views, so that what sets them apart is
        the network. From-scratch trainings of the same length share theirs too.
        """
        return int(short_hash([self.inherits_from, self.budget, setting])[:8], 16)


@dataclass(frozen=True)
class Evaluation:
    """What became of a candidate.

    Attributes:
        key: Its name, see `Candidate.key`.
        architecture: Its network.
        parent: Key of the evaluation that it was made of, and whose weights it may have inherited.
        budget: Child-epochs it was given; 0 if it was not trained.
        place: Where in the search it was asked for first.
        rung: How often it was trained before in that place; in the ledger, its parent is then
            itself.
        profile: Its resource use.
        status: `done`, `failed` while training, or `infeasible` by a hard bound and not trained.
        accuracy: The metric on the validation split, a fraction; none unless done.
        reward: What the policy gets for it.
        reason: Why it failed or is infeasible.
        seed: Of its initialisation and training.
        inherited: How many of its layers took over weights.
        trained: Child-epochs that its weights have had, those of its ancestors included.
        seconds: What it cost.
    """

    key: str
    architecture: Architecture
    parent: str | None
    budget: int
    place: Place
    profile: dict[str, float]
    status: Status
    accuracy: float | None
    reward: float
    reason: str = ""
    seed: int = 0
    inherited: int = 0
    trained: int = 0
    rung: int = 0
    seconds: float = field(default=0.0, compare=False)

    @property
    def part(self) -> Part:
        """The part of the search that it is of."""
        return part_of(self.place)

    @property
    def from_scratch(self) -> bool:
        """Whether its weights began at random ones, not at those of an ancestor."""
        return self.trained == self.budget

    @property
    def turn(self) -> tuple[int, int, int, int]:
        """When in the search it was asked for: by update, step, rung and episode.

        The episodes of an update take each step side by side.
        """
        update, episode, step = self.place
        return update, step, self.rung, episode

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as the ledger keeps them."""
        return {
            **asdict(self),
            "architecture": self.architecture.to_json(),
            "arch_id": self.architecture.arch_id,
            "place": list(self.place),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Evaluation:
        """Read back what `as_dict` wrote.

        Raises:
            RenaError: It is something else; the sentence names the entry.
        """
        known = {item.name: values[item.name] for item in fields(cls) if item.name in values}
        for name, is_sound in CHECKS.items():
            if not is_sound(known.get(name)):
                raise RenaError(f"{name} is {str(known.get(name, 'missing'))[:100]!r}")
        if known["status"] == "done" and known["accuracy"] is None:
            raise RenaError("it is done without an accuracy")
        update, episode, step = known["place"]
        return cls(
            **{
                **known,
                "architecture": Architecture.from_json(known["architecture"]),
                "place": (update, episode, step),
            }
        )


def _is_key(value: Any) -> bool:
    """Keys become names of files, so nothing else may pass for one."""
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{16}", value) is not None


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST


def _is_profile(value: Any) -> bool:
    return isinstance(value, dict) and all(map(is_number, value.values()))


def _is_place(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(type(n) is int and -1 <= n <= FINAL for n in value)
    )


CHECKS: dict[str, Callable[[Any], bool]] = {
    "key": _is_key,
    "architecture": lambda value: isinstance(value, str),
    "parent": lambda value: value is None or _is_key(value),
    "budget": _is_count,
    "place": _is_place,
    "profile": _is_profile,
    "status": lambda value: isinstance(value, str) and value in get_args(Status),
    "accuracy": lambda value: value is None or is_number(value),
    "reward": is_number,
    "reason": lambda value: isinstance(value, str),
    "seed": _is_count,
    "inherited": _is_count,
    "trained": _is_count,
    "rung": _is_count,
    "seconds": is_number,
}
"""What the entries of an evaluation that is read from a file must be like."""

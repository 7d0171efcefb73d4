"""What a searcher is: it is asked for architectures and told what became of them."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

from rena_pl.architecture import Architecture
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import START, Candidate, Evaluation
from rena_pl.objective import Objective
from rena_pl.resources.resources import Resources
from rena_pl.space.search_space import SearchSpace

TRIES = 2000
"""How often something is drawn anew until it keeps the hard bounds and is new."""


RARE = 0.01
"""Of the rows of a table: if less of them are feasible, these are drawn from."""


@dataclass(frozen=True)
class Proposal:
    """An architecture that a searcher wants to see evaluated.

    Attributes:
        architecture: It keeps the hard bounds, except the last draws of `paper`.
        parent: Key of the evaluation that it is made of, and inherits from where a search inherits.
    """

    architecture: Architecture
    parent: str | None = None


def by_reward(evaluation: Evaluation) -> tuple[bool, float]:
    """What to go by in choosing the best: nothing can be inherited of one that failed."""
    return evaluation.status == "done", evaluation.reward


@dataclass(frozen=True)
class Ground:
    """Where a search takes place, and what is known of it before any training.

    Attributes:
        space: What may be built.
        objective: Bounds and reward.
        resources: What every architecture needs.
        start: The network that the search starts from; none where there is no such thing.
        seed: Of everything random.
        ancestor: Key of the evaluation of an earlier search that the start network inherits from.
        inherits: Whether children start from their parents' weights.
        past: What an earlier search of the same task and space trained, whatever its bounds were.
    """

    space: SearchSpace
    objective: Objective
    resources: Resources
    start: Architecture | None = None
    seed: int = 0
    ancestor: str | None = None
    inherits: bool = True
    past: Sequence[Evaluation] = ()

    @property
    def on_table(self) -> bool:
        """Whether architectures are rows of a table, and not networks grown from a start."""
        return self.start is None

    def start_candidate(self, epochs: int) -> Candidate | None:
        """The start network as it is trained before the first update, if there is one."""
        if self.start is None:
            return None
        return Candidate(self.start, self.ancestor, epochs, START, self.inherits)

    def violation(self, architecture: Architecture) -> float:
        """By how much an architecture breaks the hard bounds.

        Nothing is measured of one that already breaks those on what is counted.
        """
        counted = self.resources.counted
        broken = self.objective.hard_violation(counted.profile(architecture))
        if broken or counted is self.resources:
            return broken
        return self.objective.hard_violation(self.resources.profile(architecture))

    def feasible(self, architecture: Architecture) -> bool:
        """Whether it exists and keeps the hard bounds, so that it may be trained."""
        return self.space.holds(architecture) and self.violation(architecture) == 0

    def draw(self, rng: random.Random) -> Architecture:
        """A feasible architecture.

        Raises:
            RenaError: None was found.
        """
        if 0 < len(self.listed) < RARE * len(self.space.listed):
            return rng.choice(self.listed)
        for _ in range(TRIES):
            architecture = self.space.draw(self.start, rng)
            if self.feasible(architecture):
                return architecture
        if self.listed:
            return rng.choice(self.listed)
        raise RenaError(f"none of {TRIES} random architectures keeps the hard bounds")

    @cached_property
    def listed(self) -> list[Architecture]:
        """All feasible architectures of a table; none of a space of networks."""
        return [one for one in self.space.listed if self.feasible(one)]

    def changed(self, architecture: Architecture, rng: random.Random) -> Architecture | None:
        """A feasible architecture that is one random action away; none if none was found."""
        for _ in range(TRIES):
            near = self.space.random_action(architecture, rng).apply(architecture)
            if self.feasible(near):
                return near
        return None


class Searcher(ABC):
    """Asks for architectures to be evaluated, and learns from what it is told.

    The same answers lead to the same questions: a search that was killed is asked again, and told
    what stands in its ledger, until it is where it was.

    Args:
        ground: Where it searches.
    """

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.rng = random.Random(ground.seed)
        self.seen: list[Evaluation] = []
        self.known: dict[Architecture, Evaluation] = {}
        """The best evaluation of every architecture."""
        self.figures: dict[str, float] = {}
        """What is worth logging of the last time."""

    @property
    def waves(self) -> int:
        """How often it is asked and told in one update."""
        return 1

    @abstractmethod
    def ask(self, count: int) -> list[Proposal]:
        """Up to `count` architectures to evaluate next."""

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """What became of all that was asked for, in order; the start network comes by itself."""
        self.seen += evaluations
        for evaluation in evaluations:
            before = self.known.get(evaluation.architecture)
            if before is None or before.reward <= evaluation.reward:
                self.known[evaluation.architecture] = evaluation

    @property
    def best(self) -> Evaluation:
        """The best that was trained with success, else of all; the earliest of equals."""
        return max(self.known.values(), key=by_reward)

    @property
    def trained(self) -> list[Evaluation]:
        """Those of `known` that were trained with success."""
        return [evaluation for evaluation in self.known.values() if evaluation.status == "done"]

    def parents(self, evaluations: Sequence[Evaluation]) -> set[str]:
        """Keys of the evaluations, of all there are, whose weights may still be asked for."""
        return {evaluation.key for evaluation in evaluations}

    def fresh(self, taken: Sequence[Proposal] = ()) -> Architecture:
        """A random feasible architecture, new if one is found."""
        asked = {proposal.architecture for proposal in taken}
        for _ in range(TRIES):
            architecture = self.ground.draw(self.rng)
            if architecture not in self.known and architecture not in asked:
                return architecture
        left = [one for one in self.ground.listed if one not in self.known and one not in asked]
        return self.rng.choice(left) if left else architecture

    def somewhere(self, taken: Sequence[Proposal] = ()) -> Proposal:
        """Any architecture that is new."""
        architecture = self.fresh(taken)
        return Proposal(architecture, self.nearest(architecture))

    def heir(self, architecture: Architecture, parent: Evaluation | None) -> Proposal:
        """An architecture that is made of `parent`; on a table, of nothing."""
        if parent is None or self.ground.on_table:
            return Proposal(architecture)
        return Proposal(architecture, parent.key)

    def nearest(self, architecture: Architecture) -> str | None:
        """The trained network that has the most layers in common, as a parent."""
        trained = self.trained
        if not trained or self.ground.on_table or not self.ground.inherits:
            return None
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(list(map(str, architecture.layers)))

        def likeness(evaluation: Evaluation) -> float:
            matcher.set_seq1(list(map(str, evaluation.architecture.layers)))
            return matcher.ratio()

        return max(trained, key=likeness).key


class OneByOne(Searcher):
    """A searcher that chooses one architecture after the other."""

    def ask(self, count: int) -> list[Proposal]:
        """`count` of them."""
        proposals: list[Proposal] = []
        for _ in range(count):
            proposals.append(self.choose(proposals))
        return proposals

    @abstractmethod
    def choose(self, taken: Sequence[Proposal]) -> Proposal:
        """The next one, with what was chosen before it and is not evaluated yet."""

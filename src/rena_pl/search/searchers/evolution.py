"""Regularised evolution (Real et al., arXiv 1802.01548)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.search.searchers.searcher import Ground, OneByOne, Proposal

POPULATION = 20
SAMPLE = 5


class Evolution(OneByOne):
    """The best of a random sample of the population has a child; the oldest member dies.

    Args:
        ground: Where it searches.
        population: How many live at once.
        sample: Of how many the best becomes a parent.
    """

    def __init__(self, ground: Ground, population: int = POPULATION, sample: int = SAMPLE) -> None:
        super().__init__(ground)
        self.population: deque[Evaluation] = deque(maxlen=population)
        self.sample = sample
        self.unborn = population
        """How many members are still to be drawn at random."""

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """The new ones join the population."""
        super().tell(evaluations)
        self.population.extend(e for e in evaluations if e.status == "done")

    def choose(self, taken: Sequence[Proposal]) -> Proposal:
        """A random one until the population is full, a child afterwards."""
        if self.unborn > 0 or not self.population:
            self.unborn -= 1
            return self.somewhere(taken)
        asked = {proposal.architecture for proposal in taken}
        for _ in range(100):
            sample = self.rng.sample(self.population, min(self.sample, len(self.population)))
            parent = max(sample, key=lambda evaluation: evaluation.reward)
            child = self.ground.changed(parent.architecture, self.rng)
            if child is not None and child not in asked:
                known = self.known.get(child)
                if known is None:
                    return self.heir(child, parent)
                if known.status == "done":
                    self.population.append(known)  # it joins without another training
        return self.somewhere(taken)

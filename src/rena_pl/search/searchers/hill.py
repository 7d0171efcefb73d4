"""Hill climbing by network morphisms (Elsken et al., arXiv 1711.04528), with restarts."""

from __future__ import annotations

from collections.abc import Sequence

from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.search.searchers.searcher import Ground, OneByOne, Proposal

PATIENCE = 20


class HillClimbing(OneByOne):
    """Tries neighbours of where it stands, and moves to one that is better.

    Args:
        ground: Where it searches.
        patience: After so many neighbours that are no better it starts from somewhere else.
    """

    def __init__(self, ground: Ground, patience: int = PATIENCE) -> None:
        super().__init__(ground)
        self.patience = patience
        self.here: Evaluation | None = None
        self.failures = 0

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Move where it is better."""
        super().tell(evaluations)
        stood = self.here is not None  # else all of them are random
        for evaluation in evaluations:
            better = self.here is None or evaluation.reward > self.here.reward
            if better and evaluation.status == "done":
                self.here, self.failures = evaluation, 0
            else:
                self.failures += stood
        if self.failures >= self.patience:
            self.here, self.failures = None, 0

    def choose(self, taken: Sequence[Proposal]) -> Proposal:
        """A neighbour that was not evaluated before; somewhere else where there is none."""
        if self.here is not None:
            asked = {proposal.architecture for proposal in taken}
            for _ in range(100):
                near = self.ground.changed(self.here.architecture, self.rng)
                if near is not None and near not in self.known and near not in asked:
                    return self.heir(near, self.here)
        return self.somewhere(taken)

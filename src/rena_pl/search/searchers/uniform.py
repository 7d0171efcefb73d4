"""Random search."""

from __future__ import annotations

from rena_pl.search.searchers.searcher import Proposal, Searcher


class RandomSearch(Searcher):
    """Proposes random feasible architectures.

    In a space of networks they are a few random actions away from the start network.
    """

    def ask(self, count: int) -> list[Proposal]:
        """Any that were not evaluated before."""
        proposals: list[Proposal] = []
        for _ in range(count):
            architecture = self.fresh(proposals)
            proposals.append(Proposal(architecture, self.nearest(architecture)))
        return proposals

"""Random search."""

from __future__ import annotations

from collections.abc import Sequence

from rena_pl.search.searchers.searcher import OneByOne, Proposal


class RandomSearch(OneByOne):
    """Proposes random feasible architectures that were not evaluated before.

    In a space of networks they are a few random actions away from the start network.
    """

    def choose(self, taken: Sequence[Proposal]) -> Proposal:
        """Any."""
        return self.somewhere(taken)

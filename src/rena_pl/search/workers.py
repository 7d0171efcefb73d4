"""How the workers of a search share out the children of a wave."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from lightning.pytorch import Trainer

from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import Candidate, Evaluation
from rena_pl.evaluation.evaluator import Evaluator
from rena_pl.hashing import short_hash
from rena_pl.search.claims import Claims

SLOWEST_FOLDER = 60.0
"""Seconds in which what one worker wrote is seen by every other."""


class Workers:
    """All workers of a search, of whom this is one.

    A worker writes what it trained into the ledger, and reads there what the others did.

    Args:
        trainer: Of this worker, its process group set up.
        evaluator: Evaluates a candidate, and writes it into the ledger.
        on_progress: Called after every child that this worker evaluated, and at the end of a wave.
    """

    def __init__(
        self, trainer: Trainer, evaluator: Evaluator, on_progress: Callable[[], None]
    ) -> None:
        self.trainer = trainer
        self.evaluator = evaluator
        self.on_progress = on_progress
        self.claims = Claims(trainer)

    def evaluate_all(self, candidates: Sequence[Candidate]) -> list[Evaluation]:
        """Evaluate candidates, each on the next worker that is free, the costliest first.

        Raises:
            RenaError: The workers propose different children, or do not see each other's.
        """
        new = {
            candidate.key(self.evaluator.setting): candidate
            for candidate in reversed(candidates)
            if self.evaluator.find(candidate) is None
        }
        by_cost = sorted(new, key=lambda key: (-self._cost(new[key]), new[key].place))
        self._check_agreement(by_cost)
        for number in self.claims.share_of(len(by_cost)):
            self.evaluator.evaluate(new[by_cost[number]])
            self.on_progress()
        self.trainer.strategy.barrier("children")
        self.on_progress()
        recorded = [self._recorded(candidate) for candidate in candidates]
        # Or one that went on might add to the ledger what another has not proposed yet.
        self.trainer.strategy.barrier("seen")
        return recorded

    def _cost(self, candidate: Candidate) -> float:
        """What a child is expected to take, in a unit of its own; all alike where it is unknown."""
        use = self.evaluator.resources.profile(candidate.architecture)
        return use.get("macs", 0.0) * candidate.budget

    def _check_agreement(self, keys: list[str]) -> None:
        """Every worker runs the same searcher; they must have come to the same children."""
        ours = short_hash(keys)
        if self.trainer.strategy.broadcast(ours) != ours:
            raise RenaError(
                f"worker {self.trainer.global_rank} proposes other children than worker 0: their "
                "software, machines or files differ"
            )

    def _recorded(self, candidate: Candidate) -> Evaluation:
        """What a worker wrote of a candidate; it is there, but a shared folder may be slow."""
        patience = time.monotonic() + SLOWEST_FOLDER
        while (found := self.evaluator.find(candidate)) is None:
            if time.monotonic() > patience:
                raise RenaError(
                    f"worker {self.trainer.global_rank} does not see in "
                    f"{self.trainer.default_root_dir} what the others trained: it must be a folder "
                    "that all of them share"
                )
            time.sleep(0.1)
            self.evaluator.ledger.refresh()
        return found

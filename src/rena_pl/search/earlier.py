"""What a search takes over from an earlier one of the same task, whose bounds may have differed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor, nn

from rena_pl.architecture import Architecture
from rena_pl.child.data import stated_shapes
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.ledger import JOURNAL, in_order, read_journal
from rena_pl.evaluation.waves import last_rungs
from rena_pl.evaluation.weights import load_weights
from rena_pl.hashing import short_hash
from rena_pl.network.build import build
from rena_pl.search.checkpoint import CHECKPOINTS, LAST, read_checkpoint
from rena_pl.search.final import ARCHITECTURE, WEIGHTS, full_training
from rena_pl.search.policy.policy import Policy
from rena_pl.search.same_task import difference
from rena_pl.search.searchers.searcher import Ground
from rena_pl.search.summary import Summary, read_summary
from rena_pl.space.search_space import SearchSpace
from rena_pl.tabular import Table

POLICY = "policy."
"""What the names of a policy's parts begin with in a checkpoint."""


@dataclass(frozen=True)
class Earlier:
    """A search as another one uses it.

    Attributes:
        folder: Where it was run.
        trained: Its evaluations with an accuracy, in order.
        policy: The policy's state; empty where there was no policy.
        best: The full training that it ended with; none if it did not come to its end.
        weights: Those of the best.
        summary: What it came to; none if it did not come to its end.
    """

    folder: Path
    trained: list[Evaluation]
    policy: dict[str, Tensor]
    best: Evaluation | None = None
    weights: dict[str, Tensor] = field(default_factory=dict)
    summary: Summary | None = None

    @property
    def key(self) -> str:
        """What sets it apart from others: that of its best, or if it is not at its end, of all."""
        return self.best.key if self.best else short_hash([e.key for e in self.trained])

    def network(self, task: LightningDataModule, metric: str) -> nn.Module | None:
        """The best network as it was trained, in evaluation mode, if there is one.

        Raises:
            RenaError: It is for another task, or was found by another metric.
        """
        if self.best is None or self.summary is None or isinstance(task, Table):
            return None
        another = difference(task, self.summary)
        if another is not None:
            raise self._another_task(another)
        if self.summary.metric != metric:
            raise self._another_task(f"its metric is {self.summary.metric}, not {metric}")
        try:
            network = build(self.best.architecture, *stated_shapes(task)).eval()
            network.load_state_dict(self.weights)
        except (RenaError, RuntimeError) as error:
            raise self._another_task(" ".join(str(error).split())[:200]) from None
        return network

    def ancestor(self, space: SearchSpace | None, task: LightningDataModule) -> Evaluation | None:
        """The best network, for the start network of another search to inherit from.

        None if it could not be a start network of that space.
        """
        if self.best is None or space is None:
            return None
        return self.best if _is_of(space, self.best.architecture, task) else None

    def is_too_large(self, ground: Ground) -> bool:
        """Whether the best network exceeds an upper bound, so that others may learn from it."""
        if self.best is None:
            return False
        use = ground.resources.profile(self.best.architecture)
        return any(constraint.exceeded(use) for constraint in ground.objective.constraints)

    def known(self, ground: Ground, task: LightningDataModule) -> list[Evaluation]:
        """What was trained, as far as it could have been in that space, and on that task, too."""
        if isinstance(task, Table):
            return [e for e in self.trained if task.has(e.architecture)]
        return [
            e
            for e in self.trained
            if _is_of(ground.space, e.architecture, task)
            and ground.resources.counted.profile(e.architecture)["macs"] == e.profile["macs"]
        ]

    def _another_task(self, reason: str) -> RenaError:
        return RenaError(
            f"model.init_from: the best network of {self.folder} is for another task: {reason}"
        )

    def hand_on_policy(self, policy: Policy) -> None:
        """Let a policy begin as this one ended, if it is for the same space and resources."""
        own = policy.state_dict()
        given = {**self.policy, "baseline": own["baseline"], "begun": own["begun"]}
        alike = given.keys() == own.keys() and all(own[n].shape == given[n].shape for n in own)
        if alike and torch.equal(given["words"], own["words"]):
            policy.load_state_dict(given)
        else:
            warnings.warn(
                f"{self.folder}: its policy is of another kind or space, so this one begins anew",
                stacklevel=2,
            )


def read_earlier(folder: Path) -> Earlier:
    """Read a run folder.

    Raises:
        RenaError: It holds no search that can be read, or none that trained anything.
    """
    journal = folder / JOURNAL
    if not journal.is_file():
        raise RenaError(f"model.init_from: {folder} holds no {JOURNAL} of a search")
    evaluations = in_order(read_journal(journal))
    in_full = [e for e in evaluations if e.part == "full"]  # their places may be taken twice
    searched = last_rungs(e for e in evaluations if e.part != "full")
    trained = [e for e in (*searched, *in_full) if e.accuracy is not None]
    if not trained:
        raise RenaError(f"model.init_from: nothing was trained in {folder}")
    checkpoint = folder / CHECKPOINTS / LAST
    state = read_checkpoint(checkpoint).get("state_dict", {}) if checkpoint.is_file() else {}
    policy = {
        name.removeprefix(POLICY): values
        for name, values in state.items()
        if name.startswith(POLICY) and isinstance(values, torch.Tensor)
    }
    summary = read_summary(folder)
    if summary is None:
        return Earlier(folder, trained, policy)
    architecture = Architecture.load(folder / ARCHITECTURE)
    best = full_training(trained, architecture.arch_id)
    if best is None:
        raise RenaError(f"model.init_from: {folder / ARCHITECTURE} is not of that search")
    return Earlier(folder, trained, policy, best, load_weights(folder / WEIGHTS), summary)


def _is_of(space: SearchSpace, architecture: Architecture, task: LightningDataModule) -> bool:
    try:
        space.check(architecture, stated_shapes(task)[0])
    except RenaError:
        return False
    return True

"""What a search takes over from an earlier one of the same task, whose bounds may have differed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor, nn

from rena_pl.architecture import Architecture
from rena_pl.child.data import class_names, stated_shapes
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.ledger import JOURNAL, in_order, read_journal
from rena_pl.evaluation.waves import last_rungs
from rena_pl.evaluation.weights import load_weights
from rena_pl.network.build import build
from rena_pl.search.checkpoint import CHECKPOINTS, LAST, read_checkpoint
from rena_pl.search.final import ARCHITECTURE, WEIGHTS
from rena_pl.search.policy import Policy
from rena_pl.search.searchers.searcher import Ground
from rena_pl.search.summary import read_summary
from rena_pl.space.search_space import SearchSpace

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
        labels: The classes.
    """

    folder: Path
    trained: list[Evaluation]
    policy: dict[str, Tensor]
    best: Evaluation | None
    weights: dict[str, Tensor]
    labels: list[str]

    def ancestor(self, space: SearchSpace | None, task: LightningDataModule) -> Evaluation | None:
        """The best network, for the start network of another search to inherit from.

        None if it is no network of that space.

        Raises:
            RenaError: It is for another task.
        """
        if self.best is None or space is None:
            return None
        self._network(task)
        return self.best if _is_of(space, self.best.architecture, task) else None

    def teacher(self, ground: Ground, task: LightningDataModule) -> nn.Module | None:
        """The best network, to learn from, if it is too large for the bounds.

        Raises:
            RenaError: It is for another task.
        """
        if self.best is None or ground.start is None:
            return None
        network = self._network(task)
        return network if ground.violation(self.best.architecture) > 0 else None

    def known(self, ground: Ground, task: LightningDataModule) -> list[Evaluation]:
        """What was trained, as far as it is of that space too."""
        if ground.start is None:
            return self.trained
        return [e for e in self.trained if _is_of(ground.space, e.architecture, task)]

    def _network(self, task: LightningDataModule) -> nn.Module:
        """The best network as it was trained, in evaluation mode.

        Raises:
            RenaError: It is for another task.
        """
        assert self.best is not None
        shape, classes = stated_shapes(task)
        try:
            network = build(self.best.architecture, shape, classes).eval()
            network.load_state_dict(self.weights)
        except (RenaError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise RenaError(
                f"model.init_from: the best network of {self.folder} is for another task: {reason}"
            ) from None
        if class_names(task) != self.labels:
            raise RenaError(f"model.init_from: the classes of {self.folder} are {self.labels}")
        return network

    def teach(self, policy: Policy) -> None:
        """Let a policy begin as this one ended, if it is for the same space and resources."""
        state = {**self.policy, "baseline": policy.baseline, "begun": policy.begun}
        try:
            policy.load_state_dict(state)
        except RuntimeError:  # parts are missing, or of another size
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
    evaluations = last_rungs(in_order(read_journal(journal)))
    trained = [e for e in evaluations if e.accuracy is not None]
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
        return Earlier(folder, trained, policy, None, {}, [])
    architecture = Architecture.load(folder / ARCHITECTURE)
    # The start network's first training may be its full one.
    alone = [e for e in trained if e.parent is None and e.architecture == architecture]
    if not alone:
        raise RenaError(f"model.init_from: {folder / ARCHITECTURE} is not of that search")
    best = max(alone, key=lambda evaluation: evaluation.budget)
    return Earlier(folder, trained, policy, best, load_weights(folder / WEIGHTS), summary.labels)


def _is_of(space: SearchSpace, architecture: Architecture, task: LightningDataModule) -> bool:
    try:
        space.check(architecture, stated_shapes(task)[0])
    except RenaError:
        return False
    return True

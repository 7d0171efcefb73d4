"""From a candidate to an evaluation: ledger, profile, bounds, inheritance, training, record."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor, nn

from rena_pl.child.data import ChildData, child_data, examples, stated_shapes
from rena_pl.child.fit import predict, train
from rena_pl.child.metric import measured
from rena_pl.child.module import Child, Recipe
from rena_pl.child.teaching import TaughtData
from rena_pl.errors import RenaError, StorageError
from rena_pl.evaluation.evaluation import Candidate, Evaluation, part_of
from rena_pl.evaluation.interrupts import interrupts_kept
from rena_pl.evaluation.ledger import Ledger
from rena_pl.evaluation.weights import WeightStore
from rena_pl.network.morphism import morph
from rena_pl.numbers import readable
from rena_pl.objective import Objective
from rena_pl.resources.resources import Resources

SAMPLE = 256
"""Examples on which an heir is fitted to its parent."""


@dataclass(frozen=True)
class Scored:
    """What training a child brought: the metric on the validation split, and layers inherited."""

    accuracy: float
    inherited: int = 0


class Scorer(Protocol):
    """Whatever turns a feasible candidate into an accuracy."""

    def __call__(
        self, candidate: Candidate, key: str, seed: int, parent: Evaluation | None
    ) -> Scored:
        """Score a candidate.

        Raises:
            Exception: Any; the candidate is then recorded as failed.
        """


class Evaluator:
    """Evaluates candidates, each at most once.

    Args:
        resources: Gives profiles.
        objective: Bounds and reward.
        ledger: Where evaluations are found and recorded.
        scorer: What trains a feasible candidate.
        setting: Everything besides the candidate that decides an outcome: seed, task, recipe.
        ancestor: An evaluation of an earlier search that candidates may inherit from.
    """

    def __init__(
        self,
        resources: Resources,
        objective: Objective,
        ledger: Ledger,
        scorer: Scorer,
        setting: str,
        ancestor: Evaluation | None = None,
    ) -> None:
        self.resources = resources
        self.objective = objective
        self.ledger = ledger
        self.scorer = scorer
        self.setting = setting
        self.ancestor = ancestor

    def find(self, candidate: Candidate) -> Evaluation | None:
        """The evaluation of a candidate, if there is one."""
        return self.ledger.find(candidate.key(self.setting))

    def evaluate(self, candidate: Candidate) -> Evaluation:
        """The evaluation of a candidate: from the ledger, or new and recorded there.

        A candidate that breaks a hard bound is recorded without training. One that fails to train,
        for whatever reason, is recorded with it.

        Raises:
            KeyboardInterrupt: It was interrupted, whatever the child made of that. In this and the
                next case nothing is recorded, so that it can be tried again.
            RenaError: The start network fails, or something besides the child.
            StorageError: What came of it cannot be written.
        """
        key = candidate.key(self.setting)
        found = self.ledger.find(key)
        if found is not None:
            return found
        with interrupts_kept():
            evaluation = self._outcome(candidate, key)
        if evaluation.status == "failed" and evaluation.part == "start":
            raise RenaError(f"the start network cannot be trained: {evaluation.reason}")
        self.ledger.record(evaluation)
        return evaluation

    def _parent(self, key: str) -> Evaluation | None:
        if self.ancestor is not None and self.ancestor.key == key:
            return self.ancestor
        return self.ledger.find(key)

    def _outcome(self, candidate: Candidate, key: str) -> Evaluation:
        use = self.resources.profile(candidate.architecture)
        broken = self.objective.broken(use)
        outcome = Evaluation(
            key=key,
            architecture=candidate.architecture,
            parent=candidate.parent,
            budget=0,
            place=candidate.place,
            rung=candidate.rung,
            profile=use,
            status="infeasible",
            accuracy=None,
            reward=self.objective.reward(0.0, use),
            reason="; ".join(f"{c} is broken by {readable(use[c.entry])}" for c in broken),
            seed=candidate.seed(self.setting),
        )
        if broken:
            return outcome
        started = time.monotonic()
        trained = replace(outcome, budget=candidate.budget)
        parent = None if candidate.inherits_from is None else self._parent(candidate.inherits_from)
        try:
            scored = self.scorer(candidate, key, outcome.seed, parent)
        except StorageError:  # not the child's fault
            raise
        except (OSError, torch.AcceleratorError) as error:  # nor this: disk, data, a broken GPU
            raise RenaError(f"a child could not be trained on this machine: {error}") from error
        except Exception as error:
            # Whatever a child dies of, memory, NaN or a third party's layer, the search outlives.
            return replace(
                trained,
                status="failed",
                reward=self.objective.failure_reward,
                reason=f"{type(error).__name__}: {error}"[:1000],
                seconds=time.monotonic() - started,
            )
        return replace(
            trained,
            status="done",
            accuracy=scored.accuracy,
            reward=self.objective.reward(scored.accuracy, use),
            inherited=scored.inherited,
            trained=candidate.budget + (parent.trained if parent and scored.inherited else 0),
            seconds=time.monotonic() - started,
        )


class ChildTrainer:
    """The scorer of a real search: inherits, trains, validates, and keeps the weights.

    Args:
        task: The data, set up.
        recipe: How children are trained.
        metric: What is measured on the validation split.
        weights: Where weights are kept.
        device: Where children are trained.
        seconds: A child of the search that trains for longer fails; no limit when left out.
        teacher: A network for the same task that children learn from too.
    """

    def __init__(
        self,
        task: LightningDataModule,
        recipe: Recipe,
        metric: str,
        weights: WeightStore,
        device: torch.device,
        seconds: float | None = None,
        teacher: nn.Module | None = None,
    ) -> None:
        if device.type == "cuda":
            torch.cuda.set_device(device)  # streams and graphs are made on the current one
        self.input_shape, self.num_classes = stated_shapes(task)
        self.data: ChildData = child_data(task, device)
        if teacher is not None:
            self.data = TaughtData(self.data, teacher.to(device))
        self.recipe = recipe
        self.metric = metric
        self.weights = weights
        self.device = device
        self.seconds = seconds

    def __call__(
        self, candidate: Candidate, key: str, seed: int, parent: Evaluation | None
    ) -> Scored:
        """Train a child on the task and measure it."""
        gpu = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=gpu):  # dropout and the like draw from torch's own
            torch.manual_seed(seed)
            recipe = self.recipe if parent is None else self.recipe.inherited()
            child = Child(candidate.architecture, self.input_shape, self.num_classes, recipe)
            child.to(self.device)
            inherited = 0 if parent is None else self._inherit(child, parent)
            generator = torch.Generator(self.device).manual_seed(seed)
            seconds = self.seconds if part_of(candidate.place) == "child" else None
            train(child, self.data, candidate.budget, generator, seconds=seconds)
        accuracy = self.measure(child, "val")
        self.weights.save(key, child.network.state_dict())
        return Scored(accuracy, inherited)

    def measure(self, child: Child, split: str) -> float:
        """The metric of a child on `val` or `test`."""
        predicted, true = predict(child, self.data.split(split))
        return measured(self.metric, predicted, true, self.num_classes)

    def _inherit(self, child: Child, parent: Evaluation) -> int:
        weights = self.weights.load(parent.key)
        if weights is None:
            raise StorageError(f"{self.weights.folder}: the weights of {parent.key} are gone")
        taken = morph(parent.architecture, weights, child.architecture, child.network, self._sample)
        return taken.layers

    @cached_property
    def _sample(self) -> Tensor:
        """The training examples on which heirs are fitted to their parents."""
        return examples(self.data, SAMPLE, self.device)

"""A search without training: an accuracy made up from the architecture."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningDataModule, Trainer

from rena_pl.evaluation.evaluation import START, Candidate
from rena_pl.evaluation.evaluator import Evaluator, Scored
from rena_pl.evaluation.ledger import Ledger
from rena_pl.objective import Constraint, Objective
from rena_pl.resources import NetworkResources
from rena_pl.search.budget import Budget
from rena_pl.search.controller import Controller
from rena_pl.search.searchers.rena import Imagination
from rena_pl.space import SearchSpace
from rena_pl.space.starts import rudimentary

INPUT, CLASSES = (1, 8, 16), 4


class Shapes(LightningDataModule):
    """A task that nothing is trained on."""

    input_shape = INPUT
    num_classes = CLASSES


def space() -> SearchSpace:
    return SearchSpace(
        {
            "temporal": {
                "channels": [8, 16, 32],
                "kernel": [3, 5, 9],
                "stride": [1, 2],
                "activation": ["relu", "elu", "swish"],
                "norm": ["batch", "none"],
            },
            "pool": {},
            "dense": {"units": [16, 64], "activation": ["relu", "elu", "swish"]},
        },
        max_layers=6,
    )


def objective() -> Objective:
    return Objective([Constraint("params", max=6000), Constraint("macs", max=200_000, penalty=0.5)])


def made_up_accuracy(candidate: Candidate, *_: object) -> Scored:
    """Depth helps and norms, swish and long kernels help; pooling and dense layers do not."""
    score = 0.2
    for layer in candidate.architecture.layers:
        values = layer.values
        if layer.kind == "temporal":
            score += 0.04
            score += 0.03 * (values["norm"] == "batch") + 0.03 * (values["activation"] == "swish")
            score += 0.003 * float(values["kernel"])
        else:
            score -= 0.05
    return Scored(score)


class RewardsOfUpdates(Callback):
    """Keeps the mean reward of every update, those of children seen before included."""

    def __init__(self) -> None:
        self.means: list[float] = []

    def on_train_batch_end(self, trainer, pl_module, *_) -> None:
        rewards = [child.reward for child in pl_module.evaluations]
        self.means.append(sum(rewards) / len(rewards))


def controller(seed: int, budget: Budget, imagination: Imagination | None = None) -> Controller:
    """RENA's controller on the made-up accuracy, without a model if not said otherwise."""
    how: dict[str, Any] = {"imagination": imagination} if imagination else {"searcher": "paper"}
    made = Controller(space(), objective(), budget=budget, seed=seed, **how)
    made.task, made.scorer = Shapes(), made_up_accuracy
    return made


def trainer(updates: int, folder: Path, *callbacks: Callback, **settings: Any) -> Trainer:
    return Trainer(
        max_epochs=updates,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        callbacks=list(callbacks),
        **{"enable_checkpointing": False, **settings},
    )


def policy_search(seed: int, updates: int, folder: Path, budget: Budget) -> list[float]:
    """The mean reward of every update of RENA's controller."""
    rewards = RewardsOfUpdates()
    trainer(updates, folder, rewards).fit(controller(seed, budget))
    return rewards.means


def uniform_search(seed: int, updates: int, folder: Path, budget: Budget) -> list[float]:
    """The same walks from the best so far, with uniform random legal actions."""
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(folder / "ledger.journal")
    evaluator = Evaluator(
        NetworkResources(INPUT, CLASSES), objective(), ledger, made_up_accuracy, str(seed)
    )
    best = evaluator.evaluate(Candidate(rudimentary(space()), None, 1, START))
    means = []
    for update in range(updates):
        children = []
        for episode in range(budget.episodes):
            architecture, parent = best.architecture, best
            for step in range(budget.steps):
                architecture = space().random_action(architecture, rng).apply(architecture)
                place = (update, episode, step)
                child = evaluator.evaluate(Candidate(architecture, parent.key, 1, place))
                parent = child if child.status == "done" else parent
                children.append(child)
        best = max([best, *children], key=lambda child: child.reward)
        means.append(sum(child.reward for child in children) / len(children))
    return means


def last_tenth(means: list[float]) -> float:
    """The mean reward of the last tenth of the updates."""
    last = means[-(len(means) // 10) :]
    return sum(last) / len(last)

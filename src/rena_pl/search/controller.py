"""The controller: the policy as a LightningModule, whose every epoch is one update of a search."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor
from torch.optim import Adam, Optimizer
from torch.utils.data import DataLoader

from rena_pl.architecture import Architecture
from rena_pl.child.data import stated_shapes
from rena_pl.child.fit import METRICS
from rena_pl.child.module import Recipe
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import FINAL, START, Candidate, Evaluation
from rena_pl.evaluation.evaluator import ChildTrainer, Evaluator, Scorer
from rena_pl.evaluation.ledger import Ledger, mend_journal
from rena_pl.evaluation.lineage import descendants
from rena_pl.evaluation.weights import WeightStore
from rena_pl.objective import Objective
from rena_pl.resources.profile import profile
from rena_pl.search.encoding import Encoder
from rena_pl.search.episodes import Training, Walks, episode_generator, evaluate_walks, walk
from rena_pl.search.feasible import feasible_start
from rena_pl.search.final import conclude, full_trainings, read_summary, write_outcome
from rena_pl.search.policy import Policy, PolicySize
from rena_pl.search.policy_gradient import GradientSettings, loss, returns
from rena_pl.search.setting import setting_of
from rena_pl.space.search_space import SearchSpace
from rena_pl.space.starts import RUDIMENTARY, start_architecture


@dataclass(frozen=True)
class Budget:
    """How much a search may train.

    Attributes:
        episodes: Episodes an update.
        steps: Actions, and so children, an episode.
        draws: How often an action is drawn at most, until its child keeps the hard bounds; the
            last one stays and is recorded as infeasible.
        child_epochs: Epochs a child is trained for.
        halvings: How often the better half of the children that were trained side by side, one of
            each episode, is trained for as many epochs again (successive halving).
        stop_below: A child whose reward is below this share of the best so far is left out there.
        start_epochs: Epochs the start network is trained for.
        final_epochs: Epochs of the full training at the end.
        final_candidates: How many architectures are trained in full, besides the start network.
    """

    episodes: int = 4
    steps: int = 3
    draws: int = 10
    child_epochs: int = 2
    halvings: int = 0
    stop_below: float = 0.0
    start_epochs: int = 5
    final_epochs: int = 40
    final_candidates: int = 3

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            least = 0 if name in ("halvings", "stop_below") else 1
            if value < least:
                raise RenaError(f"budget.{name} must be at least {least}, not {value}")

    @property
    def training(self) -> Training:
        """How much the children of an update are trained."""
        return Training(self.child_epochs, self.halvings, self.stop_below)

    @property
    def full_trainings(self) -> int:
        """How many are to come at the end: of the start network too, unless it had its own."""
        return self.final_candidates + (self.start_epochs != self.final_epochs)


class Controller(LightningModule):
    """Searches: samples episodes, has their children evaluated, and learns from the rewards.

    One epoch of the Trainer is one update, so `trainer.max_epochs` is the number of updates. The
    Trainer's loop runs over episode numbers; the task is what the children are trained on.

    Args:
        space: What may be built.
        objective: The bounds.
        start: The network to start from: an architecture file, a published network by its name
            (bc_resnet_1, bc_resnet_2, ds_cnn_s, tc_resnet8, resnet20, nasnet_like), or
            `rudimentary`, the fewest layers that the space allows, of the first type that it lists
            and that is no merge, with the first of each choice.
        budget: How much is trained.
        child: How children are trained.
        inherit: Whether a child starts from its parent's weights.
        metric: `accuracy`, or `balanced_accuracy`, its mean over the classes.
        gradient: How the policy learns.
        policy: What the policy network is like.
        ledger: URL of an Optuna storage to keep the ledger in, as a study of the run folder's
            name; a journal file in the run folder when left out.
        seed: Of everything random in the search.
    """

    baseline: Tensor

    def __init__(
        self,
        space: SearchSpace,
        objective: Objective = Objective(),
        start: str = RUDIMENTARY,
        budget: Budget = Budget(),
        child: Recipe = Recipe(),
        inherit: bool = True,
        metric: str = "accuracy",
        gradient: GradientSettings = GradientSettings(),
        policy: PolicySize = PolicySize(),
        ledger: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if metric not in METRICS:
            raise RenaError(f"unknown metric '{metric}'; known are {', '.join(METRICS)}")
        self.space = space
        self.objective = objective
        self.start = start_architecture(start, space)
        self.budget = budget
        self.recipe = child
        self.inherit = inherit
        self.metric = metric
        self.gradient = gradient
        self.policy_size = policy
        self.storage = ledger
        self.seed = seed
        self.task: LightningDataModule | None = None
        self.scorer: Scorer | None = None
        self.on_evaluation: Callable[[Evaluation], None] | None = None
        self.summary: dict[str, Any] | None = None
        self.seconds_before = 0.0
        self.register_buffer("baseline", torch.tensor(float("nan")))

    # What a search is made of, once the task and the run folder are known.

    def setup(self, stage: str) -> None:
        """Prepare the task and open the ledger.

        Raises:
            RenaError: The task is unusable, or no network of the space keeps the hard bounds.
        """
        self.started = time.monotonic()
        task = self._ready_task()
        self.input_shape, self.num_classes = stated_shapes(task)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.weights = WeightStore(self.folder / "weights")
        self.encoder = Encoder(self.space, self.objective, self.input_shape, self.num_classes)
        self.start = self._sound_start()
        setting = setting_of(
            self.seed, task, self.objective, self.recipe, self.metric, self.inherit
        )
        self.evaluator = Evaluator(
            self.input_shape,
            self.num_classes,
            self.objective,
            self._open_ledger(setting),
            self.scorer or self._child_trainer(task),
            setting,
        )

    def configure_model(self) -> None:
        """Build the policy, whose tables depend on the space."""
        if not hasattr(self, "policy"):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.seed)
                self.policy = Policy(self.encoder, self.policy_size)

    def configure_optimizers(self) -> Optimizer:
        """Adam on the policy."""
        return Adam(self.policy.parameters(), lr=self.gradient.learning_rate)

    def configure_gradient_clipping(self, optimizer: Optimizer, *_: Any, **__: Any) -> None:
        """Keep one lucky child from tearing the policy."""
        torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.gradient.gradient_clip)

    def train_dataloader(self) -> DataLoader[Tensor]:
        """One batch an epoch: the numbers of its episodes, as one item, so every rank gets all."""
        episodes: Any = [torch.arange(self.budget.episodes)]
        return DataLoader(episodes, batch_size=None)

    def profile(self, architecture: Architecture) -> dict[str, float]:
        """The resource use of an architecture on the task."""
        return profile(architecture, self.input_shape, self.num_classes).as_dict()

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.trainer.default_root_dir)

    @property
    def seconds(self) -> float:
        """How long the search has taken, its earlier parts included."""
        return self.seconds_before + time.monotonic() - self.started

    @property
    def ledger(self) -> Ledger:
        """Every evaluation so far."""
        return self.evaluator.ledger

    # One update.

    def on_train_start(self) -> None:
        """Evaluate the start network, which every search begins with."""
        candidate = Candidate(self.start, None, self.budget.start_epochs, START)
        self.evaluate_all([candidate])

    def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:
        """Sample the update's episodes and evaluate their children.

        It happens here, not in `training_step`, where the Trainer's autocast would reach into the
        children's training.
        """
        update = self.current_epoch
        start = self.best(before=update)
        self._forget_weights(start)
        generators = [episode_generator(self.seed, update, number) for number in batch.tolist()]
        self.walks: Walks = walk(
            self.policy,
            self.encoder,
            self.profile,
            start.architecture,
            self.budget.steps,
            generators,
            self.objective.feasible,
            self.budget.draws,
        )
        self.evaluations = evaluate_walks(
            self.walks, start, self.budget.training, update, self.evaluate_all
        )
        rewards = torch.tensor([[child.reward for child in wave] for wave in self.evaluations])
        gained = returns(rewards, start.reward, self.gradient.discount)
        self.advantages = self._advantages(gained).flatten().to(self.device)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """The REINFORCE loss of the update's decisions, scored again with gradients."""
        choices = self.policy(self.walks.states, decisions=self.walks.decisions)
        children = [child for wave in self.evaluations for child in wave]
        best = self.best()
        self.log_dict(
            {
                "update": float(self.current_epoch),
                "reward_mean": sum(child.reward for child in children) / len(children),
                "feasible_share": sum(c.status != "infeasible" for c in children) / len(children),
                "entropy": choices.entropy.mean().item(),
                "best_reward": best.reward,
                "best_accuracy": best.accuracy or 0.0,
                "child_epochs": float(self.ledger.child_epochs),
                **{f"best_{c.entry}": best.profile[c.entry] for c in self.objective.constraints},
            },
            rank_zero_only=True,
        )
        return loss(choices, self.advantages, self.gradient.entropy_bonus)

    # The end.

    def on_fit_end(self) -> None:
        """Train the best architectures in full, test the best once, and write the run folder.

        A search that had come to its end before keeps its summary. One with a scorer of its own
        has nothing to train and ends here.
        """
        if self.scorer is not None:
            return
        budget = self.budget
        candidates = full_trainings(
            self.ledger.evaluations(), self.objective, budget.final_epochs, budget.final_candidates
        )
        trained = self.evaluate_all(candidates)
        if not trained or not self.trainer.is_global_zero:
            return
        self.summary = read_summary(self.folder)
        if self.summary is None or self.summary.get("evaluations") != len(self.ledger):
            assert self.task is not None
            self.task.setup("test")
            outcome = conclude(trained, self.evaluator)
            labels = getattr(self.task, "labels", None)
            self.summary = write_outcome(outcome, self.evaluator, labels, self.seconds, self.folder)

    def best(self, before: int = FINAL) -> Evaluation:
        """The child with the highest reward so far, in the updates before `before`.

        The earliest one wins a tie. Worked out from the ledger alone, so that a search that was
        killed goes on from the same network.
        """
        searched = [
            evaluation
            for evaluation in self.ledger.evaluations()
            if evaluation.status == "done" and evaluation.place[0] < before
        ]
        return max(searched, key=lambda evaluation: evaluation.reward)

    def evaluate_all(self, candidates: Sequence[Candidate]) -> list[Evaluation]:
        """Evaluate candidates, shared out over the ranks, the costliest first.

        Each rank writes what it trained into the ledger, and reads there what the others did.
        """
        new = {
            candidate.key(self.evaluator.setting): candidate
            for candidate in reversed(candidates)
            if self.evaluator.find(candidate) is None
        }
        by_cost = sorted(
            new.values(),
            key=lambda c: (-self.profile(c.architecture)["macs"], c.place),
        )
        for candidate in by_cost[self.global_rank :: self.trainer.world_size]:
            evaluation = self.evaluator.evaluate(candidate)
            if self.on_evaluation is not None:
                self.on_evaluation(evaluation)
        self.trainer.strategy.barrier("children")
        self.ledger.refresh()
        return [self.evaluator.evaluate(candidate) for candidate in candidates]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the time spent, beside the policy and its optimiser: plain values only."""
        checkpoint["search_seconds"] = self.seconds

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on counting the time where the search was left."""
        self.seconds_before = float(checkpoint.get("search_seconds", 0.0))

    def _advantages(self, gained: Tensor) -> Tensor:
        mean = gained.mean()
        if self.baseline.isnan():
            self.baseline.copy_(mean)
        advantages = gained - self.baseline.cpu()
        decay = self.gradient.baseline_decay
        self.baseline.mul_(decay).add_((1 - decay) * mean.to(self.baseline.device))
        return advantages / advantages.square().mean().sqrt().clamp(min=1e-3)

    def _forget_weights(self, start: Evaluation) -> None:
        """Drop the weights of children that can be a parent no more.

        An episode may come again upon any child that was reached from its start, in this update
        or an earlier one, and then goes on from that child's weights. The start network's and those
        of full trainings are kept, since a search that is continued tests them.
        """
        if self.trainer.is_global_zero:
            evaluations = self.ledger.evaluations()
            tested = {e.key for e in evaluations if e.place == START or e.place[0] == FINAL}
            self.weights.keep_only(descendants(evaluations, start.key) | tested)
        self.trainer.strategy.barrier("weights")

    def _ready_task(self) -> LightningDataModule:
        if self.task is None:
            raise RenaError("the controller has no task: set `controller.task` before fitting")
        if self.trainer.local_rank == 0:
            self.task.prepare_data()
            self.task.setup("fit")  # first, so that the others find its features in the cache
        self.trainer.strategy.barrier("data")
        if self.trainer.local_rank != 0:
            self.task.setup("fit")
        return self.task

    def _sound_start(self) -> Architecture:
        """The start network, or one near it that keeps the hard bounds, if it does not."""
        try:
            self.space.check(self.start, self.input_shape)
        except RenaError as error:
            raise RenaError(f"the start network: {error}") from None
        if next(self.space.legal_actions(self.start, random.Random(0)), None) is None:
            raise RenaError("the search space allows no action: it is a single architecture")
        start = feasible_start(self.start, self.space, self.objective, self.profile, self.seed)
        if start != self.start:
            rank_zero_warn(
                "the start network breaks a hard bound; the search starts from one near it: "
                + ", ".join(map(str, start.layers))
            )
        return start

    def _open_ledger(self, setting: str) -> Ledger:
        """A journal in the run folder, or a study of the folder's name in a storage for many."""
        if self.storage is not None:
            return Ledger(self.storage, setting, study=self.folder.resolve().name)
        journal = self.folder / "ledger.journal"
        if self.trainer.is_global_zero:
            mend_journal(journal)
        self.trainer.strategy.barrier("journal")
        return Ledger(journal, setting)

    def _child_trainer(self, task: LightningDataModule) -> ChildTrainer:
        return ChildTrainer(
            task,
            self.recipe,
            self.metric,
            self.weights,
            self.trainer.strategy.root_device,
            self.inherit,
        )

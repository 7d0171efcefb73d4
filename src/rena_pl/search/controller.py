"""The controller: RENA as a LightningModule, whose every epoch is one update of a search."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, LightningDataModule, LightningModule
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from rena_pl.child.data import check_split
from rena_pl.child.metric import find_metric
from rena_pl.child.module import Recipe
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.evaluator import ChildTrainer, Evaluator, Scorer
from rena_pl.evaluation.failures import widespread_failure
from rena_pl.evaluation.ledger import JOURNAL, Ledger, mend_journal
from rena_pl.evaluation.waves import last_rungs
from rena_pl.evaluation.weights import WeightStore
from rena_pl.hashing import short_hash
from rena_pl.heap import give_back_freed_memory
from rena_pl.objective import Objective
from rena_pl.resources.latency import FILE as LATENCY_FILE
from rena_pl.resources.latency import LATENCY
from rena_pl.resources.profile import ENTRIES
from rena_pl.search.budget import Budget
from rena_pl.search.clock import Clock
from rena_pl.search.earlier import read_earlier
from rena_pl.search.final import conclude, full_trainings, summary_before, write_outcome
from rena_pl.search.lifeline import Lifeline
from rena_pl.search.policy.gradient import GradientSettings
from rena_pl.search.policy.policy import PolicySize
from rena_pl.search.prepare import ground_of, scorer_of
from rena_pl.search.search_callback import SearchCallback
from rena_pl.search.searchers.by_name import NAMES, OTHERS, PAPER, RENA
from rena_pl.search.searchers.policy_search import PolicySearch
from rena_pl.search.searchers.reinforce import Reinforce
from rena_pl.search.searchers.rena import Imagination, Rena
from rena_pl.search.searchers.searcher import Ground, Searcher
from rena_pl.search.setting import setting_of
from rena_pl.search.summary import Summary
from rena_pl.search.update import run_update
from rena_pl.search.workers import Workers
from rena_pl.space.search_space import SearchSpace
from rena_pl.space.starts import RUDIMENTARY, start_architecture


def shared_gpu(local_rank: int, gpus: int) -> torch.device:
    """The GPU of a worker, where there may be more workers than GPUs on its machine.

    Raises:
        RenaError: There is none.
    """
    if not gpus:
        raise RenaError("model.child_device: there is no GPU for cuda")
    return torch.device("cuda", local_rank % gpus)


class Controller(LightningModule):
    """Searches: asks RENA for children, has them evaluated on the task, and tells it the rewards.

    One epoch of the Trainer is one update, so `trainer.max_epochs` is the number of updates.

    Args:
        space: What may be built; left out where the task is a table.
        objective: The bounds.
        start: The network to start from: an architecture file, a published network by its name
            (bc_resnet_1, bc_resnet_2, ds_cnn_s, tc_resnet8, resnet20, nasnet_like), or
            `rudimentary`, the fewest layers that the space allows, of the first type that it lists
            and that is no merge, with the first of each choice.
        budget: How much is trained.
        child: How children are trained.
        inherit: Whether a child starts from its parent's weights.
        metric: `accuracy`, `balanced_accuracy`, its mean over the classes, or the path of a
            function as in `rena_pl.child.metric`.
        gradient: How the policy learns.
        policy: What the policy network is like.
        imagination: How RENA uses a model of the reward.
        searcher: What proposes networks: `rena`; `paper`, its policy gradient alone; or, to compare
            it with, `random`, `evolution`, `hill`, `tpe`, `nsga2` or `gp`, which have no policy.
        init_from: Run folder of an earlier search of the same task, whose bounds may have been
            others. In the same space the policy goes on from the one it ended with, the model of
            the reward begins with its evaluations, and the start network is the nearest to its best
            one that keeps the bounds, and inherits that one's weights. If its best one is too large
            for the bounds, all networks learn from its predictions too.
        threads: Of every worker. What children come to depends on it in the last digits, so it
            is the same whatever the machine and the number of workers.
        child_device: Where children are trained: on the trainer's device, as the policy is, when
            left out; `cuda` shares the GPUs of a machine out over its workers, whatever device the
            policy is on.
        ledger: URL of an Optuna storage to keep the ledger in, as a study of the run folder's
            name; a journal file in the run folder when left out.
        seed: Of everything random in the search.
    """

    def __init__(
        self,
        space: SearchSpace | None = None,
        objective: Objective = Objective(),
        start: str = RUDIMENTARY,
        budget: Budget = Budget(),
        child: Recipe = Recipe(),
        inherit: bool = True,
        metric: str = "accuracy",
        gradient: GradientSettings = GradientSettings(),
        policy: PolicySize = PolicySize(),
        imagination: Imagination = Imagination(),
        searcher: str = RENA,
        init_from: str | None = None,
        threads: int = 1,
        child_device: Literal["cuda"] | None = None,
        ledger: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        find_metric(metric)
        if searcher not in NAMES:
            raise RenaError(f"unknown searcher '{searcher}'; known are {', '.join(NAMES)}")
        if threads < 1:
            raise RenaError(f"threads must be at least 1, not {threads}")
        if space is not None:
            objective.check((*ENTRIES, LATENCY))  # preparing the data may take long
        self.automatic_optimization = False
        self.space = space
        self.objective = objective
        self.earlier = None if init_from is None else read_earlier(Path(init_from))
        self.start = None if space is None else start_architecture(start, space)
        self.budget = budget
        self.recipe = child
        self.inherit = inherit
        self.metric = metric
        self.gradient = gradient
        self.policy_size = policy
        self.imagination = imagination
        self.searcher_name = searcher
        self.threads = threads
        self.child_device = child_device
        self.storage = ledger
        self.seed = seed
        self.task: LightningDataModule | None = None
        self.scorer: Scorer | None = None
        self.summary: Summary | None = None

    def configure_callbacks(self) -> list[Callback]:
        """End with every other worker."""
        return [Lifeline()]

    # What a search is made of, once the task and the run folder are known.

    def setup(self, stage: str) -> None:
        """Prepare the task and open the ledger.

        Raises:
            RenaError: The task is unusable, or no network of the space keeps the hard bounds.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.clock = Clock(self.folder)
        torch.set_num_threads(self.threads)
        task = self._ready_task()
        self.weights = WeightStore(self.folder / "weights")
        self.ground, self.evaluator = self.prepare(
            task,
            self._open_ledger,
            self.weights,
            self._place_of_children(),
            self.folder / LATENCY_FILE,
        )
        self.announced = len(self.ledger)
        self.workers = Workers(self.trainer, self.evaluator, self._announce)
        self.searcher = self.make_searcher(self.ground, self.searcher_name)
        if isinstance(self.searcher, PolicySearch):
            self.policy = self.searcher.policy
        else:
            self.no_policy = Parameter(torch.zeros(1))  # DDP asks for one

    def prepare(
        self,
        task: LightningDataModule,
        open_ledger: Callable[[str], Ledger],
        weights: WeightStore,
        device: torch.device,
        latencies: Path,
    ) -> tuple[Ground, Evaluator]:
        """Where a search with these settings takes place, and what evaluates its candidates.

        Args:
            task: Set up.
            open_ledger: Opens the ledger of a setting.
            weights: Where children's weights are kept.
            device: Where children are trained.
            latencies: Where measured latencies are kept, if a bound is on them.
        """
        earlier = self.earlier
        best = earlier.network(task, self.metric) if earlier else None
        ancestor = earlier.ancestor(self.space, task) if earlier else None
        start = ancestor.architecture if ancestor else self.start
        ground = ground_of(
            task, self.space, self.objective, start, self.inherit, self.seed, latencies
        )
        setting = setting_of(
            self.seed,
            task,
            self.objective,
            self.recipe,
            self.metric,
            self.inherit,
            ground.start,
            earlier.key if earlier else None,
        )
        ledger = open_ledger(setting)
        scorer = self.scorer or scorer_of(
            task,
            self.recipe,
            self.metric,
            weights,
            device,
            self.budget.child_seconds,
            best if earlier and earlier.is_too_large(ground) else None,
        )
        if earlier:
            ground = replace(
                ground,
                past=earlier.known(ground, task),
                ancestor=ancestor.key if ancestor else None,
            )
            if ancestor:
                weights.save(ancestor.key, earlier.weights)
        return ground, Evaluator(
            ground.resources, self.objective, ledger, scorer, setting, ancestor
        )

    def make_searcher(self, ground: Ground, name: str) -> Searcher:
        """One of `NAMES`, with these settings."""
        budget, gradient, size = self.budget, self.gradient, self.policy_size
        searcher: PolicySearch
        if name == RENA:
            searcher = Rena(
                ground, budget.steps, budget.child_epochs, gradient, size, self.imagination
            )
        elif name == PAPER:
            searcher = Reinforce(ground, budget.steps, budget.draws, gradient, size)
        else:
            return OTHERS[name](ground)
        if self.earlier:
            self.earlier.hand_on_policy(searcher.policy)
        return searcher

    def configure_optimizers(self) -> Optimizer | None:
        """The policy's, where there is one."""
        return self.searcher.optimizer if isinstance(self.searcher, PolicySearch) else None

    def train_dataloader(self) -> DataLoader[Tensor]:
        """One batch an epoch, with nothing in it: an update is asked for when it is met."""
        update: Any = [torch.zeros(0)]
        return DataLoader(update, batch_size=None)

    @property
    def learns(self) -> bool:
        """Whether there is a policy, whose state a checkpoint keeps."""
        return isinstance(self.searcher, PolicySearch)

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.trainer.default_root_dir)

    @property
    def ledger(self) -> Ledger:
        """Every evaluation so far."""
        return self.evaluator.ledger

    # One update.

    def on_train_start(self) -> None:
        """Evaluate the start network, and tell the searcher of updates that a checkpoint is behind.

        A search without a checkpoint asks everything again, and finds the answers in its ledger.
        """
        # Lightning would wait for the end of the update, or with several workers for ever.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        start = self.ground.start_candidate(self.budget.start_epochs)
        if start is not None:
            self.searcher.tell(self.workers.evaluate_all([start]))
        before = [
            evaluation
            for evaluation in self.ledger.evaluations()
            if evaluation.part == "child" and evaluation.place[0] < self.current_epoch
        ]
        self.searcher.tell(last_rungs(before))
        if isinstance(self.searcher, PolicySearch):
            optimizer: Any = self.optimizers()
            self.searcher.optimizer = optimizer
            self.searcher.update = self.current_epoch

    def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:
        """Have the searcher asked, its children evaluated, and the searcher told.

        It happens here, not in `training_step`, where the Trainer's autocast would reach into the
        children's training.

        Raises:
            RenaError: Most children fail.
        """
        known = len(self.ledger)
        self.evaluations = run_update(
            self.searcher,
            self.current_epoch,
            self.budget.children,
            self.budget.training,
            self.workers.evaluate_all,
        )
        if len(self.ledger) > known:
            self._forget_weights()
        give_back_freed_memory()
        failure = widespread_failure(self.ledger.evaluations())
        if failure is not None:
            raise RenaError(f"the search stops: {failure}")

    def training_step(self, batch: Tensor, batch_idx: int) -> None:
        """Log the update; the policy has learnt from it by now."""
        children, best = self.evaluations, self.best()
        self.log_dict(
            {
                "update": float(self.current_epoch + 1),
                "reward_mean": sum(child.reward for child in children) / max(1, len(children)),
                "feasible_share": sum(child.status != "infeasible" for child in children)
                / max(1, len(children)),
                "child_epochs": float(self.ledger.child_epochs),
                **self.searcher.figures,
                **({} if best is None else self._figures_of(best)),
            },
            rank_zero_only=True,
        )

    def _figures_of(self, best: Evaluation) -> dict[str, float]:
        bounded = {f"best_{c.entry}": best.profile[c.entry] for c in self.objective.constraints}
        return {"best_reward": best.reward, "best_accuracy": best.accuracy or 0.0, **bounded}

    # The end.

    def on_fit_end(self) -> None:
        """Train the best architectures in full, test the best once, and write the run folder.

        A search that had come to its end before keeps its summary. One with a scorer of its own
        has nothing to train and ends here.
        """
        if not isinstance(self.evaluator.scorer, ChildTrainer):
            return
        assert self.task is not None
        if self.trainer.is_global_zero and summary_before(self.folder, self.ledger) is None:
            self.task.setup("test")  # what is wrong with it is told before hours of training
            check_split(self.task, self.evaluator.scorer.data, "test")
        budget = self.budget
        candidates = full_trainings(
            self.ledger.evaluations(), self.objective, budget.final_epochs, budget.final_candidates
        )
        trained = self.workers.evaluate_all(candidates)
        if not trained or not self.trainer.is_global_zero:
            return
        self.summary = summary_before(self.folder, self.ledger)
        if self.summary is None:
            outcome = conclude(trained, self.evaluator)
            self.summary = write_outcome(
                outcome, self.evaluator, self.task, self.clock.seconds, self.folder
            )

    def best(self) -> Evaluation | None:
        """The child or start network with the highest reward, the first of equals."""
        searched = [
            evaluation
            for evaluation in self.ledger.evaluations()
            if evaluation.status == "done" and evaluation.part != "full"
        ]
        return max(searched, key=lambda evaluation: evaluation.reward, default=None)

    def _announce(self) -> None:
        """Take in what other workers wrote, and tell the callbacks of all that is new."""
        self.ledger.refresh()
        if not self.trainer.is_global_zero:
            return
        new = self.ledger.since(self.announced)
        for evaluation in new:
            self.announced += 1
            for callback in self.trainer.callbacks:  # type: ignore[attr-defined]
                if isinstance(callback, SearchCallback):
                    callback.on_evaluation(self.trainer, self, evaluation)
        if new:
            self.clock.keep()

    def _forget_weights(self) -> None:
        """Drop the weights of children that can be a parent no more.

        The start network's and those of full trainings are kept, since a search that is continued
        tests them; and those of what was trained for as long, from scratch, since it is not trained
        again at the end.
        """
        if self.trainer.is_global_zero:
            evaluations = self.ledger.evaluations()
            full = self.budget.final_epochs
            tested = {
                e.key
                for e in evaluations
                if e.part != "child" or (e.from_scratch and e.budget == full)
            }
            self.weights.keep_only(self.searcher.parents(evaluations) | tested)
        self.trainer.strategy.barrier("weights")

    def _place_of_children(self) -> torch.device:
        if self.child_device is None:
            return self.trainer.strategy.root_device
        device = shared_gpu(self.trainer.local_rank, torch.cuda.device_count())
        torch.cuda.set_device(device)
        return device

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

    def _described(self) -> str:
        """What sets the search apart from others with the same setting, as a short hash."""
        return short_hash(
            [
                self.searcher_name,
                None if self.space is None else asdict(self.space),
                asdict(self.budget),
                self.threads,
                asdict(self.gradient),
                asdict(self.policy_size),
                asdict(self.imagination),
            ]
        )

    def _open_ledger(self, setting: str) -> Ledger:
        """A journal in the run folder, or a study of the folder's name in a storage for many."""
        if self.storage is not None:
            return Ledger(self.storage, setting, self.folder.resolve().name, self._described())
        journal = self.folder / JOURNAL
        if self.trainer.is_global_zero:
            mend_journal(journal)
        self.trainer.strategy.barrier("journal")
        return Ledger(journal, setting)

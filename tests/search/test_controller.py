"""The controller as a whole, on an accuracy that costs nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import START, Evaluation
from rena_pl.evaluation.evaluator import Scored
from rena_pl.evaluation.ledger import Ledger
from rena_pl.objective import Constraint, Objective
from rena_pl.search.budget import Budget
from rena_pl.search.clock import Clock
from rena_pl.search.controller import Controller, shared_gpu
from rena_pl.search.run_folder import RunFolder
from rena_pl.tabular import Table
from rena_pl.whole_files import write_whole
from tests import tables
from tests.search import synthetic
from tests.search.synthetic import Shapes

UPDATES = 30


@pytest.mark.timeout(300)
def test_the_policy_learns(tmp_path: Path) -> None:
    """Over 5 seeds, the last tenth of the updates earns clearly more than uniform actions do."""
    budget = Budget(episodes=4, steps=3, draws=1)
    margins = []
    for seed in range(5):
        learned = synthetic.policy_search(seed, UPDATES, tmp_path / f"policy{seed}", budget)
        uniform = synthetic.uniform_search(seed, UPDATES, tmp_path / f"uniform{seed}", budget)
        margins.append(synthetic.last_tenth(learned) - synthetic.last_tenth(uniform))
    assert min(margins) > 0.05
    assert sum(margins) / 5 > 0.2


def test_two_searches_with_the_same_seed_have_the_same_ledger(tmp_path: Path) -> None:
    ledgers = []
    for name in ("one", "two"):
        controller = synthetic.controller(5, Budget(episodes=3, steps=2))
        synthetic.trainer(4, tmp_path / name).fit(controller)
        ledgers.append(controller.ledger.evaluations())
    assert ledgers[0] == ledgers[1]
    assert len(ledgers[0]) > 10
    other = synthetic.controller(6, Budget(episodes=3, steps=2))
    synthetic.trainer(4, tmp_path / "three").fit(other)
    assert other.ledger.evaluations() != ledgers[0]


@pytest.mark.parametrize("halvings", [0, 2])
def test_a_search_cut_short_goes_on_to_the_same_end(tmp_path: Path, halvings: int) -> None:
    """Three updates, then the rest from the checkpoint: as if it had never stopped."""
    budget = Budget(episodes=4, steps=2, halvings=halvings)
    whole = synthetic.controller(1, budget)
    synthetic.trainer(6, tmp_path / "whole").fit(whole)

    first = synthetic.controller(1, budget)
    trainer = synthetic.trainer(3, tmp_path / "parts", enable_checkpointing=True)
    trainer.fit(first)
    checkpoint = tmp_path / "last.ckpt"
    trainer.save_checkpoint(checkpoint)
    rest = synthetic.controller(1, budget)
    synthetic.trainer(6, tmp_path / "parts").fit(rest, ckpt_path=checkpoint, weights_only=True)

    assert rest.ledger.evaluations() == whole.ledger.evaluations()
    for now, then in zip(rest.policy.parameters(), whole.policy.parameters(), strict=True):
        assert torch.equal(now, then)


def test_a_search_whose_children_are_all_alike_resumes_to_the_same(tmp_path: Path) -> None:
    """Of equals the first asked for is the best, whether told one by one or from the ledger."""

    def fit(folder: Path, updates: int) -> list[Evaluation]:
        controller = synthetic.controller(2, Budget(episodes=3, steps=3))
        controller.scorer = lambda candidate, *_: Scored(0.2 if candidate.place == START else 0.4)
        synthetic.trainer(updates, folder, RunFolder(folder, {})).fit(
            controller, ckpt_path=checkpoint if checkpoint.is_file() else None, weights_only=True
        )
        return controller.ledger.evaluations()

    checkpoint = tmp_path / "parts" / "checkpoints" / "last.ckpt"
    whole = fit(tmp_path / "whole", 5)
    fit(tmp_path / "parts", 1)
    assert fit(tmp_path / "parts", 5) == whole


def test_an_update_without_a_feasible_child_is_logged(tmp_path: Path) -> None:
    objective = Objective([Constraint("params", min=50)])  # five convolutions, and nothing else
    budget = Budget(episodes=1, steps=1, draws=1)
    controller = Controller(None, objective, budget=budget, searcher="paper")
    controller.task = tables.table(tmp_path)
    synthetic.trainer(1, tmp_path).fit(controller)
    assert {e.status for e in controller.ledger.evaluations()} == {"infeasible"}


def test_a_walk_stays_in_the_table(tmp_path: Path) -> None:
    """Most rows are left out of the table; what it does not have costs nothing."""
    file = tables.write_table(tmp_path)
    heading, *rows = file.read_text().splitlines()
    file.write_text("\n".join([heading, *rows[::9]]) + "\n")
    controller = Controller(budget=Budget(episodes=4, steps=2, draws=1), searcher="paper")
    controller.task = Table(file, tables.DECISIONS, ["params"], "seen", "scored")
    synthetic.trainer(10, tmp_path).fit(controller)
    evaluations = controller.ledger.evaluations()
    assert len(evaluations) > 3
    assert {e.status for e in evaluations} == {"done"}


def test_the_time_goes_on_where_the_search_was_left(tmp_path: Path) -> None:
    write_whole(tmp_path / "seconds", "1000\n")
    controller = synthetic.controller(0, Budget(episodes=1, steps=1))
    synthetic.trainer(1, tmp_path).fit(controller)
    assert 1000 < controller.clock.seconds < 1100
    kept = (tmp_path / "seconds").read_text()
    assert kept != "1000\n"
    assert 1000 <= float(kept) < 1100
    (tmp_path / "seconds").write_text("no number")
    assert Clock(tmp_path).seconds < 1


def test_the_better_half_is_trained_on_and_its_better_half_again(tmp_path: Path) -> None:
    controller = synthetic.controller(0, Budget(episodes=8, steps=1, child_epochs=3, halvings=2))
    synthetic.trainer(1, tmp_path).fit(controller)
    rungs: list[list[Evaluation]] = [[], [], []]
    for evaluation in controller.ledger.evaluations()[1:]:
        rungs[evaluation.rung].append(evaluation)
    assert [len(rung) for rung in rungs] == [8, 4, 2]
    for rung, next_rung in pairwise(rungs):
        by_key = {child.key: child for child in rung}
        chosen = [by_key[child.parent] for child in next_rung]
        left = [child for child in rung if child not in chosen]
        assert min(e.reward for e in chosen) >= max(e.reward for e in left)
        assert [e.architecture for e in chosen] == [e.architecture for e in next_rung]
        assert [e.place for e in chosen] == [e.place for e in next_rung]
    assert {child.budget for rung in rungs for child in rung} == {3}
    for episode, told in enumerate(controller.evaluations):
        of_one = [e for rung in rungs for e in rung if e.place == (0, episode, 0)]
        assert told == replace(of_one[-1], parent=of_one[0].parent)


def test_children_clearly_worse_than_the_best_are_not_trained_on(tmp_path: Path) -> None:
    budget = Budget(episodes=8, steps=1, halvings=1, stop_below=1.0)
    controller = synthetic.controller(0, budget)
    controller.scorer = lambda candidate, *_: Scored(0.5 if candidate.place == START else 0.4)
    synthetic.trainer(1, tmp_path).fit(controller)
    assert {evaluation.rung for evaluation in controller.ledger.evaluations()} == {0}


def test_children_that_break_hard_bounds_are_never_scored(tmp_path: Path) -> None:
    controller = synthetic.controller(0, Budget(episodes=4, steps=3, draws=1))
    scored = []

    def scorer(candidate, *rest):
        scored.append(candidate.architecture)
        return synthetic.made_up_accuracy(candidate)

    controller.scorer = scorer
    synthetic.trainer(8, tmp_path).fit(controller)
    evaluations = controller.ledger.evaluations()
    infeasible = [e for e in evaluations if e.status == "infeasible"]
    assert infeasible
    assert all(e.budget == 0 and e.accuracy is None and e.reward < 0 for e in infeasible)
    assert all("is broken by" in e.reason for e in infeasible)
    assert {e.architecture for e in infeasible}.isdisjoint(scored)
    assert all(controller.ground.feasible(a) for a in scored)


def test_failing_children_are_recorded_and_survived(tmp_path: Path) -> None:
    controller = synthetic.controller(0, Budget(episodes=4, steps=3))
    calls = iter(range(1000))

    def scorer(candidate, *rest):
        if next(calls) % 3 == 2:
            raise MemoryError("no room for this one")
        return synthetic.made_up_accuracy(candidate)

    controller.scorer = scorer
    synthetic.trainer(5, tmp_path).fit(controller)
    failed = [e for e in Ledger(tmp_path / "ledger.journal").evaluations() if e.status == "failed"]
    assert len(failed) > 5
    assert all(e.reason == "MemoryError: no room for this one" for e in failed)
    assert all(e.reward == controller.objective.failure_reward for e in failed)


def test_a_search_whose_children_mostly_fail_stops_and_says_why(tmp_path: Path) -> None:
    controller = synthetic.controller(0, Budget(episodes=4, steps=3))

    def scorer(candidate, *rest):
        if candidate.place != START:
            raise MemoryError("no room for 7 MB")
        return synthetic.made_up_accuracy(candidate)

    controller.scorer = scorer
    with pytest.raises(RenaError, match="the search stops: 12 of 12 children failed, 12 of them "):
        synthetic.trainer(5, tmp_path).fit(controller)


def test_gpus_are_shared_out_over_the_workers_of_a_machine() -> None:
    assert [shared_gpu(rank, 2).index for rank in range(5)] == [0, 1, 0, 1, 0]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_children_on_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    controller = synthetic.controller(0, Budget())
    controller.child_device = "cuda"
    with pytest.raises(RenaError, match="model.child_device: there is no GPU for cuda"):
        synthetic.trainer(1, tmp_path).fit(controller)


def test_a_failing_start_is_said(tmp_path: Path) -> None:
    controller = synthetic.controller(0, Budget())

    def scorer(*_):
        raise ValueError("broken data")

    controller.scorer = scorer
    with pytest.raises(RenaError, match="start network cannot be trained: ValueError: broken data"):
        synthetic.trainer(1, tmp_path).fit(controller)


def test_bounds_that_nothing_meets_are_said_before_any_training(tmp_path: Path) -> None:
    controller = Controller(synthetic.space(), Objective([Constraint("params", max=5)]))
    controller.task, controller.scorer = Shapes(), synthetic.made_up_accuracy
    with pytest.raises(RenaError, match=r"no network .* params <= 5 \(nearest: "):
        synthetic.trainer(1, tmp_path).fit(controller)
    assert len(Ledger(tmp_path / "ledger.journal")) == 0


def test_a_start_outside_the_bounds_is_moved_inside(tmp_path: Path) -> None:
    objective = Objective([Constraint("intensity", min=3.0)])
    controller = Controller(synthetic.space(), objective, budget=Budget(episodes=1, steps=1))
    controller.task, controller.scorer = Shapes(), synthetic.made_up_accuracy
    synthetic.trainer(1, tmp_path).fit(controller)
    assert controller.ledger.evaluations()[0].profile["intensity"] >= 3.0


def test_a_wrong_metric_and_a_wrong_budget_are_named() -> None:
    with pytest.raises(RenaError, match="unknown metric 'f17'; known are accuracy"):
        Controller(synthetic.space(), metric="f17")
    with pytest.raises(RenaError, match="budget.steps must be at least 1"):
        Budget(steps=0)

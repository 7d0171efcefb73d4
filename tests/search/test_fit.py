"""A search on real children, from the Trainer: inheritance over updates, finals, the run folder."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from lightning.pytorch import LightningDataModule, Trainer
from safetensors.torch import load_file
from torch.utils.data import DataLoader, TensorDataset

from rena_pl.architecture import Architecture
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import FINAL
from rena_pl.network import build
from rena_pl.objective import Constraint, Objective
from rena_pl.search.budget import Budget
from rena_pl.search.controller import Controller
from rena_pl.search.earlier import read_earlier
from rena_pl.space import SearchSpace
from tests.search import synthetic
from tests.tasks import CLASSES, INPUT, TinyTask, WithoutSplits

SEARCHERS = ["random", "evolution", "hill", pytest.param("tpe", marks=pytest.mark.slow)]
BUDGET = Budget(episodes=3, steps=2, child_epochs=1, start_epochs=1, final_epochs=4)


def controller(seed: int = 0, task=None, **settings) -> Controller:
    space = SearchSpace(
        {"temporal": {"channels": [8, 16], "kernel": [3], "stride": [1], "activation": ["relu"]}},
        max_layers=3,
    )
    objective = Objective([Constraint("params", max=1000)])
    made = Controller(space, objective, budget=BUDGET, seed=seed, **settings)
    made.task = task or TinyTask()
    return made


def trainer(folder: Path, updates: int) -> Trainer:
    return synthetic.trainer(updates, folder)


def test_a_search_ends_in_a_run_folder_with_a_network(tmp_path: Path) -> None:
    made = controller()
    trainer(tmp_path, 3).fit(made)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert {
        "val_accuracy",
        "test_accuracy",
        "start_test_accuracy",
        "profile",
        "constraints_met",
        "child_epochs",
        "seconds",
    } <= summary.keys()
    assert summary["constraints_met"] is True
    assert summary["test_accuracy"] > 0.8
    counts = summary["test_confusion"]
    assert [sum(row) for row in counts] == [20, 20, 20]
    right = sum(counts[label][label] for label in range(CLASSES))
    assert right / 60 == pytest.approx(summary["test_accuracy"])
    assert summary["child_epochs"] == made.ledger.child_epochs
    architecture = Architecture.load(tmp_path / "best" / "architecture.json")
    assert architecture.arch_id == summary["arch_id"]
    network = build(architecture, INPUT, CLASSES)
    network.load_state_dict(load_file(tmp_path / "best" / "model.safetensors"))


def test_a_child_that_is_met_again_is_still_a_parent(tmp_path: Path) -> None:
    """In so small a space every update meets the children of earlier ones."""
    made = controller(seed=1, searcher="paper")
    trainer(tmp_path, 12).fit(made)
    evaluations = made.ledger.evaluations()
    assert len({e.place[0] for e in evaluations}) > 3
    assert [e.reason for e in evaluations if e.status == "failed"] == []


def test_every_trained_child_keeps_the_hard_bounds(tmp_path: Path) -> None:
    made = controller()
    trainer(tmp_path, 5).fit(made)
    trained = [e for e in made.ledger.evaluations() if e.budget > 0]
    assert len(trained) > 5
    assert all(e.profile["params"] <= 1000 for e in trained)


def test_inheritance_can_be_switched_off(tmp_path: Path) -> None:
    made = controller(inherit=False)
    trainer(tmp_path, 2).fit(made)
    children = [e for e in made.ledger.evaluations() if e.part == "child" and e.budget]
    assert {(e.inherited, e.seed) for e in children} == {(0, children[0].seed)}


def test_the_same_seed_gives_the_same_ledger_and_network(tmp_path: Path) -> None:
    ledgers = []
    for name in ("one", "two"):
        made = controller(seed=3)
        trainer(tmp_path / name, 3).fit(made)
        ledgers.append(made.ledger.evaluations())
    assert ledgers[0] == ledgers[1]
    files = [(tmp_path / name / "best" / "model.safetensors") for name in ("one", "two")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_task_that_states_nothing_is_named(tmp_path: Path) -> None:
    class Silent(LightningDataModule):
        num_classes = 3

    with pytest.raises(RenaError, match="the task Silent does not state its input_shape"):
        trainer(tmp_path, 1).fit(controller(task=Silent()))


def test_a_task_that_is_not_what_it_states_is_named(tmp_path: Path) -> None:
    task = WithoutSplits()
    task.input_shape = (1, 5, 8)
    with pytest.raises(RenaError, match=r"WithoutSplits states input_shape \(1, 5, 8\), but its f"):
        trainer(tmp_path, 1).fit(controller(task=task))
    task = WithoutSplits()
    task.num_classes = 2
    with pytest.raises(RenaError, match="WithoutSplits states 2 classes, but its targets"):
        trainer(tmp_path, 1).fit(controller(task=task))


def test_a_task_of_the_users_own(tmp_path: Path) -> None:
    made = controller(task=WithoutSplits())
    trainer(tmp_path, 1).fit(made)
    assert made.summary.test_accuracy > 0.8


def test_a_search_that_had_ended_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    whole = controller(seed=1)
    trainer(tmp_path / "whole", 8).fit(whole)
    first = controller(seed=1)
    short = trainer(tmp_path / "parts", 3)
    short.fit(first)
    short.save_checkpoint(tmp_path / "last.ckpt")
    rest = controller(seed=1)
    trainer(tmp_path / "parts", 8).fit(rest, ckpt_path=tmp_path / "last.ckpt", weights_only=True)

    def searched(made: Controller):
        return [e for e in made.ledger.evaluations() if e.place[0] < FINAL]

    assert searched(rest) == searched(whole)
    assert rest.summary.child_epochs == rest.ledger.child_epochs
    assert rest.summary.evaluations > first.summary.evaluations


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_a_searcher_without_a_policy_goes_on_as_if_it_had_not_ended(
    searcher: str, tmp_path: Path
) -> None:
    whole = controller(seed=1, searcher=searcher)
    trainer(tmp_path / "whole", 4).fit(whole)
    trainer(tmp_path / "parts", 2).fit(controller(seed=1, searcher=searcher))
    rest = controller(seed=1, searcher=searcher)
    trainer(tmp_path / "parts", 4).fit(rest)
    assert not rest.learns
    assert whole.summary.val_accuracy > 0.8

    def searched(made: Controller):
        return [e for e in made.ledger.evaluations() if e.place[0] < FINAL]

    assert searched(rest) == searched(whole)
    assert len({e.place[0] for e in searched(whole)}) == 5


def test_an_unknown_searcher_is_refused() -> None:
    with pytest.raises(RenaError, match="unknown searcher 'greedy'; known are rena, paper, rand"):
        controller(searcher="greedy")


def test_the_start_may_be_trained_as_long_as_the_finals(tmp_path: Path) -> None:
    """Its two trainings are then one evaluation, whose weights are needed at the end."""
    made = controller()
    made.budget = dataclasses.replace(BUDGET, start_epochs=BUDGET.final_epochs)
    trainer(tmp_path, 6).fit(made)
    assert made.summary.start_test_accuracy is not None


def test_children_may_be_trained_as_long_as_the_finals(tmp_path: Path) -> None:
    """They are not trained again, however little their reward has to do with who is best."""
    made = controller(inherit=False)
    soft = Constraint("macs", max=4000, penalty=0.999)
    made.objective = Objective((Constraint("params", max=1000), soft))
    made.budget = dataclasses.replace(BUDGET, child_epochs=BUDGET.final_epochs)
    trainer(tmp_path, 4).fit(made)
    in_full = [e.architecture for e in made.ledger.evaluations() if e.part == "full"]
    assert in_full == [made.ground.start]
    assert made.summary.constraints_met


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_what_was_trained_as_long_from_scratch_is_there_at_the_end(
    seed: int, tmp_path: Path
) -> None:
    """However far behind it fell meanwhile, and though it was made of another."""
    made = controller(seed, inherit=False, searcher="paper")
    made.budget = dataclasses.replace(
        BUDGET, episodes=4, steps=1, child_epochs=2, final_epochs=2, final_candidates=1
    )
    trainer(tmp_path, 8).fit(made)
    assert made.summary is not None
    best = read_earlier(tmp_path).best
    assert best is not None
    assert best.architecture.arch_id == made.summary.arch_id
    assert best.accuracy == made.summary.val_accuracy


def test_a_broken_test_split_is_told_before_the_last_trainings(tmp_path: Path) -> None:
    class Broken(WithoutSplits):
        def test_dataloader(self) -> DataLoader:
            features = torch.zeros(4, *INPUT)
            return DataLoader(TensorDataset(features, torch.full((4,), CLASSES)))

    made = controller(task=Broken())
    with pytest.raises(RenaError, match="Broken states 3 classes, but its targets"):
        trainer(tmp_path, 1).fit(made)
    assert {e.part for e in made.ledger.evaluations()} == {"start", "child"}


def test_a_study_is_of_one_search(tmp_path: Path) -> None:
    """Two run folders of the same name may lie in different places, with one database for both."""
    database = f"sqlite:///{tmp_path / 'ledger.db'}"
    trainer(tmp_path / "one" / "search", 1).fit(controller(ledger=database))
    with pytest.raises(RenaError, match="holds a search on other data or with other settings"):
        trainer(tmp_path / "two" / "search", 1).fit(controller(ledger=database, searcher="random"))
    trainer(tmp_path / "one" / "search", 2).fit(controller(ledger=database))


def test_other_data_in_the_same_folder_are_refused(tmp_path: Path) -> None:
    trainer(tmp_path, 1).fit(controller(task=TinyTask(seed=1)))
    with pytest.raises(RenaError, match="holds a search on other data"):
        trainer(tmp_path, 1).fit(controller(task=TinyTask(seed=2)))


def test_the_summary_is_what_the_saved_weights_give(tmp_path: Path) -> None:
    made = controller()
    trainer(tmp_path, 2).fit(made)
    architecture = Architecture.load(tmp_path / "best" / "architecture.json")
    network = build(architecture, INPUT, CLASSES).eval()
    network.load_state_dict(load_file(tmp_path / "best" / "model.safetensors"))
    test = made.task.splits["test"]
    right = (network(test.features[:, 0]).argmax(1) == test.targets).float().mean().item()
    assert right == pytest.approx(made.summary.test_accuracy)

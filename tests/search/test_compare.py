from __future__ import annotations

from math import isnan
from pathlib import Path

import numpy as np
import pytest
import torch

from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.ledger import Ledger
from rena_pl.objective import Constraint, Objective
from rena_pl.search.budget import Budget
from rena_pl.search.compare import (
    Curve,
    best_of_table,
    curve_of,
    search,
    sign_flip_test,
    summary,
)
from rena_pl.search.controller import Controller
from rena_pl.search.searchers.rena import Imagination
from tests import tables
from tests.tasks import TinyTask

CPU = torch.device("cpu")
SMALL = Objective([Constraint("params", max=25)])


def evaluation(made, row: str, number: int, accuracy: float, params: float = 1) -> Evaluation:
    names = {option[0]: option for option in tables.OPTIONS}
    return Evaluation(
        key=str(number),
        architecture=made.space.architecture([names[letter] for letter in row]),
        parent=None,
        budget=1,
        place=(number, 0, 0),
        profile={"params": params},
        status="done",
        accuracy=accuracy,
        reward=accuracy,
    )


def test_a_curve_is_the_best_within_the_bounds_so_far(tmp_path: Path) -> None:
    made = tables.table(tmp_path)
    evaluations = [
        evaluation(made, "ccccc", 0, 0.9, params=50),
        evaluation(made, "ppppp", 1, 0.3),
        evaluation(made, "sssss", 2, 0.5),
        evaluation(made, "spsps", 3, 0.4),
    ]
    top = frozenset({evaluations[2].architecture})
    curve = curve_of(evaluations, SMALL, 6, top, target=0.4)
    assert isnan(curve.best[0])
    assert curve.best[1:] == [0.3, 0.5, 0.5, 0.5, 0.5]
    assert curve.trainings == 3
    assert curve.to_target == 3
    none = curve_of(evaluations[:2], SMALL, 2, top, target=0.4)
    assert none.trainings == 4
    assert none.to_target is None
    assert len(none.best) == 2


def test_what_was_spent_beyond_the_budget_does_not_count(tmp_path: Path) -> None:
    made = tables.table(tmp_path)
    evaluations = [evaluation(made, "ppppp", 0, 0.3), evaluation(made, "sssss", 1, 0.5)]
    assert curve_of(evaluations, SMALL, 1).best == [0.3]


def test_the_ten_best_of_a_table_keep_the_bounds(tmp_path: Path) -> None:
    made = tables.table(tmp_path)
    top = best_of_table(made, SMALL)
    assert len(top) == 10
    rest = [a for a in made.architectures() if a not in top]
    kept = [a for a in rest if SMALL.meets_all(made.resources.profile(a))]
    assert min(map(made.score, top)) >= max(map(made.score, kept))
    with pytest.raises(RenaError, match="no row"):
        best_of_table(made, Objective([Constraint("params", max=1)]))


def test_intervals_are_student_s(tmp_path: Path) -> None:
    curves = {seed: Curve([accuracy], None, None) for seed, accuracy in enumerate([0.5, 0.7])}
    of = summary({"rena": curves})["searchers"]["rena"]["curve"]
    half = 12.706 * 0.1  # t of one degree of freedom, and the standard error
    assert of["high"] == [pytest.approx(0.6 + half, rel=0.02)]
    assert of["low"] == [pytest.approx(0.6 - half, rel=0.02)]
    alone = summary({"rena": {0: curves[0]}, "random": {0: curves[1]}})
    assert alone["searchers"]["rena"]["curve"]["high"] == [None]
    assert alone["differences"]["random"]["low"] is None


def test_the_sign_flip_test_is_exact_for_few_pairs() -> None:
    assert sign_flip_test(np.array([1.0, 2.0, 3.0])) == pytest.approx(2 / 8)
    assert sign_flip_test(np.array([1.0, -1.0])) == 1.0
    assert 0 < sign_flip_test(np.linspace(1, 2, 20)) < 0.01
    assert sign_flip_test(np.array([1.0, -1.0] * 10)) > 0.5


def test_a_summary_compares_the_first_with_all_others() -> None:
    curves = {
        "one": {seed: Curve([0.5, 0.8], 10 + seed, 3) for seed in range(4)},
        "other": {seed: Curve([0.4, 0.6], 30 + seed, None) for seed in range(4)},
    }
    figures = summary(curves)
    assert figures["searchers"]["one"]["median_trainings_to_top10"] == 11.5
    assert figures["searchers"]["one"]["curve"]["mean"] == [0.5, 0.8]
    assert figures["searchers"]["other"]["evaluations_to_target"] == [None] * 4
    assert figures["differences"]["other"]["mean"] == pytest.approx(0.15)
    assert figures["differences"]["other"]["p"] == pytest.approx(2 / 16)


def test_a_search_that_found_nothing_within_the_bounds_counts_as_zero() -> None:
    nothing = float("nan")
    curves = {
        "one": {seed: Curve([nothing, nothing], None, None) for seed in range(2)},
        "other": {seed: Curve([nothing, 0.6], None, None) for seed in range(2)},
    }
    figures = summary(curves)
    assert figures["searchers"]["one"]["best"] == [None, None]
    assert figures["differences"]["other"]["mean"] == pytest.approx(-0.3)
    assert figures["differences"]["other"]["p"] == 0.5


def controller(seed: int = 0) -> Controller:
    return Controller(None, SMALL, budget=Budget(episodes=1, steps=1, child_epochs=1), seed=seed)


@pytest.mark.parametrize("name", ["rena", "evolution", "tpe"])
def test_a_search_that_was_cut_short_goes_on_to_the_same_end(tmp_path: Path, name: str) -> None:
    task = tables.table(tmp_path)
    whole = search(controller(), task, name, 14, tmp_path / "whole", CPU)
    search(controller(), task, name, 6, tmp_path / "parts", CPU)
    journal = tmp_path / "parts" / "ledger.journal"
    journal.write_bytes(journal.read_bytes()[:-7])  # as a kill leaves it
    assert search(controller(), task, name, 14, tmp_path / "parts", CPU) == whole
    assert len(whole) == 14


def test_children_are_trained_and_a_comparison_can_be_extended(tmp_path: Path) -> None:
    from tests.search.test_fit import controller as with_networks

    whole = search(with_networks(), TinyTask(), "hill", 12, tmp_path / "whole", CPU)
    search(with_networks(), TinyTask(), "hill", 5, tmp_path / "parts", CPU)
    assert search(with_networks(), TinyTask(), "hill", 12, tmp_path / "parts", CPU) == whole
    assert {evaluation.status for evaluation in whole} == {"done"}
    assert any(evaluation.inherited for evaluation in whole)
    assert Ledger(tmp_path / "parts" / "ledger.journal").evaluations() == whole


def test_a_search_whose_children_fail_says_why(tmp_path: Path) -> None:
    from tests.search.test_fit import controller as with_networks

    made = with_networks(metric="tests.search.test_compare.of_the_start_only")
    with pytest.raises(
        RenaError, match="12 of 12 children failed, 12 of them with .*of_the_start_only"
    ):
        search(made, TinyTask(), "random", 40, tmp_path, CPU)


measured = 0


def of_the_start_only(*_: object) -> float:
    global measured
    measured += 1
    return 0.5 if measured == 1 else float("nan")


def test_a_space_that_is_exhausted_ends_the_search(tmp_path: Path) -> None:
    file = tables.write_table(tmp_path)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:13]) + "\n")
    small = tables.Table(file, tables.DECISIONS, ["params"], "seen")
    made = Controller(None, Objective(), budget=Budget(episodes=1, steps=1, child_epochs=1))
    evaluations = search(made, small, "rena", 50, tmp_path / "run", CPU)
    assert len({evaluation.architecture for evaluation in evaluations}) == 12


def test_only_weights_of_possible_parents_are_kept(tmp_path: Path) -> None:
    from tests.search.test_fit import controller as with_networks

    evaluations = search(with_networks(), TinyTask(), "rena", 20, tmp_path, CPU)
    kept = {file.stem for file in (tmp_path / "weights").iterdir()}
    assert kept < {evaluation.key for evaluation in evaluations if evaluation.status == "done"}
    assert len(kept) == Imagination().elite

"""The contract of every searcher, in a table and among networks."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rena_pl.evaluation.evaluation import START, Candidate
from rena_pl.evaluation.evaluator import Evaluator, Scored, Scorer
from rena_pl.evaluation.ledger import Ledger
from rena_pl.objective import Constraint, Objective
from rena_pl.resources import NetworkResources
from rena_pl.search.budget import Budget
from rena_pl.search.controller import Controller
from rena_pl.search.searchers.by_name import NAMES as ALL
from rena_pl.search.searchers.evolution import Evolution
from rena_pl.search.searchers.hill import HillClimbing
from rena_pl.search.searchers.searcher import Ground, Proposal, Searcher
from rena_pl.search.searchers.uniform import RandomSearch
from rena_pl.search.searchers.with_optuna import tpe
from rena_pl.search.update import run_update
from rena_pl.space.starts import rudimentary
from rena_pl.tabular import Table
from tests import tables
from tests.search import synthetic

NAMES = [name for name in ALL if name != "gp"]
EACH = pytest.mark.parametrize("name", NAMES)


def searcher(name: str, ground: Ground, steps: int = 1) -> Searcher:
    controller = Controller(budget=Budget(episodes=2, steps=steps), seed=ground.seed)
    return controller.make_searcher(ground, name)


def rounds(made, ground, asked: Searcher, count: int, each: int = 1) -> list:
    answers: list = []
    while len(answers) < count:
        proposals = asked.ask(each)
        told = [
            tables.answer(made, ground, proposal, len(answers) + n)
            for n, proposal in enumerate(proposals)
        ]
        asked.tell(told)
        answers += told
    return answers


@pytest.mark.parametrize("name", [name for name in NAMES if name != "paper"])  # its last draw stays
def test_only_feasible_rows_are_asked_for(name: str, tmp_path: Path) -> None:
    made, ground = tables.ground(tmp_path)
    answers = rounds(made, ground, searcher(name, ground), 30, each=2)
    assert all(evaluation.profile["params"] <= 25 for evaluation in answers)
    assert all(evaluation.parent is None for evaluation in answers)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "paper"])
def test_the_only_feasible_row_of_a_table_is_found(name: str, tmp_path: Path) -> None:
    """One of 4,096 rows keeps the bound, and no row beside it does."""
    file = tmp_path / "table.csv"
    rows = itertools.product("abcd", repeat=6)
    lines = (",".join([*row, str(len(set(row) ^ {"d"})), "0.5"]) for row in rows)
    file.write_text("\n".join(["1,2,3,4,5,6,params,seen", *lines]))
    made = Table(file, list("123456"), ["params"], "seen")
    objective = Objective((Constraint("params", max=0.5),))
    ground = Ground(made.space, objective, made.resources)
    (proposal,) = searcher(name, ground).ask(1)
    assert ground.feasible(proposal.architecture)


@pytest.mark.parametrize("name", ["random", "rena"])
def test_feasible_rows_of_a_table_with_gaps_are_found(name: str, tmp_path: Path) -> None:
    """A tenth of all combinations are rows, and one in a hundred of these keeps the bound."""
    file = tmp_path / "table.csv"
    rows = random.Random(0).sample([*itertools.product("abcdefghij", repeat=4)], 1000)
    lines = [",".join([*row, str(number % 100), "0.5"]) for number, row in enumerate(rows)]
    file.write_text("\n".join(["1,2,3,4,params,seen", *lines]))
    made = Table(file, list("1234"), ["params"], "seen")
    ground = Ground(made.space, Objective((Constraint("params", max=0.5),)), made.resources)
    assert len(ground.listed) == 10
    (proposal,) = searcher(name, ground).ask(1)
    assert ground.feasible(proposal.architecture)


def test_a_sampler_learns_what_is_infeasible(tmp_path: Path) -> None:
    """Else it proposes it again and again: 200 to 300 times for these 20 trainings."""
    made, wide = tables.ground(tmp_path)
    ground = replace(wide, objective=Objective((Constraint("params", max=14),)))
    asked = tpe(ground)
    rounds(made, ground, asked, 20)
    assert len(asked.study.trials) < 100


@EACH
def test_the_same_answers_lead_to_the_same_questions(name: str, tmp_path: Path) -> None:
    made, ground = tables.ground(tmp_path, seed=3)
    first, again = (rounds(made, ground, searcher(name, ground), 25) for _ in range(2))
    assert first == again
    _, other = tables.ground(tmp_path, seed=4)
    assert rounds(made, other, searcher(name, other), 25) != first


@pytest.mark.parametrize("name", [name for name in NAMES if name != "paper"])
def test_nothing_is_asked_for_twice(name: str, tmp_path: Path) -> None:
    made, ground = tables.ground(tmp_path)
    answers = rounds(made, ground, searcher(name, ground), 60, each=3)
    assert len({evaluation.architecture for evaluation in answers}) == len(answers)


def sometimes_failing(candidate: Candidate, *given: Any) -> Scored:
    """As large a part of the children as two thirds."""
    if candidate.place != START and int(candidate.architecture.arch_id, 16) % 3:
        raise MemoryError("of a kind")
    return synthetic.made_up_accuracy(candidate, *given)


@EACH
@pytest.mark.parametrize("scorer", [synthetic.made_up_accuracy, sometimes_failing])
def test_networks_inherit_from_networks_that_were_trained(
    name: str, scorer: Scorer, tmp_path: Path
) -> None:
    space, objective = synthetic.space(), synthetic.objective()
    resources = NetworkResources(synthetic.INPUT, synthetic.CLASSES)
    ground = Ground(space, objective, resources, rudimentary(space), 1)
    evaluator = Evaluator(resources, objective, Ledger(tmp_path / "ledger"), scorer, "setting")

    def evaluate_all(candidates):
        return [evaluator.evaluate(candidate) for candidate in candidates]

    asked = searcher(name, ground, steps=2)
    asked.tell(evaluate_all([Candidate(ground.start, None, 1, START)]))
    for update in range(4):
        run_update(asked, update, 4, Budget(child_epochs=1).training, evaluate_all)
    evaluations = evaluator.ledger.evaluations()
    assert len(evaluations) > 8
    done = {evaluation.key for evaluation in evaluations if evaluation.status == "done"}
    assert all(evaluation.parent in done for evaluation in evaluations[1:])
    assert asked.parents(evaluations) <= {evaluation.key for evaluation in evaluations}
    assert asked.best.status == "done"
    if name != "paper":  # its last draw stays, whatever it is
        assert "infeasible" not in {evaluation.status for evaluation in evaluations}
    assert any(evaluation.status == "failed" for evaluation in evaluations) == (
        scorer is sometimes_failing
    )


def test_a_parent_is_the_network_with_most_layers_in_common(tmp_path: Path) -> None:
    space = synthetic.space()
    resources = NetworkResources(synthetic.INPUT, synthetic.CLASSES)
    ground = Ground(space, synthetic.objective(), resources, rudimentary(space), 1)
    asked = RandomSearch(ground)
    near = ground.draw(asked.rng)
    far = ground.start
    made = [tables.Evaluation(str(n), a, None, 1, (n, 0, 0), {}, "done", 0.5, 0.5)
            for n, a in enumerate((far, near))]  # fmt: skip
    asked.tell(made)
    assert asked.nearest(near) == "1"
    assert asked.nearest(far) == "0"


def test_evolution_keeps_its_population_young(tmp_path: Path) -> None:
    made, ground = tables.ground(tmp_path)
    asked = Evolution(ground, population=5, sample=2)
    answers = rounds(made, ground, asked, 20)
    assert len(asked.population) == 5
    assert answers[-1] in asked.population
    assert answers[0] not in asked.population


def test_evolution_takes_no_member_that_failed(tmp_path: Path) -> None:
    made, ground = tables.ground(tmp_path)
    asked = Evolution(ground, population=2, sample=1)
    rows = [row for row in made.architectures() if ground.feasible(row)]
    answers = [tables.answer(made, ground, Proposal(row), n) for n, row in enumerate(rows[:-1])]
    failed = [replace(e, status="failed", accuracy=None, reward=0.0) for e in answers[1:]]
    asked.tell([answers[0], *failed])
    for _ in range(10):
        asked.ask(1)
        assert {member.status for member in asked.population} == {"done"}


def test_evolution_takes_the_best_of_its_sample(tmp_path: Path) -> None:
    made, ground = tables.ground(tmp_path)
    asked = Evolution(ground, population=5, sample=5)
    rounds(made, ground, asked, 5)
    best = max(asked.population, key=lambda member: member.reward)
    (proposal,) = asked.ask(1)
    assert proposal.architecture.layers_apart(best.architecture) == 1


def test_hill_climbing_has_patience_for_so_many_failures(tmp_path: Path) -> None:
    made, ground = tables.ground(tmp_path)
    asked = HillClimbing(ground, patience=3)
    (first,) = rounds(made, ground, asked, 1)
    worse = [replace(first, key=str(n), reward=first.reward - 1) for n in range(1, 4)]
    asked.tell(worse[:2])
    assert asked.here == first
    asked.tell(worse[2:])
    assert asked.here is None


def test_the_best_evaluation_of_an_architecture_is_known(tmp_path: Path) -> None:
    made, ground = tables.ground(tmp_path)
    asked = RandomSearch(ground)
    (one,) = rounds(made, ground, asked, 1)
    better, worse = (
        replace(one, key=k, reward=one.reward + gain) for k, gain in (("b", 1), ("w", -1))
    )
    asked.tell([better, worse])
    assert asked.known[one.architecture] == better


def test_hill_climbing_moves_up_and_starts_again(tmp_path: Path) -> None:
    made, ground = tables.ground(tmp_path)
    asked = HillClimbing(ground, patience=8)
    here = []
    for _number in range(60):
        rounds(made, ground, asked, 1)
        here.append(None if asked.here is None else asked.here.reward)
    assert None in here
    climbs = [pair for pair in itertools.pairwise(here) if None not in pair]
    assert all(after >= before for before, after in climbs)
    assert any(after > before for before, after in climbs)


def test_only_neighbours_that_are_no_better_count(tmp_path: Path) -> None:
    """However many are trained at once, of which the first are random."""
    made, ground = tables.ground(tmp_path)
    asked = HillClimbing(ground, patience=8)
    rounds(made, ground, asked, 12, each=12)
    assert asked.failures == 0
    assert asked.here is not None
    best = asked.here.reward
    answers = rounds(made, ground, asked, 6, each=6)
    assert asked.failures <= 6
    assert asked.here.reward == max(best, *(answer.reward for answer in answers))


def test_the_policy_gradient_begins_elsewhere_when_nothing_new_is_left(tmp_path: Path) -> None:
    made, ground = tables.ground(tmp_path)
    asked = searcher("paper", ground)
    rows = [row for row in made.architectures() if ground.feasible(row)]
    asked.tell([tables.answer(made, ground, Proposal(row), n) for n, row in enumerate(rows)])
    rounds(made, ground, asked, 1)
    assert asked.policy.begun == asked.update == 1

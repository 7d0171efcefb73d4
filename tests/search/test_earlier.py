"""A search that starts with what an earlier one learnt under other bounds."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rena_pl.child.teaching import TaughtData
from rena_pl.data.front_end import SpeechFrontEnd
from rena_pl.data.tensor_task import Split
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import FINAL, START, Evaluation
from rena_pl.evaluation.ledger import Ledger
from rena_pl.objective import Constraint, Objective
from rena_pl.resources import NetworkResources
from rena_pl.search.budget import Budget
from rena_pl.search.controller import Controller
from rena_pl.search.earlier import read_earlier
from rena_pl.search.run_folder import RunFolder
from rena_pl.search.searchers.rena import Imagination, Rena
from rena_pl.search.searchers.searcher import Ground
from rena_pl.space import SearchSpace
from rena_pl.space.starts import rudimentary
from tests import tables
from tests.search import synthetic
from tests.search.test_fit import controller
from tests.tasks import CLASSES, INPUT, TinyTask

UPDATES = 2


def fit(made: Controller, folder: Path, updates: int = UPDATES) -> Controller:
    synthetic.trainer(updates, folder, RunFolder(folder, {})).fit(made)
    return made


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished search."""
    folder = tmp_path_factory.mktemp("before")
    fit(controller(), folder)
    return folder


def tighter(before: Path, seed: int = 1) -> Controller:
    """A search that goes on from it, where its best network is too large."""
    best = read_earlier(before).best
    assert best is not None
    made = controller(seed, init_from=str(before))
    made.objective = Objective([Constraint("params", max=best.profile["params"] - 1)])
    return made


def test_the_start_network_is_near_the_best_and_inherits_its_weights(
    before: Path, tmp_path: Path
) -> None:
    best = read_earlier(before).best
    made = fit(tighter(before), tmp_path)
    start, *others = made.ledger.evaluations()
    assert best is not None
    assert start.place == START
    assert start.parent == best.key
    assert start.inherited > 0
    assert start.trained == best.trained + start.budget
    assert all(e.profile["params"] < best.profile["params"] for e in [start, *others])
    assert {e.parent for e in others if e.place[0] == FINAL} == {None}


def test_a_search_that_found_nothing_better_than_its_start_is_one_too(tmp_path: Path) -> None:
    """With as many epochs at first as in full, the start network is trained once for both."""
    made = controller()
    made.budget = Budget(episodes=1, steps=1, child_epochs=1, start_epochs=3, final_epochs=3)
    only = NetworkResources(INPUT, CLASSES).profile(made.start)["params"]
    made.objective = Objective([Constraint("params", min=only, max=only)])
    fit(made, tmp_path, updates=1)
    best = read_earlier(tmp_path).best
    assert best is not None
    assert best.place == START


def test_the_policy_goes_on_from_the_one_it_ended_with(before: Path, tmp_path: Path) -> None:
    made = tighter(before)
    fit(made, tmp_path, updates=0)
    ended = read_earlier(before).policy
    for name, values in made.policy.state_dict().items():
        if name not in ("baseline", "begun"):
            assert torch.equal(values, ended[name]), name
    assert made.policy.baseline.isnan()
    assert made.policy.begun == 0


@pytest.mark.parametrize(
    "other", [{"pool": {"mode": ("max",)}}, {"temporal": {"kernel": (5,)}}], ids=["more", "as many"]
)
def test_a_policy_of_another_space_begins_anew(before: Path, tmp_path: Path, other) -> None:
    made = tighter(before)
    choices = {**made.space.choices}
    for kind, values in other.items():
        choices[kind] = {**choices.get(kind, {}), **values}
    made.space = SearchSpace(choices, max_layers=3)
    with pytest.warns(UserWarning, match="this one begins anew"):
        fit(made, tmp_path, updates=1)


def test_it_goes_on_as_if_it_had_not_ended(before: Path, tmp_path: Path) -> None:
    whole = fit(tighter(before), tmp_path / "whole", 3).ledger.evaluations()
    fit(tighter(before), tmp_path / "parts", 1)
    shutil.rmtree(tmp_path / "parts" / "checkpoints")
    children = [e for e in whole if e.place[0] < FINAL]
    parts = fit(tighter(before), tmp_path / "parts", 3).ledger.evaluations()
    assert [e for e in parts if e.place[0] < FINAL] == children


def trained_until_best(folder: Path, seed: int, bound: float, earlier: list[Evaluation]) -> int:
    """How many rows of the table are looked up until the best within the bound is found."""
    table, _ = tables.ground(folder)
    bounds = Objective([Constraint("params", max=bound)])
    ground = Ground(table.space, bounds, table.resources, None, seed, past=earlier)
    feasible = [row for row in table.architectures() if ground.feasible(row)]
    imagination = Imagination(warm_up=0, candidates=60)
    searcher = Rena(ground, imagination=imagination)
    best, number = max(map(table.score, feasible)), 0
    while True:
        number += 1
        (proposal,) = searcher.ask(1)
        evaluation = tables.answer(table, ground, proposal, number)
        searcher.tell([evaluation])
        if table.score(proposal.architecture) == best:
            return number


def test_the_model_knows_what_the_earlier_search_found(tmp_path: Path) -> None:
    """What it learnt where large rows are allowed leads to the best of the small ones sooner."""
    table, ground = tables.ground(tmp_path)
    searcher = Rena(ground, imagination=Imagination(warm_up=0, candidates=60))
    for number in range(40):
        searcher.tell(
            [tables.answer(table, ground, proposal, number) for proposal in searcher.ask(1)]
        )
    cold, warm = (
        sum(trained_until_best(tmp_path, seed, 15, earlier) for seed in range(6))
        for earlier in ([], searcher.seen)
    )
    assert warm < 0.8 * cold


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: shutil.rmtree(run), "holds no ledger.journal of a search"),
        (lambda run: (run / "ledger.journal").write_text("x\n"), "ledger.journal: is no ledger"),
        (lambda run: (run / "checkpoints" / "last.ckpt").write_text("x"), "no checkpoint can be"),
        (lambda run: (run / "best" / "model.safetensors").unlink(), "holds no weights"),
        (lambda run: (run / "best" / "architecture.json").write_text("{}"), "architecture.json"),
    ],
)
def test_what_cannot_be_read_is_named(before: Path, tmp_path: Path, damage, message: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(before, run)
    damage(run)
    with pytest.raises(RenaError, match=message):
        controller(init_from=str(run))


def other_space() -> SearchSpace:
    return SearchSpace({"dense": {"units": [16, 64], "activation": ["relu"]}}, max_layers=3)


def test_networks_of_another_space_teach_only(before: Path, tmp_path: Path) -> None:
    """The start network is the search's own, and nothing of the other space is taken for known."""
    made = tighter(before)
    made.space, made.start = other_space(), rudimentary(other_space())
    with pytest.warns(UserWarning, match="this one begins anew"):
        fit(made, tmp_path, updates=1)
    start, *_ = made.ledger.evaluations()
    assert start.architecture == made.start
    assert start.parent is None
    assert made.ground.past == []
    assert isinstance(made.evaluator.scorer.data, TaughtData)


def test_only_a_network_that_is_too_large_teaches(before: Path, tmp_path: Path) -> None:
    made = controller(1, init_from=str(before))
    fit(made, tmp_path, updates=0)
    assert not isinstance(made.evaluator.scorer.data, TaughtData)
    made.objective = Objective([Constraint("params", min=10_000)])
    assert not read_earlier(before).is_too_large(made.ground)
    soft = Objective([Constraint("params", max=10, penalty=0.9)])
    assert read_earlier(before).is_too_large(replace(made.ground, objective=soft))


def test_what_is_taught_is_another_setting(before: Path, tmp_path: Path) -> None:
    """Else a search without a teacher would take its evaluations for its own."""
    cold, warm = controller(1), controller(1, init_from=str(before))
    for made in (cold, warm):
        made.space, made.start = other_space(), rudimentary(other_space())
        made.objective = Objective([Constraint("params", max=150)])
        fit(made, tmp_path / str(id(made)), updates=0)
    assert cold.ground.start == warm.ground.start
    assert cold.evaluator.setting != warm.evaluator.setting


def test_a_search_that_was_made_longer_is_one_to_go_on_from(tmp_path: Path) -> None:
    """Its full trainings of both times have the same places."""
    fit(controller(4), tmp_path, 1)
    fit(controller(4), tmp_path, 4)
    earlier = read_earlier(tmp_path)
    assert earlier.best is not None
    journal = Ledger(tmp_path / "ledger.journal").evaluations()
    in_full = [e for e in journal if e.place[0] == FINAL]
    assert len({e.place for e in in_full}) < len(in_full)
    assert {e.key for e in in_full} <= {e.key for e in earlier.trained}


def test_one_that_went_on_meanwhile_is_another_setting(tmp_path: Path) -> None:
    """Where it is not at its end: what it knows decides what is asked for."""
    made = fit(controller(), tmp_path / "before")
    (tmp_path / "before" / "summary.json").unlink()
    keys = []
    for updates in (UPDATES, UPDATES + 1):
        after = fit(controller(seed=1, init_from=str(tmp_path / "before")), tmp_path / str(updates))
        keys.append({e.key for e in after.ledger.evaluations()})
        if updates == UPDATES:
            made = fit(controller(), tmp_path / "before", UPDATES + 1)
            (tmp_path / "before" / "summary.json").unlink()
    assert made.summary is not None
    assert not keys[0] & keys[1]


def test_one_after_another(before: Path, tmp_path: Path) -> None:
    """A search that began from one is one to begin from."""
    fit(tighter(before), tmp_path / "second")
    third = controller(2, init_from=str(tmp_path / "second"))
    fit(third, tmp_path / "third", updates=1)
    assert third.ledger.evaluations()[0].parent == read_earlier(tmp_path / "second").best.key


class Renamed(TinyTask):
    labels = ["high", "middle", "low"]


class WithFrontEnd(TinyTask):
    front_end = SpeechFrontEnd()


class WithMore(TinyTask):
    labels = ["low", "middle", "high", "silence"]


class Wide(TinyTask):
    input_shape = (1, 6, 16)

    def load(self) -> dict[str, Split]:
        return {
            name: Split(split.features.repeat(1, 1, 1, 1, 2), split.targets)
            for name, split in super().load().items()
        }


def test_a_search_by_another_metric_is_refused(before: Path, tmp_path: Path) -> None:
    made = tighter(before)
    made.metric = "balanced_accuracy"
    with pytest.raises(RenaError, match="its metric is accuracy, not balanced_accuracy"):
        fit(made, tmp_path)


def test_what_was_trained_on_another_task_is_not_known(before: Path, tmp_path: Path) -> None:
    """Not even where nothing says what the other search was for, since it did not end."""
    unfinished = tmp_path / "before"
    shutil.copytree(before, unfinished)
    (unfinished / "summary.json").unlink()
    made = fit(controller(init_from=str(unfinished)), tmp_path / "same")
    assert made.ground.past
    other = controller(task=Wide(), init_from=str(unfinished))
    assert fit(other, tmp_path / "other").ground.past == []


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Renamed, "its classes are .*'low', 'middle', 'high'"),
        (WithMore, "is for another task"),
        (WithFrontEnd, "its features are made with other settings"),
    ],
)
def test_a_search_of_another_task_is_refused(before: Path, tmp_path: Path, task, message) -> None:
    made = tighter(before)
    made.task = task()
    with pytest.raises(RenaError, match=message):
        fit(made, tmp_path)

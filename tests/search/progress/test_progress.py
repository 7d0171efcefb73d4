"""How far a search is, and how good the estimates of the time left are."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rena_pl.architecture import Architecture
from rena_pl.evaluation.evaluation import FINAL, START, Evaluation, Place
from rena_pl.layers import layer_types
from rena_pl.search.budget import Budget
from rena_pl.search.progress.progress import Progress, duration
from rena_pl.search.search_callback import SearchCallback
from tests.search import synthetic

NETWORK = Architecture((layer_types()["temporal"](channels=8).as_layer(0),))
BUDGET = Budget(episodes=2, steps=2, child_epochs=3, start_epochs=3, final_epochs=20)


class Clock:
    """A clock that is put forward."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    return made


def evaluation(place: Place, budget: int, reward: float = 0.5, pace: float = 2.0) -> Evaluation:
    key = f"{abs(hash((place, reward))) % 16**16:016x}"
    return Evaluation(
        key, NETWORK, None, budget, place, {}, "done", reward, reward, seconds=pace * budget
    )


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("overhead", [0.0, 10.0])
def test_at_a_constant_pace_the_estimate_is_the_time_left(
    clock: Clock, workers: int, overhead: float
) -> None:
    """Two seconds a child-epoch on every worker, and so much more an update."""
    updates, pace = 5, 2.0
    progress = Progress(BUDGET, updates, workers)
    assert progress.seconds_left() is None
    update = BUDGET.children * 3 * pace / workers + overhead
    rounds = -(-BUDGET.full_trainings // workers)
    progress.count(evaluation(START, 3))
    for number in range(updates):
        progress.begin_update(number)
        for child in range(BUDGET.children):
            clock.now += update / BUDGET.children
            progress.count(evaluation((number, child // 2, child % 2), 3))
            if number > 0:  # the first update tells how long one takes
                left = update * (updates - number - (child + 1) / BUDGET.children)
                assert progress.seconds_left() == pytest.approx(left + rounds * 20 * pace)
        progress.end_update(number)
    assert progress.children == progress.all_children == 20
    clock.now += 7
    assert progress.seconds_left() == pytest.approx(rounds * 20 * pace - 7)
    for number in range(BUDGET.full_trainings):
        progress.count(evaluation((FINAL, number, 0), 20))
    assert progress.seconds_left() == 0


def test_updates_that_were_found_in_the_ledger_tell_nothing_of_time(clock: Clock) -> None:
    progress = Progress(BUDGET, 4)
    for number in range(2):
        for child in range(BUDGET.children):
            progress.count(evaluation((number, child, 0), 3))
    for number in range(2):
        progress.begin_update(number)
        clock.now += 0.01
        progress.end_update(number)
    assert progress.seconds_left() == pytest.approx(2 * 4 * 3 * 2.0 + 4 * 20 * 2.0)


def test_a_start_that_inherits_is_trained_in_full_however_long_it_was_trained(clock: Clock) -> None:
    budget = replace(BUDGET, start_epochs=7, final_epochs=7)
    progress = Progress(budget, 1)
    assert progress.all_full_trainings == budget.final_candidates
    progress.count(replace(evaluation(START, 7), parent="0123456789abcdef"))
    assert progress.all_full_trainings == budget.final_candidates + 1


def test_a_search_without_full_trainings_ends_with_its_updates(clock: Clock) -> None:
    progress = Progress(BUDGET, 1, ends_in_full=False)
    progress.begin_update(0)
    progress.count(evaluation((0, 0, 0), 3))
    progress.end_update(0)
    assert progress.seconds_left() == 0


@given(st.permutations(range(6)), st.lists(st.sampled_from([0.1, 0.5, 0.9]), min_size=6))
def test_the_best_does_not_depend_on_who_is_first(order: list[int], rewards: list[float]) -> None:
    children = [evaluation((n, 0, 0), 1, rewards[n]) for n in range(6)]
    progress = Progress(BUDGET, 6)
    for number in order:
        progress.count(children[number])
    assert progress.best == max(children, key=lambda child: child.reward)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (89, "89 s"), (100, "2 min"), (7500, "2 h 5 min")]
)
def test_times_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


class Heard(SearchCallback):
    def __init__(self) -> None:
        self.keys: list[str] = []

    def on_evaluation(self, trainer, controller, evaluation) -> None:
        self.keys.append(evaluation.key)


def test_callbacks_hear_of_every_evaluation_once(tmp_path: Path) -> None:
    budget = Budget(episodes=2, steps=2, child_epochs=1)
    first, rest = Heard(), Heard()
    synthetic.trainer(2, tmp_path, first).fit(synthetic.controller(0, budget))
    made = synthetic.controller(0, budget)
    synthetic.trainer(4, tmp_path, rest).fit(made)
    assert not set(first.keys) & set(rest.keys)
    assert sorted(first.keys + rest.keys) == sorted(e.key for e in made.ledger.evaluations())

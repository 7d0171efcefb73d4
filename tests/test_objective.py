from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rena_pl.errors import RenaError
from rena_pl.objective import Constraint, Objective

positive = st.floats(1e-3, 1e6)


def test_reward_by_hand() -> None:
    objective = Objective(
        [Constraint("params", max=100, penalty=0.5), Constraint("intensity", min=10, penalty=0.9)]
    )
    assert objective.reward(0.8, {"params": 100, "intensity": 10}) == 0.8
    assert objective.reward(0.8, {"params": 300, "intensity": 10}) == pytest.approx(0.8 * 0.5**2)
    assert objective.reward(0.8, {"params": 150, "intensity": 5}) == pytest.approx(
        0.8 * 0.5**0.5 * 0.9**1
    )


def test_a_broken_hard_bound_is_worth_less_than_any_network() -> None:
    objective = Objective([Constraint("params", max=100)])
    assert objective.reward(0.9, {"params": 150}) == -0.5
    assert objective.reward(0.9, {"params": 1e9}) == -1.0
    assert not objective.feasible({"params": 101})
    assert objective.feasible({"params": 100})


@given(positive, positive, positive)
def test_two_sided_bounds(use: float, low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)
    violation = Constraint("macs", min=low, max=high).violation({"macs": use})
    assert (violation == 0) == (low <= use <= high)
    assert violation >= 0


@given(st.floats(0, 1), positive, st.floats(0.01, 1))
def test_soft_penalties_only_ever_cut_the_reward(accuracy, use, penalty) -> None:
    objective = Objective([Constraint("macs", max=10, penalty=penalty)])
    assert 0 <= objective.reward(accuracy, {"macs": use}) <= accuracy


@given(st.floats(-1, 0), positive, st.floats(0.01, 1))
def test_a_metric_below_nothing_is_worth_nothing(metric, use, penalty) -> None:
    """Else a network would gain by breaking its bounds, or by failing."""
    objective = Objective([Constraint("macs", max=10, penalty=penalty)])
    assert objective.reward(metric, {"macs": use}) == 0 == objective.failure_reward


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"entry": "params"}, "give max, min or both"),
        ({"entry": "params", "max": -1}, "must be above 0"),
        ({"entry": "params", "max": float("nan")}, "must be above 0"),
        ({"entry": "params", "min": 3, "max": 2}, "min 3 is above max 2"),
        ({"entry": "params", "max": 3, "penalty": 1.5}, "penalty 1.5"),
        ({"entry": "params", "max": 3, "penalty": 0.0}, "penalty 0.0"),
    ],
)
def test_bad_constraints_are_refused(settings: dict, sentence: str) -> None:
    with pytest.raises(RenaError, match=sentence):
        Constraint(**settings)


def test_one_constraint_per_entry() -> None:
    with pytest.raises(RenaError, match="two constraints on params"):
        Objective([Constraint("params", max=3), Constraint("params", min=2)])


def test_constraints_read_well() -> None:
    assert str(Constraint("params", max=100_000)) == "params <= 100,000"
    assert str(Constraint("intensity", min=10, max=20)) == "10 <= intensity <= 20"


def test_a_bound_on_something_unknown_is_refused() -> None:
    objective = Objective([Constraint("speed", max=1)])
    with pytest.raises(RenaError, match="unknown constraint entry 'speed'; known are params, macs"):
        objective.check(("params", "macs"))

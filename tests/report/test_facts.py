"""What the report says of a search."""

from __future__ import annotations

from math import sqrt
from pathlib import Path
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rena_pl.evaluation.evaluation import START
from rena_pl.objective import Constraint
from rena_pl.report import facts
from rena_pl.report.best import layer_costs
from rena_pl.report.run import Run, read_run
from rena_pl.resources.profile import profile
from tests.report.runs import CLASSES, INPUT, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "made"
    write_run(folder)
    return read_run(folder)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_bounds_are_where_the_score_test_ends(counts: tuple[int, int]) -> None:
    """At each bound p, the share lies z standard errors of p away."""
    right, total = counts
    interval = facts.wilson(right, total)
    assert 0 <= interval.low <= interval.share <= interval.high <= 1
    z = NormalDist().inv_cdf(0.975)
    for bound in (interval.low, interval.high):
        if 1e-9 < bound < 1 - 1e-9:  # at an end they are the share itself
            error = sqrt(bound * (1 - bound) / total)
            assert abs(interval.share - bound) == pytest.approx(z * error, rel=1e-6)


def test_wilson_of_a_published_example() -> None:
    """Newcombe 1998, table I: 81 of 263 is 0.2553 to 0.3662."""
    interval = facts.wilson(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize("entry", ["params", "peak_memory", "flops"])
def test_no_network_beats_the_front_and_the_front_beats_all_others(run: Run, entry: str) -> None:
    front = facts.pareto_front(run, entry)
    inside = [
        e
        for e in [*run.searched, *run.in_full]
        if e.status == "done" and run.objective.meets_all(e.profile)
    ]
    assert front

    def beats(one, other) -> bool:
        better = (one.profile[entry] <= other.profile[entry], one.accuracy >= other.accuracy)
        equal = (one.profile[entry], one.accuracy) == (other.profile[entry], other.accuracy)
        return all(better) and not equal

    assert not any(beats(e, member) for member in front for e in inside)
    for e in inside:
        same = any((m.profile[entry], m.accuracy) == (e.profile[entry], e.accuracy) for m in front)
        assert same or any(beats(member, e) for member in front)


def test_where_more_is_better_the_front_runs_the_other_way(tmp_path: Path) -> None:
    write_run(tmp_path / "run", constraints=[Constraint("intensity", min=1, penalty=0.5)])
    run = read_run(tmp_path / "run")
    front = facts.pareto_front(run, "intensity")
    uses = [e.profile["intensity"] for e in front]
    assert uses == sorted(uses, reverse=True)
    assert facts.prefers_more(run, "intensity")


def test_every_child_is_in_one_update(run: Run) -> None:
    updates = facts.updates(run)
    assert [update.number for update in updates] == [1, 2, 3, 4, 5]
    assert sum(len(update.rewards) for update in updates) == len(run.searched) - 1
    bests = [update.best for update in updates]
    assert bests == sorted(bests)
    assert bests[-1] == max(e.reward for e in run.searched)
    infeasible = sum(e.status == "infeasible" for e in run.searched)
    assert infeasible > 0
    left_out = sum((1 - update.feasible) * len(update.rewards) for update in updates)
    assert left_out == pytest.approx(infeasible)


def test_the_lineage_leads_from_the_start_to_the_best(run: Run) -> None:
    steps = facts.lineage(run)
    assert steps[0].evaluation.place == START
    assert steps[0].changes == []
    assert run.summary is not None
    assert steps[-1].evaluation.architecture.arch_id == run.summary.arch_id
    assert all(step.changes for step in steps[1:])


def test_parents_in_a_circle_end_a_lineage(run: Run) -> None:
    from dataclasses import replace

    one, other = run.searched[1], run.searched[2]
    circle = [replace(one, parent=other.key), replace(other, parent=one.key)]
    turned = replace(run, evaluations=circle, summary=None)
    assert len(facts.lineage(turned)) <= 2
    assert facts.first_parent(turned, circle[0]) is not None


def test_phases_cost_what_the_ledger_says(run: Run) -> None:
    assert run.summary is not None
    assert sum(phase.epochs for phase in facts.phases(run)) == run.summary.child_epochs


def test_a_payoff_counts_only_what_was_the_one_change(run: Run) -> None:
    single = [
        e for e in run.searched if e.status == "done" and len(facts.changes_of(run, e) or ()) == 1
    ]
    payoffs = facts.payoffs(run)
    assert sum(payoff.count for payoff in payoffs) == len(single) > 0
    gained = sum(payoff.gain * payoff.count for payoff in payoffs)
    parents = [facts.first_parent(run, e) for e in single]
    rewards = sum(e.reward - p.reward for e, p in zip(single, parents, strict=True) if p)
    assert gained == pytest.approx(rewards)


def test_the_most_confused_come_first() -> None:
    pairs = facts.most_confused([[5, 1, 0], [3, 0, 0], [0, 2, 9]], ["a", "b", "c"], 2)
    assert [(p.true, p.taken_for, p.count, p.total) for p in pairs] == [
        ("b", "a", 3, 3),
        ("c", "b", 2, 11),
    ]


def test_layers_add_up_to_the_profile(run: Run) -> None:
    """Parameters and multiply-adds are sums, memory is a maximum."""
    for evaluation in run.searched:
        costs = layer_costs(evaluation.architecture, INPUT, CLASSES)
        use = profile(evaluation.architecture, INPUT, CLASSES)
        assert costs is not None
        assert sum(cost.params for cost in costs) == use.params
        assert sum(cost.macs for cost in costs) == use.macs
        assert max(cost.memory for cost in costs) == use.peak_memory

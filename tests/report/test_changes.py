"""What is worked out from parent and child is what was done."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from rena_pl.architecture import Architecture
from rena_pl.report.changes import changes
from rena_pl.space import SearchSpace
from rena_pl.space.actions import Action, Insert, Remove, Scale
from rena_pl.space.starts import rudimentary
from tests.report.runs import SPACE

WALKS = SearchSpace(SPACE, max_layers=7)
NAMES = {Scale: "scale", Insert: "insert", Remove: "remove"}


def walk(seed: int, steps: int) -> tuple[Architecture, Architecture, list[Action]]:
    """A random architecture, what some random actions make of it, and the actions."""
    rng = random.Random(seed)
    parent = WALKS.draw(rudimentary(WALKS), rng)
    child, actions = parent, []
    for _ in range(steps):
        actions.append(WALKS.random_action(child, rng))
        child = actions[-1].apply(child)
    return parent, child, actions


@given(st.integers(0, 10**6))
def test_one_action_is_found_again(seed: int) -> None:
    parent, child, (action,) = walk(seed, 1)
    (change,) = changes(parent, child)
    assert change.action == NAMES[type(action)]
    if isinstance(action, Scale):
        was = parent.layers[action.index].values[action.name]
        assert change.text.endswith(f"{action.name} {was} \u2192 {action.value}")
        assert change.text.startswith(f"scale layer {action.index + 1} ")
    elif isinstance(action, Insert):
        assert change.subject == action.kind


@given(st.integers(0, 10**6), st.integers(2, 4))
def test_several_actions_are_told_by_no_more_changes(seed: int, steps: int) -> None:
    parent, child, actions = walk(seed, steps)
    found = changes(parent, child)
    assert bool(found) == (parent != child)
    if not any(isinstance(action, Remove) for action in actions):  # which may take a branch along
        assert len(found) <= max(1, steps)


@given(st.integers(0, 10**6))
def test_nothing_has_changed_in_the_same(seed: int) -> None:
    parent, _, _ = walk(seed, 0)
    assert changes(parent, parent) == []

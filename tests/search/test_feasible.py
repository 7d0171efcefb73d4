"""Where a search starts when its start network breaks a bound."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rena_pl.architecture import Architecture
from rena_pl.errors import RenaError
from rena_pl.layers.registry import layer_type
from rena_pl.objective import Constraint, Objective
from rena_pl.search.prepare import ground_of
from rena_pl.search.searchers.searcher import Ground
from tests.search import synthetic

WIDE = layer_type("temporal")(channels=32, kernel=9, norm="batch").as_layer
START = Architecture(tuple(WIDE(number) for number in range(4)))


def ground(folder: Path, *bounds: Constraint) -> Ground:
    objective = Objective(bounds)
    shapes = synthetic.Shapes()
    return ground_of(shapes, synthetic.space(), objective, START, True, 0, folder / "latency")


def test_a_start_inside_the_bounds_is_kept(tmp_path: Path) -> None:
    assert ground(tmp_path, Constraint("params", max=1_000_000)).start == START


def test_a_start_that_breaks_bounds_gives_way_to_one_near_it(tmp_path: Path) -> None:
    use = ground(tmp_path).resources.profile(START)
    half = Constraint("params", max=use["params"] / 2)
    kept = Constraint("macs", max=use["macs"])
    named = f"which breaks {half} (it has {use['params']:,}, the other "
    with pytest.warns(UserWarning, match=re.escape(named)) as notes:
        found = ground(tmp_path, half, kept)
    assert found.start is not None
    assert found.feasible(found.start)
    assert "macs" not in str(notes[0].message)
    assert len(str(notes[0].message)) < 200


def test_bounds_that_nothing_keeps_are_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RenaError, match=r"inside the bounds: params <= 1 \(nearest: \d+\)"):
        ground(tmp_path, Constraint("params", max=1), Constraint("macs", max=1_000_000_000))

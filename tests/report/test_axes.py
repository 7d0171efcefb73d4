"""Scales and their ticks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rena_pl.report.axes import fitted, tick_text, whole_ticks

VALUES = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20)
SIZES = st.lists(st.floats(1e-3, 1e12), min_size=1, max_size=20)


@given(st.one_of(VALUES, SIZES), st.booleans(), st.integers(3, 10))
def test_values_lie_on_the_paper_and_ticks_between_them_are_few(
    values: list[float], may_log: bool, count: int
) -> None:
    scale = fitted(values, 46, 700, may_log)
    places = [scale(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(46 <= place <= 700 for place in places)
    ticks = scale.ticks(count)
    rounding = 1e-6 * (scale.high - scale.low)  # drawn at the end of the axis
    assert all(scale.low - rounding <= tick <= scale.high + rounding for tick in ticks)
    assert len(ticks) <= 2 * count + 1
    assert len(set(ticks)) == len(ticks)


@given(st.integers(1, 500), st.integers(2, 12))
def test_numbers_of_updates_are_whole(last: int, count: int) -> None:
    ticks = whole_ticks(fitted([1, last], 0, 700), count)
    assert all(float(tick).is_integer() for tick in ticks)
    assert 1 <= len(ticks) <= 2 * count + 1


def test_large_numbers_are_short() -> None:
    assert [tick_text(n) for n in (0, 0.5, 950, 20_000, 1.5e6, 3e9)] == [
        "0",
        "0.5",
        "950",
        "20k",
        "1.5M",
        "3G",
    ]


def test_values_beyond_all_ratios_are_drawn_too() -> None:
    scale = fitted([1e-300, 1.0, 1e30], 0, 100, may_log=True)
    assert all(0 <= scale(value) <= 100 for value in (1e-300, 1.0, 1e30))

"""How long an inference takes, by a clock that stands still in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rena_pl.resources import onnx_runtime
from rena_pl.resources.onnx_runtime import LEAST_RUNS, median_seconds


class Clock:
    """Goes on only while something runs, by as much as it is said to take."""

    def __init__(self, seconds: Iterator[float]) -> None:
        self.seconds = seconds
        self.now = 0.0
        self.runs = 0

    def perf_counter(self) -> float:
        return self.now

    def run(self) -> None:
        self.now += next(self.seconds)
        self.runs += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Clock]:
    def made(*seconds: float) -> Clock:
        clock = Clock(iter(seconds))
        monkeypatch.setattr(onnx_runtime, "time", clock)
        return clock

    return made


def test_it_is_the_median_of_what_comes_after_the_warm_up(clock: Callable[..., Clock]) -> None:
    runs = clock(50.0, 50.0, 1.0, 2.0, 20.0, 4.0, 3.0)
    assert median_seconds(runs.run, warm_up=2, runs=5) == 3.0
    assert runs.runs == 7


def test_slow_inferences_are_cut_short(clock: Callable[..., Clock]) -> None:
    slow = clock(*[8.0] * 100)
    assert median_seconds(slow.run, warm_up=20, runs=50, longest=1.0) == 8.0
    assert slow.runs == 1 + LEAST_RUNS
    quick = clock(*[0.25] * 100)
    assert median_seconds(quick.run, warm_up=4, runs=50, longest=2.0) == 0.25
    assert quick.runs == 4 + 8

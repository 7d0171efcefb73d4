"""How long an inference takes, by a clock that stands still in between."""

from __future__ import annotations

from collections.abc import Iterable

from rena_pl.resources.onnx_runtime import LEAST_RUNS, median_seconds


class Clock:
    """Goes on only while something runs, by as much as it is said to take."""

    def __init__(self, seconds: Iterable[float]) -> None:
        self.seconds = iter(seconds)
        self.now = 0.0
        self.runs = 0

    def time(self) -> float:
        return self.now

    def run(self) -> None:
        self.now += next(self.seconds)
        self.runs += 1


def test_it_is_the_median_of_what_comes_after_the_warm_up() -> None:
    clock = Clock([50.0, 50.0, 1.0, 2.0, 20.0, 4.0, 3.0])
    assert median_seconds(clock.run, warm_up=2, runs=5, clock=clock.time) == 3.0
    assert clock.runs == 7


def test_slow_inferences_are_cut_short() -> None:
    slow = Clock([8.0] * 100)
    assert median_seconds(slow.run, 20, 50, longest=1.0, clock=slow.time) == 8.0
    assert slow.runs == 1 + LEAST_RUNS
    quick = Clock([0.25] * 100)
    assert median_seconds(quick.run, 4, 50, longest=2.0, clock=quick.time) == 0.25
    assert quick.runs == 4 + 8

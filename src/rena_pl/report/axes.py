"""Scales from values to places on paper, with ticks at round numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.etree.ElementTree import Element

from rena_pl.report.svg import label, line

LOG_FROM = 15
"""The ratio of the largest value to the smallest from which a scale is logarithmic."""
MOST_RATIO = 1e60
"""Between values that are drawn on one axis by their logarithms."""


@dataclass(frozen=True)
class Scale:
    """A map from values to places.

    Attributes:
        low: The value at `start`.
        high: The value at `end`.
        start: A place.
        end: A place.
        log: Whether equal ratios are equally far apart.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value, at an end if it lies beyond."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, value = log10(low), log10(high), log10(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, count: int, leads: Sequence[float] = (1, 2, 2.5, 5, 10)) -> list[float]:
        """At most about so many round values; steps between them start with one of `leads`."""
        if self.log:
            exponents = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
            for lead_set in ((1, 2, 5), (1, 3), (1,)):
                ticks = [lead * 10.0**e for e in exponents for lead in lead_set]
                ticks = [tick for tick in ticks if self.low <= tick <= self.high]
                if len(ticks) <= count:
                    break
            return ticks[:: ceil(len(ticks) / count)] if ticks else []
        step = _round_step((self.high - self.low) / max(1, count), leads)
        first = ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, floor(self.high / step + 1e-9) + 1)]


def fitted(
    values: Iterable[float], start: float, end: float, may_log: bool = False, margin: float = 0.06
) -> Scale:
    """A scale that all values lie inside of, with some margin."""
    known = list(values) or [0.0, 1.0]
    low, high = min(known), max(known)
    if may_log and low > 0 and LOG_FROM <= high / low <= MOST_RATIO:
        room = (high / low) ** margin
        return Scale(low / room, high * room, start, end, log=True)
    room = margin * (high - low) or abs(high) * 0.1 or 1.0
    return Scale(low - room, high + room, start, end)


def whole_ticks(scale: Scale, count: int) -> list[float]:
    """Ticks at whole numbers only."""
    return [tick for tick in scale.ticks(count, (1, 2, 5, 10)) if float(tick).is_integer()]


def tick_text(value: float) -> str:
    """A short number: 20k, 1.5M."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"


def percent(fraction: float) -> str:
    """A share as a tick."""
    return f"{100 * fraction:.4g}%"


def name_left(svg: Element, top: float, name: str) -> float:
    """Say what the vertical axis is, above it; returns where the rest may begin."""
    label(svg, 0, top + 14, name, fill="ink")
    return top + 24


def draw_left(svg: Element, scale: Scale, ticks: Iterable[tuple[float, str]], right: float) -> None:
    """Ticks of the vertical axis, with lines across the figure.

    Args:
        svg: The drawing.
        scale: Of the axis.
        ticks: Values and their texts.
        right: Where the lines end; they start at the axis, 46 from the left.
    """
    for value, text in ticks:
        line(svg, LEFT, scale(value), right, scale(value))
        label(svg, LEFT - 8, scale(value), text.replace("-", "\u2212"), "end")


def draw_below(svg: Element, scale: Scale, ticks: Iterable[tuple[float, str]], y: float) -> None:
    """Ticks of the horizontal axis at the height `y`."""
    line(svg, scale.start, y, scale.end, y, "grey")
    for value, text in ticks:
        line(svg, scale(value), y, scale(value), y + 5, "grey")
        label(svg, scale(value), y + 15, text, "middle")


LEFT = 46
"""The room for the ticks of a vertical axis."""


def _round_step(step: float, leads: Sequence[float]) -> float:
    size = 10.0 ** floor(log10(step))
    return next(lead * size for lead in leads if lead * size >= step * (1 - 1e-9))

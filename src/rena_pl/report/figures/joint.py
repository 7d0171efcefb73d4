"""Several searches in one figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from xml.etree.ElementTree import Element

from rena_pl.report.axes import (
    LEFT,
    draw_below,
    draw_left,
    fitted,
    name_left,
    percent,
    tick_text,
)
from rena_pl.report.facts import accuracy, curve, pareto_front
from rena_pl.report.figures.figure import Figure, dash, legend
from rena_pl.report.palette import SERIES
from rena_pl.report.run import Run, metric_of
from rena_pl.report.svg import Size, add, drawing, label, path, shortened, steps
from rena_pl.report.words import headed, resource

PLOT = 250
DASHES = ("none", "7 3", "2 3")
"""Beside the colours, so that more runs than there are colours can be told apart."""

Places = list[tuple[float, float]]


@dataclass(frozen=True)
class Axes:
    """What the axes are called, and how values of the left one are written."""

    below: str
    left: str
    tick: Callable[[float], str]


def joint_front(runs: Sequence[Run], entry: str) -> Figure | None:
    """The Pareto fronts of several searches against one resource; none where no two have it."""
    fronts = {
        run.name: [(e.profile[entry], accuracy(e)) for e in pareto_front(run, entry)]
        for run in runs
        if run.evaluations and entry in run.evaluations[0].profile
    }
    name = resource(entry)
    metric = f"validation {metric_of(runs)}"
    axes = Axes(headed(name), headed(metric), percent)
    return _figure(f"joint_{entry}", f"Pareto fronts: {metric} against {name}", axes, fronts)


def joint_curve(runs: Sequence[Run]) -> Figure | None:
    """The best reward so far of several searches over what they cost."""
    curves = {run.name: [(float(x), y) for x, y in curve(run)] for run in runs}
    axes = Axes("Child-epochs", "Best reward so far", tick_text)
    return _figure("joint_course", "Best reward so far over cost", axes, curves)


def _figure(name: str, title: str, axes: Axes, lines: dict[str, Places]) -> Figure | None:
    drawn = {run: places for run, places in lines.items() if places}
    if len(drawn) < 2:
        return None
    ends = "; ".join(f"{run} ends at {places[-1][1]:.3f}" for run, places in drawn.items())
    return Figure(
        name=name,
        title=title,
        words=f"{ends}.",
        draw=partial(_draw, list(lines), drawn, axes),
        headings=("run", axes.below, axes.left),
        rows=[(run, tick_text(x), f"{y:.3f}") for run, places in drawn.items() for x, y in places],
    )


def _draw(order: list[str], drawn: dict[str, Places], axes: Axes, size: Size) -> Element:
    right = size.width - 12
    svg = drawing(size.width, 0)
    styles = {run: _style(order.index(run)) for run in drawn}
    marks = [(partial(_piece, *styles[run]), shortened(run, right - 24)) for run in drawn]
    top = name_left(svg, legend(svg, marks, right, 0), axes.left) + 6
    bottom = top + PLOT
    across = fitted((x for of in drawn.values() for x, _ in of), LEFT, right, may_log=True)
    up = fitted((y for of in drawn.values() for _, y in of), bottom, top)
    draw_left(svg, up, [(value, axes.tick(value)) for value in up.ticks(6)], right)
    for run, places in drawn.items():
        colour, dashes = styles[run]
        corners = steps([(across(x), up(y)) for x, y in places])
        add(
            svg, "path", d=path(corners), fill="none", stroke=colour, stroke_width=2,
            stroke_dasharray=dashes,
        )  # fmt: skip
        for x, y in places:
            add(svg, "circle", cx=across(x), cy=up(y), r=3, fill=colour)
    ticks = [(value, tick_text(value)) for value in across.ticks(5 if size.narrow else 8)]
    draw_below(svg, across, ticks, bottom)
    label(svg, (LEFT + right) / 2, bottom + 35, axes.below, "middle", "ink")
    svg.set("viewBox", f"0 0 {size.width} {bottom + 44}")
    return svg


def _style(number: int) -> tuple[str, str]:
    return SERIES[number % len(SERIES)], DASHES[number // len(SERIES) % len(DASHES)]


def _piece(colour: str, dashes: str, svg: Element, x: float, y: float) -> Element:
    return dash(colour, stroke_dasharray=dashes)(svg, x, y)

"""The course of a search: rewards, the best so far and the share of feasible networks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from xml.etree.ElementTree import Element

from rena_pl.report.axes import (
    LEFT,
    Scale,
    draw_below,
    draw_left,
    fitted,
    name_left,
    percent,
    whole_ticks,
)
from rena_pl.report.facts import Update
from rena_pl.report.figures.figure import Figure, Mark, dash, dot, legend
from rena_pl.report.svg import Size, add, drawing, label, path, steps

REWARDS = 190
SHARE = 64


def course(updates: Sequence[Update]) -> Figure:
    """Rewards of every update's networks above, the share that keeps the hard bounds below."""
    first, last = updates[0], updates[-1]
    return Figure(
        name="course",
        title="Reward and feasible networks over updates",
        words=f"The mean reward goes from {first.mean:.3f} in update {first.number} to "
        f"{last.mean:.3f} in update {last.number}; the best is {last.best:.3f}.",
        draw=partial(_draw, updates),
        headings=("update", "networks", "mean reward", "best so far", "feasible"),
        rows=[
            (
                str(u.number),
                str(len(u.rewards)),
                f"{u.mean:.3f}",
                f"{u.best:.3f}",
                f"{u.feasible:.0%}",
            )
            for u in updates
        ],
    )


def across_updates(updates: Sequence[Update], right: float) -> Scale:
    """The horizontal scale of figures over updates."""
    return Scale(updates[0].number - 0.6, updates[-1].number + 0.6, LEFT, right)


def draw_updates(svg: Element, across: Scale, y: float, size: Size) -> None:
    """The horizontal axis of figures over updates."""
    ticks = [(tick, f"{tick:.0f}") for tick in whole_ticks(across, 8 if size.narrow else 14)]
    draw_below(svg, across, ticks, y)
    label(svg, (across.start + across.end) / 2, y + 35, "Update", "middle", "ink")


def _draw(updates: Sequence[Update], size: Size) -> Element:
    right = size.width - 12
    svg = drawing(size.width, 0)
    marks: list[tuple[Mark, str]] = [
        (dash("orange"), "best reward so far"),
        (dash("blue"), "mean reward"),
        (_faint, "a network"),
    ]
    top = name_left(svg, legend(svg, marks, right, 0), "Reward") + 6
    bottom = top + REWARDS
    across = across_updates(updates, right)
    rewards = [reward for update in updates for reward in update.rewards]
    up = fitted([*rewards, *(u.best for u in updates)], bottom, top)
    draw_left(svg, up, [(tick, f"{tick:.4g}") for tick in up.ticks(5)], right)
    for update in updates:
        for reward in update.rewards:
            _faint(svg, across(update.number), up(reward))
    means = [(across(u.number), up(u.mean)) for u in updates]
    best = [(across(u.number), up(u.best)) for u in updates]
    add(svg, "path", d=path(means), fill="none", stroke="blue", stroke_width=2)
    for x, y in means:
        dot(svg, x, y)
    add(svg, "path", d=path(steps(best)), fill="none", stroke="orange", stroke_width=2)
    upper = bottom + 42
    lower = upper + SHARE
    label(svg, 0, upper - 18, "Share of networks that keep the hard bounds", fill="ink")
    share = Scale(0.0, 1.0, lower, upper)
    draw_left(svg, share, [(tick, percent(tick)) for tick in (0.0, 0.5, 1.0)], right)
    wide = min(36.0, 0.7 * (across(updates[0].number + 1) - across(updates[0].number)))
    for update in updates:
        y = share(update.feasible)
        x = across(update.number) - wide / 2
        add(svg, "rect", x=x, y=y, width=wide, height=lower - y, fill="green", rx=1)
    draw_updates(svg, across, lower, size)
    svg.set("viewBox", f"0 0 {size.width} {lower + 44:.0f}")
    return svg


def _faint(svg: Element, x: float, y: float) -> Element:
    return add(svg, "circle", cx=x, cy=y, r=2.6, fill="grey", fill_opacity=0.55)

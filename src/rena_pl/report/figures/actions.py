"""What the search did: actions over updates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from xml.etree.ElementTree import Element

from rena_pl.report.axes import Scale, draw_left, name_left, whole_ticks
from rena_pl.report.changes import ACTIONS
from rena_pl.report.facts import Update
from rena_pl.report.figures.course import across_updates, draw_updates
from rena_pl.report.figures.figure import Figure, block, legend
from rena_pl.report.svg import Size, add, drawing, label

HEIGHT = 150
COLOURS = {"insert": "blue", "scale": "gold", "remove": "pink", "rewire": "grey"}


def actions(updates: Sequence[Update]) -> Figure:
    """How many layers and hyper-parameters each update's networks changed, by action."""
    counts: Counter[str] = Counter()
    for update in updates:
        counts.update(update.actions)
    used = [name for name in (*ACTIONS, "rewire") if counts[name]]
    return Figure(
        name="actions",
        title="Changes from parents to children over updates",
        words="In all "
        + (", ".join(f"{counts[name]} {name}" for name in used) or "no changes")
        + ".",
        draw=partial(_draw, updates, used),
        headings=("update", *used),
        rows=[(str(u.number), *(str(u.actions[name]) for name in used)) for u in updates],
    )


def _draw(updates: Sequence[Update], used: Sequence[str], size: Size) -> Element:
    right = size.width - 12
    svg = drawing(size.width, 0)
    top = legend(svg, [(block(COLOURS[name]), name) for name in used], right, 0)
    top = name_left(svg, top, "Changes") + 6
    bottom = top + HEIGHT
    most = max(sum(update.actions.values()) for update in updates)
    up = Scale(0.0, max(1.0, most * 1.05), bottom, top)
    draw_left(svg, up, [(tick, f"{tick:.0f}") for tick in whole_ticks(up, 4)], right)
    across = across_updates(updates, right)
    wide = min(36.0, 0.7 * (across(updates[0].number + 1) - across(updates[0].number)))
    for update in updates:
        below = 0
        for name in used:
            count = update.actions[name]
            if count:
                y, y2 = up(below + count), up(below)
                x = across(update.number) - wide / 2
                add(
                    svg, "rect", x=x, y=y, width=wide, height=y2 - y, fill=COLOURS[name],
                    stroke="paper", stroke_width=1,
                )  # fmt: skip
                if y2 - y > 15 and wide > 14:
                    label(svg, x + wide / 2, (y + y2) / 2, str(count), "middle", "paper")
                below += count
    draw_updates(svg, across, bottom, size)
    svg.set("viewBox", f"0 0 {size.width} {bottom + 44:.0f}")
    return svg

"""Accuracy against a resource: all networks, the Pareto front, bounds and published networks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from xml.etree.ElementTree import Element

from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.numbers import readable
from rena_pl.report.axes import (
    LEFT,
    Scale,
    draw_below,
    draw_left,
    fitted,
    name_left,
    percent,
    tick_text,
)
from rena_pl.report.facts import accuracy, best_in_full, is_trained, pareto_front
from rena_pl.report.figures.figure import (
    Figure,
    Mark,
    block,
    cross,
    dash,
    diamond,
    dot,
    legend,
    ring,
    square,
    stroke,
)
from rena_pl.report.run import Run
from rena_pl.report.svg import Size, add, drawing, label, line, path, steps, width_of
from rena_pl.report.words import headed, resource

PLOT = 270
BASELINE_ROW = 15
REACH = 1.6
"""By how many times published networks may lie beyond a search's own and still be drawn."""
BEYOND = 0.15
"""How much of what lies outside a bound is drawn at least, as a share of what lies inside."""


def trade_off(run: Run, entry: str, published: Mapping[str, Mapping[str, float]]) -> Figure:
    """The figure of one resource.

    Args:
        run: The search.
        entry: The resource.
        published: Resource use of published networks on the same task.
    """
    front = pareto_front(run, entry)
    name = resource(entry)
    bound = run.bound(entry)
    words = (
        f"{sum(map(is_trained, _shown(run)))} trained networks; the Pareto front has {len(front)}"
        + (f"; the bound is {bound}" if bound else "")
        + ". The networks of the front are listed in the table below."
    )
    return Figure(
        name=f"accuracy_{entry}",
        title=f"Validation {run.metric_in_words} against {name}",
        words=words,
        draw=partial(_draw, run, entry, published),
        interactive=True,
        note=_far(run, entry, published),
        headings=("network", name, run.metric_in_words, "epochs"),
        rows=[
            (
                e.architecture.arch_id,
                readable(e.profile[entry]),
                f"{accuracy(e):.1%}",
                str(e.trained or e.budget),
            )
            for e in front
        ],
    )


def _shown(run: Run) -> list[Evaluation]:
    return [*run.searched, *run.in_full]


def _draw(
    run: Run, entry: str, published: Mapping[str, Mapping[str, float]], size: Size
) -> Element:
    evaluations = _shown(run)
    own = _own(run, entry)
    trained = [e for e in evaluations if is_trained(e)]
    others = [e for e in evaluations if not is_trained(e)]
    right = size.width - 12
    drawn = {name: use[entry] for name, use in published.items() if _near(own, use.get(entry))}
    across = fitted([*own, *drawn.values()], LEFT, right, may_log=True)
    rows = _rows(drawn, across, right)
    svg = drawing(size.width, 0)
    top = legend(svg, _legend(run, evaluations, entry, bool(drawn)), right, 0)
    top = name_left(svg, top, headed(f"validation {run.metric_in_words}"))
    top += 10 + BASELINE_ROW * (max(rows.values(), default=-1) + 1)
    bottom = top + PLOT
    up = fitted([accuracy(e) for e in trained], bottom, top)
    _bound(svg, run, entry, across, top, bottom)
    draw_left(svg, up, [(tick, percent(tick)) for tick in up.ticks(6)], right)
    heights = {name: top - BASELINE_ROW * (row + 1) + 5 for name, row in rows.items()}
    _published(svg, drawn, heights, across, right, bottom)
    _front(svg, run, entry, across, up)
    below = bottom + 14
    for evaluation in others:
        mark: Mark = cross if evaluation.status == "failed" else stroke
        _point(svg, evaluation, mark, across(evaluation.profile[entry]), below)
    _trained(svg, run, entry, trained, across, up)
    axis = below + 12 if others else bottom
    ticks = [(tick, tick_text(tick)) for tick in across.ticks(5 if size.narrow else 8)]
    draw_below(svg, across, ticks, axis)
    label(svg, (LEFT + right) / 2, axis + 35, headed(resource(entry)), "middle", "ink")
    svg.set("viewBox", f"0 0 {size.width} {axis + 44:.0f}")
    return svg


def _published(
    svg: Element,
    drawn: Mapping[str, float],
    heights: Mapping[str, float],
    across: Scale,
    right: float,
    bottom: float,
) -> None:
    """A line for each published network, and its name at its height, above all lines."""
    for name, y in heights.items():
        x = across(drawn[name])
        line(svg, x, y + 7, x, bottom, "grey", stroke_dasharray="1 3")
    for name, y in heights.items():
        half = width_of(name) / 2
        x = min(max(across(drawn[name]), LEFT + half), right - half)
        label(
            svg, x, y, name, "middle", font_size=11, stroke="paper", stroke_width=4,
            paint_order="stroke",
        )  # fmt: skip


def _trained(
    svg: Element, run: Run, entry: str, trained: list[Evaluation], across: Scale, up: Scale
) -> None:
    """A point for each trained network, the best on top and in a ring."""
    best = best_in_full(run)
    for evaluation in sorted(trained, key=lambda e: _rank(e, best)):
        x, y = across(evaluation.profile[entry]), up(accuracy(evaluation))
        _point(svg, evaluation, _mark(run, evaluation), x, y)
    if best is not None:
        x, y = across(best.profile[entry]), up(accuracy(best))
        add(svg, "circle", cx=x, cy=y, r=9.5, fill="none", stroke="orange", stroke_width=1.6)


def _own(run: Run, entry: str) -> list[float]:
    """What the search's own networks need, and the bounds with a little beyond them."""
    uses = [e.profile[entry] for e in _shown(run)]
    bound = run.bound(entry)
    if bound is not None and bound.max is not None:
        uses += [bound.max, bound.max + BEYOND * (bound.max - min(uses, default=0.0))]
    if bound is not None and bound.min is not None:
        uses += [bound.min, bound.min - BEYOND * (bound.min - min(uses, default=0.0))]
    return uses


def _near(own: list[float], use: float | None) -> bool:
    return use is not None and min(own) / REACH <= use <= max(own) * REACH


def _far(run: Run, entry: str, published: Mapping[str, Mapping[str, float]]) -> str:
    """The published networks that are not drawn."""
    own = _own(run, entry)
    far = [
        f"{name} {readable(use[entry])}"
        for name, use in published.items()
        if entry in use and not _near(own, use[entry])
    ]
    return f"Beyond the figure: {', '.join(far)}." if far else ""


def _rows(drawn: Mapping[str, float], across: Scale, right: float) -> dict[str, int]:
    """In which row above the plot each name stands, so that none covers another."""
    ends: list[float] = []
    rows = {}
    for name, value in sorted(drawn.items(), key=lambda item: item[1]):
        half = width_of(name) / 2
        middle = min(max(across(value), LEFT + half), right - half)
        row = next((n for n, end in enumerate(ends) if middle - half > end), len(ends))
        ends[row : row + 1] = [middle + half + 10]
        rows[name] = row
    return rows


def _legend(
    run: Run, evaluations: list[Evaluation], entry: str, published: bool
) -> list[tuple[Mark, str]]:
    """Only the marks that occur."""
    marks = {_mark(run, evaluation) for evaluation in evaluations if is_trained(evaluation)}
    states = {evaluation.status for evaluation in evaluations}
    items: list[tuple[Mark, str]] = []
    names = {
        square: "start network",
        dot: "trained in the search",
        ring: "breaks a soft bound",
        diamond: "trained in full",
    }
    items += [(mark, text) for mark, text in names.items() if mark in marks]
    if best_in_full(run) is not None:
        items.append((_chosen, "chosen"))
    if "infeasible" in states:
        items.append((stroke, "infeasible, not trained"))
    if "failed" in states:
        items.append((cross, "failed"))
    if any(map(is_trained, evaluations)):
        items.append((dash("orange"), "Pareto front"))
    if run.bound(entry) is not None:
        items.append((block("hatch"), "outside the bound"))
    if published:
        items.append((_dotted, "published network"))
    return items


def _dotted(svg: Element, x: float, y: float) -> Element:
    return line(svg, x, y - 7, x, y + 7, "grey", stroke_dasharray="1 3")


def _chosen(svg: Element, x: float, y: float) -> Element:
    return add(svg, "circle", cx=x, cy=y, r=6.5, fill="none", stroke="orange", stroke_width=1.6)


def _mark(run: Run, evaluation: Evaluation) -> Mark:
    if evaluation.part == "full":
        return diamond
    if evaluation.part == "start":
        return square
    return dot if run.objective.meets_all(evaluation.profile) else ring


def _rank(evaluation: Evaluation, best: Evaluation | None) -> int:
    """What lies on top of what."""
    if evaluation is best:
        return 3
    return 2 if evaluation.part == "full" else 1 if evaluation.part == "start" else 0


def _point(svg: Element, evaluation: Evaluation, mark: Mark, x: float, y: float) -> None:
    mark(svg, x, y).set("data-key", evaluation.key)


def _bound(svg: Element, run: Run, entry: str, across: Scale, top: float, bottom: float) -> None:
    """Shade what lies outside the bounds on this resource."""
    bound = run.bound(entry)
    if bound is None:
        return
    regions = []
    if bound.max is not None:
        regions.append((across(bound.max), across.end, bound.max))
    if bound.min is not None:
        regions.append((across.start, across(bound.min), bound.min))
    for left, right, value in regions:
        add(svg, "rect", x=left, y=top, width=right - left, height=bottom - top, fill="shade")
        gap = 9
        for n in range(int((right - left + bottom - top) / gap)):
            at = left + gap * (n + 1)
            y1, x1 = (top, at) if at <= right else (top + at - right, right)
            x2, y2 = (
                (left, top + at - left)
                if top + at - left <= bottom
                else (at - bottom + top, bottom)
            )
            if x1 > x2:
                line(svg, x1, y1, x2, y2, "hatch", stroke_width=0.8)
        edge = across(value)
        line(svg, edge, top, edge, bottom, "orange", stroke_dasharray="5 4", stroke_width=1.2)


def _front(svg: Element, run: Run, entry: str, across: Scale, up: Scale) -> None:
    places = [(across(e.profile[entry]), up(accuracy(e))) for e in pareto_front(run, entry)]
    if places:
        add(
            svg, "path", d=path(steps(places)), fill="none", stroke="orange", stroke_width=2,
            stroke_linejoin="round",
        )  # fmt: skip

"""A network layer by layer: its share of parameters, multiply-adds and memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from xml.etree.ElementTree import Element

from rena_pl.report.axes import tick_text
from rena_pl.report.best import LayerCost
from rena_pl.report.figures.figure import Figure
from rena_pl.report.svg import Size, add, drawing, label, line, shortened

Use = Callable[[LayerCost], float]
USES: tuple[tuple[str, str, str, Use], ...] = (
    ("parameters", "parameters", "blue", lambda cost: cost.params),
    ("MACs", "multiply-adds", "green", lambda cost: cost.macs),
    ("memory", "activation bytes alive", "pink", lambda cost: cost.memory),
)


def layers(costs: Sequence[LayerCost]) -> Figure:
    """Every layer with bars of what it takes; memory as a share of the peak."""
    heaviest = max(costs, key=lambda cost: cost.params)
    return Figure(
        name="layers",
        title="The network layer by layer",
        words=f"{len(costs)} layers; most parameters are in layer {heaviest.number}, "
        f"{heaviest.kind}. The numbers are in the table below.",
        draw=partial(_draw, costs),
        headings=("layer", "type", "settings", "reads", "output", *(use[1] for use in USES)),
        rows=[
            (
                str(cost.number),
                cost.kind,
                cost.hyper,
                _reads(cost),
                cost.shape,
                f"{cost.params:,}",
                f"{cost.macs:,}",
                f"{cost.memory:,}",
            )
            for cost in costs
        ],
    )


def _reads(cost: LayerCost) -> str:
    named = ["input" if source == 0 else str(source) for source in cost.reads]
    return ", ".join(named) or "the one before"


def _shares(costs: Sequence[LayerCost]) -> list[tuple[str, str, list[float], list[float]]]:
    """Of every use its name, colour, numbers and shares; of memory, shares of the peak."""
    found = []
    for short, _, colour, use in USES:
        values = [float(use(cost)) for cost in costs]
        whole = max(values) if short == "memory" else sum(values)
        found.append((short, colour, values, [value / whole if whole else 0 for value in values]))
    return found


def _draw(costs: Sequence[LayerCost], size: Size) -> Element:
    names, gap = (0 if size.narrow else 330), 14
    column = (size.width - names - 2 * gap) / 3
    row = 60 if size.narrow else 46
    head = 44
    svg = drawing(size.width, head + row * len(costs) + 4)
    uses = _shares(costs)
    for number, (short, _, values, _) in enumerate(uses):
        x = names + number * (column + gap)
        total = max(values) if short == "memory" else sum(values)
        whole = "peak " if short == "memory" else ""
        label(svg, x, 8, short, fill="ink", font_weight="600")
        unit = "B" if short == "memory" else ""
        label(svg, x, 25, f"{whole}{tick_text(total)}{unit}", font_size=11)
    for index, cost in enumerate(costs):
        top = head + row * index
        line(svg, 0, top - 4, size.width, top - 4)
        source = f"  \u2190 {_reads(cost)}" if cost.reads else ""
        label(svg, 0, top + 9, str(cost.number))
        shape_width = 6.3 * len(cost.shape)
        end = size.width if size.narrow else names - 24
        name = shortened(cost.kind + source, end - 30 - shape_width)
        label(svg, 22, top + 9, name, fill="ink", font_weight="600")
        label(svg, end, top + 9, cost.shape, "end")
        label(svg, 22, top + 25, shortened(cost.hyper, end - 22), font_size=11)
        bar = top + (37 if size.narrow else 5)
        for number, (_, colour, values, shares) in enumerate(uses):
            x = names + number * (column + gap)
            share = shares[index]
            room = column - 38
            add(svg, "rect", x=x, y=bar, width=room, height=9, fill="line", rx=2)
            if share > 0:
                wide = max(1.5, room * share)
                add(svg, "rect", x=x, y=bar, width=wide, height=9, fill=colour, rx=2)
            label(svg, x + column, bar + 5, f"{share:.0%}", "end", font_size=11)
            if not size.narrow:
                label(svg, x, bar + 20, f"{values[index]:,.0f}", font_size=11)
    return svg

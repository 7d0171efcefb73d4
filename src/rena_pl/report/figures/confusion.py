"""Which classes were taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from xml.etree.ElementTree import Element

from rena_pl.report.figures.figure import Figure
from rena_pl.report.svg import Size, add, drawing, label, shortened, width_of

LEGIBLE = 19
"""The least width of a cell with a number in it."""


def confusion(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> Figure:
    """The confusion matrix of the test split: true classes in rows, predictions in columns."""
    right = sum(row[number] for number, row in enumerate(counts))
    total = sum(map(sum, counts))
    return Figure(
        name="confusion",
        title="Confusion matrix of the test split",
        words=f"{right} of {total} examples are on the diagonal.",
        draw=partial(_draw, counts, labels),
        headings=("true \\ predicted", *labels),
        rows=[
            (name, *(str(count) for count in row)) for name, row in zip(labels, counts, strict=True)
        ],
    )


def _draw(counts: Sequence[Sequence[int]], labels: Sequence[str], size: Size) -> Element:
    longest = 76 if size.narrow else 110
    names = [shortened(name, longest) for name in labels]
    room = max(map(width_of, names)) + 8
    left, classes = room + 22, len(counts)
    cell = min(38.0, (size.width - left - 4) / classes)
    top = room + 24
    svg = drawing(size.width, top + cell * classes + 6)
    label(svg, left, 8, "taken for", fill="ink")
    add(
        svg, "text", "true class", x=0, y=0, fill="ink",
        transform=f"translate(10 {top + width_of('true class'):.0f}) rotate(-90)",
    )  # fmt: skip
    for number, name in enumerate(names):
        middle = (number + 0.5) * cell
        if cell >= 9:
            label(svg, left - 6, top + middle, name, "end")
            place = f"translate({left + middle + 4:.1f} {top - 6:.1f}) rotate(-90)"
            add(svg, "text", name, fill="soft", transform=place)
    for row, of in enumerate(counts):
        total = sum(of)
        for column, count in enumerate(of):
            x, y = left + column * cell, top + row * cell
            add(svg, "rect", x=x, y=y, width=cell - 1, height=cell - 1, fill="raised", rx=1.5)
            share = count / total if total else 0.0
            colour = "blue" if row == column else "orange"
            strong = share >= 0.5
            if count:
                add(
                    svg, "rect", x=x, y=y, width=cell - 1, height=cell - 1, rx=1.5, fill=colour,
                    fill_opacity=1.0 if strong else f"{0.08 + 0.42 * share:.2f}",
                )  # fmt: skip
            if count and cell >= LEGIBLE:
                ink = "paper" if strong else "ink"
                small = 11 if cell < 26 or count > 999 else 12
                label(
                    svg,
                    x + cell / 2,
                    y + cell / 2 - 0.5,
                    str(count),
                    "middle",
                    ink,
                    font_size=small,
                )
    return svg

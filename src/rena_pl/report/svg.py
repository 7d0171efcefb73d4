"""Drawing with SVG elements: the serialiser escapes texts, colours are names of the palette."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from rena_pl.report.palette import in_light

TEXT = 12
CHARACTER = 6.3
"""The usual width of a character of that size."""
FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"


@dataclass(frozen=True)
class Size:
    """How wide a figure is drawn; it is scaled little, so that its text stays readable."""

    name: str
    width: int

    @property
    def narrow(self) -> bool:
        """Whether it is for a small screen or a column."""
        return self.width < 500


WIDE = Size("wide", 720)
NARROW = Size("narrow", 352)


def drawing(width: float, height: float) -> Element:
    """An empty drawing."""
    return Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_number(width)} {_number(height)}",
            "font-family": FONT,
            "font-size": str(TEXT),
        },
    )


def add(parent: Element, tag: str, content: str = "", /, **attributes: str | float) -> Element:
    """Add an element; a colour may be given by its name in the palette."""
    element = SubElement(parent, tag)
    for name, value in attributes.items():
        written = value if isinstance(value, str) else _number(value)
        if name in ("fill", "stroke") and written != "none" and "(" not in written:
            written = f"var(--{written})"
        element.set(name.rstrip("_").replace("_", "-"), written)
    if content:
        element.text = content
    return element


def label(
    parent: Element,
    x: float,
    y: float,
    content: str,
    anchor: str = "start",
    fill: str = "soft",
    **attributes: str | float,
) -> Element:
    """Add a text whose middle is about `y`."""
    return add(parent, "text", content, x=x, y=y + 4, text_anchor=anchor, fill=fill, **attributes)


def line(
    parent: Element,
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    stroke: str = "line",
    **more: str | float,
) -> Element:
    """Add a straight line."""
    return add(parent, "line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, **more)


def path(points: Sequence[tuple[float, float]]) -> str:
    """Straight lines through some points, as a path's data."""
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)


def steps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of stairs that stay at a point's height until the next."""
    corners = list(points[:1])
    for (_, before), (x, y) in pairwise(points):
        corners += [(x, before), (x, y)]
    return corners


def shortened(text: str, width: float) -> str:
    """A text that is at most about so wide."""
    most = max(2, int(width / CHARACTER))
    return text if len(text) <= most else text[: most - 1].rstrip(" ,") + "\u2026"


def width_of(text: str) -> float:
    """About how wide a text is."""
    return CHARACTER * len(text)


def as_text(element: Element) -> str:
    """The drawing as markup for a page, where its colours follow the theme."""
    return ElementTree.tostring(element, encoding="unicode", short_empty_elements=True)


def as_file(element: Element) -> str:
    """The drawing as a file of its own, in light colours on white paper."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{in_light(as_text(element))}\n'


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

"""What every figure is: a drawing at any size, and the same in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from markupsafe import Markup

from rena_pl.report.svg import CHARACTER, NARROW, WIDE, Size, add, as_file, as_text, label

MARGIN = 12
"""The paper around a figure in a file of its own."""


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        name: Of its file.
        title: What it shows.
        words: What there is to see in it, for those who do not see it.
        draw: Draws it at a size.
        interactive: Whether it has points that can be asked.
        note: A remark below it.
        headings: Of the table with its numbers.
        rows: Of that table; without any there is no table.
    """

    name: str
    title: str
    words: str
    draw: Callable[[Size], Element]
    interactive: bool = False
    note: str = ""
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = field(default=())

    def markup(self) -> Markup:
        """Its drawings for wide and for narrow columns, of which the page shows one."""
        drawings = []
        for size in (WIDE, NARROW):
            svg = self.draw(size)
            svg.set("class", size.name)
            svg.set("role", "group" if self.interactive else "img")
            svg.set("aria-label", f"{self.title}. {self.words}")
            drawings.append(as_text(svg))
        return Markup("".join(drawings))

    def file(self) -> str:
        """Its wide drawing as an SVG file, with its title and words, and some paper around it."""
        svg = self.draw(WIDE)
        across, down = map(float, svg.attrib["viewBox"].split()[2:])
        place = [-MARGIN, -MARGIN, across + 2 * MARGIN, down + 2 * MARGIN]
        x, y, width, height = map(str, place)
        svg.attrib.update(viewBox=f"{x} {y} {width} {height}", width=width, height=height)
        paper = Element("rect", x=x, y=y, width=width, height=height, fill="var(--paper)")
        title, words = Element("title"), Element("desc")
        title.text, words.text = self.title, self.words
        for number, element in enumerate((title, words, paper)):
            svg.insert(number, element)
        return as_file(svg)


Mark = Callable[[Element, float, float], Element]


def legend(svg: Element, items: Sequence[tuple[Mark, str]], width: float, top: float) -> float:
    """Draw marks and what they mean, in as many lines as it takes.

    Args:
        svg: The drawing.
        items: Each mark with its text.
        width: That there is.
        top: Where it begins.

    Returns:
        Where it ends.
    """
    x, y = 0.0, top + 8
    for mark, text in items:
        wide = 20 + CHARACTER * len(text)
        if x > 0 and x + wide > width:
            x, y = 0.0, y + 20
        mark(svg, x + 8, y)
        label(svg, x + 20, y, text)
        x += wide + 18
    return y + 14 if items else top


def dot(svg: Element, x: float, y: float, fill: str = "blue") -> Element:
    """A network that was trained in the search."""
    return add(svg, "circle", cx=x, cy=y, r=4, fill=fill, stroke="paper", stroke_width=0.8)


def ring(svg: Element, x: float, y: float) -> Element:
    """A trained network that breaks a soft bound."""
    return add(svg, "circle", cx=x, cy=y, r=3.6, fill="paper", stroke="blue", stroke_width=1.4)


def diamond(svg: Element, x: float, y: float, fill: str = "orange") -> Element:
    """A network that was trained in full."""
    data = f"M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6-6z"
    return add(svg, "path", d=data, fill=fill, stroke="paper", stroke_width=0.8)


def square(svg: Element, x: float, y: float) -> Element:
    """The start network."""
    return add(
        svg, "rect", x=x - 4.5, y=y - 4.5, width=9, height=9, fill="ink", stroke="paper",
        stroke_width=0.8,
    )  # fmt: skip


def stroke(svg: Element, x: float, y: float) -> Element:
    """A network that was not trained."""
    return add(svg, "path", d=f"M{x:.1f} {y - 5:.1f}v10", stroke="grey", stroke_width=1.6)


def cross(svg: Element, x: float, y: float) -> Element:
    """A network that failed."""
    data = f"M{x - 3.5:.1f} {y - 3.5:.1f}l7 7m0-7l-7 7"
    return add(svg, "path", d=data, stroke="pink", stroke_width=1.8, fill="none")


def block(fill: str) -> Mark:
    """A square of a colour."""

    def mark(svg: Element, x: float, y: float) -> Element:
        return add(svg, "rect", x=x - 5, y=y - 5, width=10, height=10, rx=1.5, fill=fill)

    return mark


def dash(colour: str, **more: str | float) -> Mark:
    """A piece of a line."""

    def mark(svg: Element, x: float, y: float) -> Element:
        return add(svg, "path", d=f"M{x - 8:.1f} {y:.1f}h16", stroke=colour, stroke_width=2, **more)

    return mark

"""What made a child of its parent, worked out from the two architectures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rena_pl.architecture import Architecture, ArchitectureError, Layer
from rena_pl.report.words import in_words
from rena_pl.space.actions import Remove

ACTIONS = ("insert", "scale", "remove")


@dataclass(frozen=True)
class Change:
    """One step from a parent to its child.

    Attributes:
        action: `insert`, `scale`, `remove`, or `rewire` where only what a layer reads is another.
        subject: The layer type that came or went, or the hyper-parameter and its way.
        text: The change in full.
    """

    action: str
    subject: str
    text: str


@lru_cache(maxsize=100_000)
def changes(parent: Architecture, child: Architecture) -> list[Change]:
    """The fewest changes of layers that make the child of the parent, in the order of the layers.

    Several actions in a row may have been others that come to the same.
    """
    whole = _removal(parent, child)
    if whole is not None:
        return [whole]
    found = _aligned(parent.layers, child.layers)
    if not found and parent != child:
        return [Change("rewire", "inputs", "a layer reads another one")]
    return found


def _removal(parent: Architecture, child: Architecture) -> Change | None:
    """The one removal that makes the child, where several layers may go at once."""
    if len(child.layers) >= len(parent.layers):
        return None
    for index, layer in enumerate(parent.layers):
        if _without(parent, index) == child:
            return Change("remove", layer.kind, f"remove layer {index + 1}: {_named(layer)}")
    return None


def _without(architecture: Architecture, index: int) -> Architecture | None:
    try:
        return Remove(index).apply(architecture)
    except ArchitectureError:
        return None  # nothing would be left


def _aligned(old: Sequence[Layer], new: Sequence[Layer]) -> list[Change]:
    """Changes along the pairing of layers that needs the fewest."""
    front = _common(old, new)
    back = _common(old[front:][::-1], new[front:][::-1])
    before = old[front : len(old) - back]
    after = new[front : len(new) - back]
    rows, columns = len(before) + 1, len(after) + 1
    fewest = [[i + j for j in range(columns)] for i in range(rows)]
    for i in range(1, rows):
        for j in range(1, columns):
            ways = [fewest[i - 1][j] + 1, fewest[i][j - 1] + 1]
            if before[i - 1].kind == after[j - 1].kind:
                ways.append(fewest[i - 1][j - 1] + len(_differing(before[i - 1], after[j - 1])))
            fewest[i][j] = min(ways)
    found: list[Change] = []
    i, j = len(before), len(after)
    while i or j:
        here = fewest[i][j]
        if i and j and before[i - 1].kind == after[j - 1].kind:
            scales = list(_scales(front + j, before[i - 1], after[j - 1]))
            if here == fewest[i - 1][j - 1] + len(scales):
                found += scales[::-1]
                i, j = i - 1, j - 1
                continue
        if j and here == fewest[i][j - 1] + 1:
            j -= 1
            layer = after[j]
            text = f"insert at {front + j + 1}: {_named(layer)}"
            found.append(Change("insert", layer.kind, text))
        else:
            i -= 1
            layer = before[i]
            text = f"remove layer {front + i + 1}: {_named(layer)}"
            found.append(Change("remove", layer.kind, text))
    return found[::-1]


def _common(old: Sequence[Layer], new: Sequence[Layer]) -> int:
    """How many layers are the same from the beginning on, whatever they read."""
    count = 0
    for one, other in zip(old, new, strict=False):
        if (one.kind, one.hyper) != (other.kind, other.hyper):
            break
        count += 1
    return count


def _differing(old: Layer, new: Layer) -> list[str]:
    was, is_now = old.values, new.values
    return [name for name in is_now if was.get(name) != is_now[name]]


def _scales(number: int, old: Layer, new: Layer) -> Iterator[Change]:
    for name in _differing(old, new):
        was, is_now = old.values.get(name), new.values[name]
        text = f"scale layer {number} ({new.kind}): {name} {was} \u2192 {is_now}"
        way = ""
        if isinstance(was, int | float) and isinstance(is_now, int | float):
            way = " up" if is_now > was else " down"
        yield Change("scale", name + way, text)


def _named(layer: Layer) -> str:
    return ", ".join(filter(None, (layer.kind, in_words(layer))))

"""Bounds on documents that anybody may have written: how much, and how deep."""

from __future__ import annotations

from typing import Any

from rena_pl.errors import RenaError

MAX_TEXT = 200_000
"""Characters of a YAML file; it takes seconds to read more."""
MAX_VALUES = 20_000
MAX_DEPTH = 40


def check_document(content: Any) -> None:
    """Refuse a document that is too deep, or has too many values.

    A YAML alias makes a few lines stand for billions of values, or for a document within itself.

    Raises:
        RenaError: It is beyond the bounds.
    """
    left, level = MAX_VALUES, [content]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            inside = list(item.values()) if isinstance(item, dict) else item
            if isinstance(inside, list):
                below += inside
            if len(below) > left:
                raise RenaError(f"it holds more than {MAX_VALUES:,} values")
        left -= len(below)
        if not below:
            return
        level = below
    raise RenaError(f"it is nested more than {MAX_DEPTH} deep")

"""Numbers as people read them."""

from __future__ import annotations


def readable(number: float) -> str:
    """Whole numbers in full with separators, others with six digits."""
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.6g}"

"""Numbers as people read them."""

from __future__ import annotations


def readable(number: float) -> str:
    """Whole numbers in full with separators, others with six digits."""
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.6g}"


def in_percent(metric: float) -> str:
    """A share in percent; what is above 1 stands for itself, as in a table that holds percents."""
    return f"{metric:.2%}" if metric <= 1 else f"{metric:.2f}"

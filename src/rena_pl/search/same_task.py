"""Whether a task is the one that a finished search was for."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import LightningDataModule

from rena_pl.child.data import class_names, stated_shapes
from rena_pl.data.front_end import FrontEnd
from rena_pl.search.summary import Summary


def described_front_end(task: LightningDataModule) -> dict[str, Any] | None:
    """How a task makes its features, as plain values; none if it does not say."""
    front_end = getattr(task, "front_end", None)
    return front_end.describe() if isinstance(front_end, FrontEnd) else None


def difference(task: LightningDataModule, summary: Summary) -> str | None:
    """What tells a task from the one that a network was trained on, in words; none if nothing does.

    The mean and deviation of its features may be others: they are of the examples at hand.
    """
    given, expected = stated_shapes(task), (summary.input_shape, summary.num_classes)
    if given != expected:
        return (
            f"it takes features {expected[0]} and knows {expected[1]} classes, the data have "
            f"{given[0]} and {given[1]}"
        )
    labels = class_names(task)
    if labels != summary.labels:
        return f"its classes are {summary.labels}, not {labels}"
    if _without_scale(described_front_end(task)) != _without_scale(summary.front_end):
        return "its features are made with other settings"
    return None


def _without_scale(front_end: dict[str, Any] | None) -> dict[str, Any]:
    return {k: v for k, v in (front_end or {}).items() if k not in ("mean", "std")}

"""`summary.json`: what a search came to, for people, for programs and for users of its network."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

from rena_pl.architecture import Shape
from rena_pl.checks import Fields, printable
from rena_pl.documents import read_at_most
from rena_pl.errors import RenaError
from rena_pl.resources.profile import ENTRIES
from rena_pl.whole_files import write_whole

SUMMARY = "summary.json"
MOST_BYTES = 20_000_000
LARGEST_EXTENT = 1_000_000
"""Of an example, and of the classes."""
MOST_ROWS = 1_000
"""Of a confusion matrix: with a larger one the file could not be read."""
MOST_VALUES = 10_000_000
"""Of an example: whoever predicts makes room for them."""


@dataclass(frozen=True)
class Summary:
    """What a search came to, under the names that the file has.

    Attributes:
        arch_id: Of the best network.
        start_arch_id: Of the start network.
        metric: What the search went for, and what every figure called accuracy is.
        val_accuracy: The best network's on the validation split.
        test_accuracy: And on the test split.
        test_confusion: Test examples of each class, by row, by what they were taken for; empty
            where nothing is known of it, or of more classes than `MOST_ROWS`.
        start_test_accuracy: The start network's on the test split, if it could be trained.
        profile: The best network's resource use.
        start_profile: The start network's.
        constraints: The bounds.
        constraints_met: Whether the best network keeps all of them.
        child_epochs: What the search cost.
        evaluations: How many there were.
        seconds: How long it took.
        input_shape: `(channels, height, width)` of one example.
        num_classes: How many there are.
        labels: A name for each class as the task has it; its number where the task names none.
        front_end: How the features of an example are made, as `FrontEnd.describe` tells it; none
            where the task does not say.
    """

    arch_id: str
    start_arch_id: str
    metric: str
    val_accuracy: float
    test_accuracy: float
    test_confusion: list[list[int]]
    start_test_accuracy: float | None
    profile: dict[str, float]
    start_profile: dict[str, float]
    constraints: list[str]
    constraints_met: bool
    child_epochs: int
    evaluations: int
    seconds: float
    input_shape: Shape
    num_classes: int
    labels: list[str]
    front_end: dict[str, Any] | None


def write_summary(summary: Summary, folder: Path) -> None:
    """Write the summary into a run folder."""
    write_whole(folder / SUMMARY, json.dumps(asdict(summary), indent=2) + "\n")


def read_summary(folder: Path) -> Summary | None:
    """The summary in a run folder; none while the search has not ended.

    Raises:
        RenaError: It cannot be read, or is not what it should be; the sentence names the entry.
    """
    file = folder / SUMMARY
    if not file.is_file():
        return None
    try:
        values = json.loads(read_at_most(file, MOST_BYTES))
    except RenaError as error:
        raise RenaError(f"{file}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RenaError(f"{file}: cannot be read: {error}") from None
    except (ValueError, RecursionError) as error:
        raise RenaError(f"{file}: is no JSON: {error}") from None
    if not isinstance(values, dict):
        raise RenaError(f"{file}: holds no summary")
    return _summary(Fields(values, str(file)))


def _summary(fields: Fields) -> Summary:
    classes = fields.whole("num_classes", 1, LARGEST_EXTENT)
    return Summary(
        arch_id=fields.text("arch_id"),
        start_arch_id=fields.text("start_arch_id"),
        metric=fields.text("metric") if "metric" in fields.values else "accuracy",
        val_accuracy=fields.number("val_accuracy"),
        test_accuracy=fields.number("test_accuracy"),
        test_confusion=_confusion(fields, classes),
        start_test_accuracy=fields.number_or_none("start_test_accuracy"),
        profile=fields.numbers("profile", *ENTRIES),
        start_profile=fields.numbers("start_profile", *ENTRIES),
        constraints=list(map(printable, fields.texts("constraints"))),
        constraints_met=fields.truth("constraints_met"),
        child_epochs=fields.whole("child_epochs"),
        evaluations=fields.whole("evaluations"),
        seconds=fields.number("seconds"),
        input_shape=_shape(fields),
        num_classes=classes,
        labels=_labels(fields, classes),
        front_end=None if fields.values.get("front_end") is None else fields.mapping("front_end"),
    )


def _shape(fields: Fields) -> Shape:
    shape = fields.wholes("input_shape", 1, LARGEST_EXTENT)
    if len(shape) != 3:
        raise RenaError(f"{fields.where}: input_shape must be channels, height and width")
    if prod(shape) > MOST_VALUES:
        raise RenaError(f"{fields.where}: input_shape has more than {MOST_VALUES:,} values")
    return shape[0], shape[1], shape[2]


def _confusion(fields: Fields, classes: int) -> list[list[int]]:
    rows = fields.values.get("test_confusion")
    if rows is None or rows == []:
        return []
    if not isinstance(rows, list) or len(rows) != classes:
        raise RenaError(f"{fields.where}: test_confusion must have a row for each class")
    numbered = dict(zip(map(str, range(classes)), rows, strict=True))
    by_row = Fields(numbered, f"{fields.where}: test_confusion")
    counts = [by_row.wholes(name) for name in by_row.values]
    if any(len(row) != classes for row in counts):
        raise RenaError(f"{fields.where}: test_confusion must have a column for each class")
    return counts


def _labels(fields: Fields, classes: int) -> list[str]:
    if fields.values.get("labels") is None:
        return [str(number) for number in range(classes)]
    labels = fields.texts("labels")
    if len(labels) != classes:
        raise RenaError(f"{fields.where}: labels must have a name for each class")
    return labels

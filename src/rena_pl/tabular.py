"""Tabular benchmarks: a table of every architecture and its results, as a task without training.

A column for each decision, columns that are known before training and can be bounded, one that a
search sees as the accuracy, and one that it is scored on in the end.
"""

from __future__ import annotations

import csv
import gzip
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from math import prod
from pathlib import Path
from typing import TextIO

from lightning.pytorch import LightningDataModule

from rena_pl.architecture import Architecture, Layer, Skeleton, Value
from rena_pl.checks import is_number
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import Candidate, Evaluation
from rena_pl.evaluation.evaluator import Scored
from rena_pl.hashing import short_hash
from rena_pl.resources.resources import LAYER_NUMBERS
from rena_pl.space.actions import Remove, Scale
from rena_pl.space.search_space import SearchSpace

TABLE = Skeleton("table")
MOST_TEXT = 200_000_000
"""Characters of a table, unpacked."""
SPARSE = 0.1
"""A table with less than this share of all combinations is drawn from by row."""
MOST_SHOWN = 200
"""Characters of a file in a message."""
CHOICE = "choice"
"""The one hyper-parameter of a decision."""

Row = tuple[str, ...]


@dataclass(frozen=True)
class TableSpace(SearchSpace):
    """All combinations of some decisions; the only legal action is to decide one anew.

    A decision is a layer. Decisions with the same options are of the same kind, so that what is
    learnt of an option at one place can serve at another.

    Attributes:
        rows: Those that the table has.
    """

    rows: frozenset[Row] = frozenset()

    def __post_init__(self) -> None:
        """There are no layer types to check."""

    @cached_property
    def options(self) -> tuple[Row, ...]:
        """The options of every decision: the values that occur."""
        return tuple(tuple(sorted(set(column))) for column in zip(*self.rows, strict=True))

    def holds(self, architecture: Architecture) -> bool:
        """Whether the table has a row for it."""
        return row_of(architecture) in self.rows

    @cached_property
    def _ordered(self) -> list[Row]:
        return sorted(self.rows)

    @cached_property
    def choices(self) -> dict[str, dict[str, tuple[Value, ...]]]:
        """The options of every kind of decision."""
        return {_kind(options): {CHOICE: options} for options in self.options}

    def sources(self, kind: str) -> int:
        """Every decision stands behind the one before it."""
        return 1

    def architecture(self, row: Sequence[Value]) -> Architecture:
        """The decisions of a row as an architecture."""
        layers = [
            Layer(_kind(options), ((CHOICE, value),), (place,))
            for place, (options, value) in enumerate(zip(self.options, row, strict=True))
        ]
        return Architecture(tuple(layers), TABLE)

    def draw(self, start: Architecture | None, rng: random.Random) -> Architecture:
        """Any architecture, wherever the search starts; of a sparse table, any row."""
        if len(self.rows) < SPARSE * prod(map(len, self.options)):
            return self.architecture(rng.choice(self._ordered))
        return self.architecture([rng.choice(options) for options in self.options])

    @cached_property
    def listed(self) -> list[Architecture]:
        """All rows."""
        return [self.architecture(row) for row in self._ordered]

    def remove_actions(self, architecture: Architecture) -> Iterator[Remove]:
        """None: every row has all decisions."""
        return iter(())

    def random_action(self, architecture: Architecture, rng: random.Random) -> Scale:
        """One decision, decided otherwise."""
        options = self.options
        place = rng.choice([at for at, among in enumerate(options) if len(among) > 1])
        now = architecture.layers[place].values[CHOICE]
        return Scale(place, CHOICE, rng.choice([one for one in options[place] if one != now]))

    def compose(self, decide: Callable[[str, Sequence[Value]], Value]) -> Architecture:
        """One decision after the other."""
        return self.architecture(
            [decide(f"decision {place}", options) for place, options in enumerate(self.options)]
        )


def _kind(options: Row) -> str:
    return "one of " + ", ".join(repr(one) if ", " in one else one for one in options)


def row_of(architecture: Architecture) -> Row:
    """The decisions that an architecture stands for."""
    return tuple(str(choice) for layer in architecture.layers for _, choice in layer.hyper)


@dataclass(frozen=True)
class TableResources:
    """What is known of every row before training.

    Attributes:
        entries: The names of the columns.
        known: Their values by row.
    """

    entries: tuple[str, ...]
    known: dict[Row, tuple[float, ...]]

    @property
    def counted(self) -> TableResources:
        """All of it."""
        return self

    @property
    def capacity(self) -> tuple[str, ...]:
        """All known columns: what they mean is not known."""
        return self.entries

    def profile(self, architecture: Architecture) -> dict[str, float]:
        """The known columns; zeros for a row that the table lacks."""
        values = self.known.get(row_of(architecture), (0.0,) * len(self.entries))
        return dict(zip(self.entries, values, strict=True))

    def layers(self, architecture: Architecture) -> list[list[float]]:
        """Nothing is known of single decisions."""
        return [[0.0] * LAYER_NUMBERS for _ in architecture.layers]


class Table(LightningDataModule):
    """A tabular benchmark as a task: its accuracies are looked up.

    Args:
        file: A CSV file with a heading, plain or gzipped (`.gz`).
        decisions: The columns that name an architecture; each value that occurs is an option.
        known: Columns of numbers that are known before training, such as params and latencies.
        observed: The column that a search sees as the accuracy.
        scored: The column that the ten best architectures are the best by; `observed` when left
            out.
    """

    def __init__(
        self,
        file: str | Path,
        decisions: list[str],
        known: list[str],
        observed: str,
        scored: str | None = None,
    ) -> None:
        super().__init__()
        if not decisions:
            raise RenaError("data.decisions: name at least one column")
        self.file = Path(file).expanduser()
        self.decisions = list(decisions)
        self.known = list(known)
        self.observed = observed
        self.scored = scored or observed
        width, facts = len(decisions), len(known)
        self.rows = _read(self.file, decisions, [*known, observed, self.scored])
        if any(number < 0 for numbers in self.rows.values() for number in numbers[:facts]):
            raise RenaError(f"{self.file}: a known column holds a number below 0")
        if any(numbers[facts] < 0 for numbers in self.rows.values()):
            raise RenaError(f"{self.file}: {observed} holds an accuracy below 0")
        self.space = TableSpace(max_layers=width, min_layers=width, rows=frozenset(self.rows))
        if max(map(len, self.space.options)) < 2:
            raise RenaError(f"{self.file}: no decision has two options")
        self.resources = TableResources(
            tuple(known), {row: numbers[:facts] for row, numbers in self.rows.items()}
        )

    def fingerprint(self) -> str:
        """A short hash of what is searched."""
        return short_hash(
            [self.decisions, self.known, self.observed, self.scored, sorted(self.rows.items())]
        )

    def accuracy(
        self, candidate: Candidate, key: str, seed: int, parent: Evaluation | None
    ) -> Scored:
        """What the search sees of a candidate."""
        return Scored(self.rows[row_of(candidate.architecture)][-2])

    def score(self, architecture: Architecture) -> float:
        """What an architecture is worth in the end."""
        return self.rows[row_of(architecture)][-1]

    def named(self, architecture: Architecture) -> dict[str, str]:
        """What an architecture decides, by column."""
        return dict(zip(self.decisions, row_of(architecture), strict=True))

    def has(self, architecture: Architecture) -> bool:
        """Whether an architecture is a row of this table, and not of another or a network."""
        return architecture.skeleton == TABLE and self.space.holds(architecture)

    def architectures(self) -> list[Architecture]:
        """Every row."""
        return self.space.listed


def _read(
    file: Path, decisions: Sequence[str], numbers: Sequence[str]
) -> dict[Row, tuple[float, ...]]:
    """The numbers of every row of a CSV file, by its decisions."""
    rows: dict[Row, tuple[float, ...]] = {}
    for line, texts in _lines(file, [*decisions, *numbers]):
        row = tuple(texts[name] for name in decisions)
        if row in rows:
            raise RenaError(f"{file}: line {line}: a row before it has the same decisions")
        rows[row] = tuple(_number(texts[name], f"{file}: line {line}, {name}") for name in numbers)
    if not rows:
        raise RenaError(f"{file}: holds no rows")
    return rows


def _lines(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The number of every line, and what it has in each column."""
    try:
        with _open(file) as stream:
            text = stream.read(MOST_TEXT + 1)
        if len(text) > MOST_TEXT:
            raise RenaError(f"{file}: holds more than {MOST_TEXT:,} characters")
        reader = csv.DictReader(StringIO(text, newline=""))
        headings = reader.fieldnames or ()
        for name in columns:
            if name not in headings:
                there = ", ".join(headings) or "none"
                raise RenaError(f"{file}: has no column '{name}'; there are {there[:MOST_SHOWN]}")
        for row in reader:
            if None in row or None in row.values():
                raise RenaError(f"{file}: line {reader.line_num} is not as long as the heading")
            yield reader.line_num, row
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise RenaError(f"{file}: cannot be read as a table: {error}") from None


def _open(file: Path) -> TextIO:
    """For reading; spreadsheets put a byte order mark before the heading."""
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")


def _number(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise RenaError(f"{where}: {text[:MOST_SHOWN]!r} is no number") from None
    if not is_number(number):
        raise RenaError(f"{where}: {text[:MOST_SHOWN]!r} is not finite, or too large")
    return number

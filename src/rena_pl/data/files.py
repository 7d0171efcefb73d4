"""Listing and reading many files, some of which may be damaged."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Content = TypeVar("Content")

Skipped = list[tuple[str, str]]

_logger = logging.getLogger(__name__)


NOTES = (".txt", ".md", ".json", ".csv", ".yaml")
"""Endings of files that lie beside recordings and images and explain them."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as the listing of its folder shows it."""

    path: Path
    size: int
    modified: int

    @property
    def line(self) -> str:
        """Folder, name and size, as they go into the listing of a task."""
        return f"{self.path.parent.name}/{self.path.name} {self.size}"


def is_note(path: Path) -> bool:
    """Whether a file is no example, damaged or not, judging by its name."""
    return path.suffix.lower() in NOTES


def files_in(folder: Path) -> list[File]:
    """The files directly in `folder`, by name; hidden ones are left out."""
    with os.scandir(folder) as entries:
        files = [
            File(Path(entry.path), entry.stat().st_size, entry.stat().st_mtime_ns)
            for entry in entries
            if entry.is_file() and not entry.name.startswith(".")
        ]
    return sorted(files, key=lambda file: file.path.name)


def read_all(
    paths: Sequence[Path], read: Callable[[Path], Content]
) -> tuple[list[Content], list[int], Skipped]:
    """Read `paths` in parallel.

    Returns:
        What could be read, the indices of those paths, and path and reason of the others: the ones
        for which `read` raised OSError or ValueError.
    """

    def attempt(path: Path) -> Content | Exception:
        try:
            return read(path)
        except (OSError, ValueError) as error:
            return error

    contents, usable, skipped = [], [], []
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for index, content in enumerate(pool.map(attempt, paths)):
            if isinstance(content, Exception):
                reason = " ".join(str(content).split()) or type(content).__name__
                skipped.append((str(paths[index]), reason))
            else:
                contents.append(content)
                usable.append(index)
    return contents, usable, skipped


def report_skipped(skipped: Skipped, total: int, kind: str) -> None:
    """One line for all the files that were left out."""
    if skipped:
        path, reason = skipped[0]
        _logger.warning(
            "skipped %d of %s %s, first: %s: %s", len(skipped), f"{total:,}", kind, path, reason
        )

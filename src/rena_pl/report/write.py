"""Reports and figures as files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rena_pl.errors import RenaError
from rena_pl.report.page import View, joint_figures, page, views_of
from rena_pl.report.run import Run, read_run
from rena_pl.whole_files import write_whole

REPORT = "report.html"


def read_runs(folders: Sequence[Path]) -> list[Run]:
    """Several run folders, each once, under names that tell them apart.

    Raises:
        RenaError: One of them is no run folder.
    """
    different = {folder.resolve(): folder for folder in folders}
    tails = {resolved: resolved.parts[-1:] for resolved in different}
    for length in range(2, max(len(resolved.parts) for resolved in different) + 1):
        doubled = [r for r in tails if list(tails.values()).count(tails[r]) > 1]
        tails.update({resolved: resolved.parts[-length:] for resolved in doubled})
    return [read_run(folder, "/".join(tails[at])) for at, folder in different.items()]


def write_report(runs: Sequence[Run], output: Path, figures: Path | None = None) -> None:
    """Write the report of some runs, and its figures into a folder of their own.

    Raises:
        RenaError: A file cannot be written.
    """
    views = views_of(runs)
    _write(output, page(views))
    if figures is not None:
        for name, text in _drawings(views).items():
            _write(figures / name, text)


def _drawings(views: Sequence[View]) -> dict[str, str]:
    """All figures by the names of their files, no two of which are the same."""
    several = len(views) > 1
    named = [
        (f"{view.run.name}_{figure.name}" if several else figure.name, figure)
        for view in views
        for figure in view.figures
    ]
    named += [(figure.name, figure) for figure in joint_figures([view.run for view in views])]
    files: dict[str, str] = {}
    for name, figure in named:
        plain = _plain(name)
        free = (plain, *(f"{plain}_{number}" for number in range(2, len(named) + 2)))
        files[next(stem for stem in free if stem not in files)] = figure.file()
    return {f"{stem}.svg": text for stem, text in files.items()}


def _plain(name: str) -> str:
    """A name without what a file's name should not hold."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text.encode("utf-8", "replace").decode("utf-8"))
    except (OSError, ValueError) as error:  # the latter of a path that names no file
        raise RenaError(f"{file}: cannot be written: {error}") from None

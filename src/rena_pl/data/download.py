"""Downloads that several processes may want at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock


@contextmanager
def only_downloader(root: Path) -> Iterator[None]:
    """Make the folder, and keep other processes from downloading to it meanwhile: they wait.

    Raises:
        OSError: It cannot be made.
        NotImplementedError: Its file system has no locks, so that nobody could be kept out.
    """
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / ".download.lock"):
        yield

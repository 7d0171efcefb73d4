"""How long a search takes, over all its parts."""

from __future__ import annotations

import time
from pathlib import Path

from rena_pl.whole_files import write_whole

FILE = "seconds"


class Clock:
    """Counts seconds, and goes on from what was kept in the run folder.

    Args:
        folder: The run folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._started = time.monotonic() - self._kept()

    @property
    def seconds(self) -> float:
        """The time that the search has taken."""
        return time.monotonic() - self._started

    def keep(self) -> None:
        """Write it down."""
        write_whole(self._file, f"{self.seconds:.1f}\n")

    def _kept(self) -> float:
        """What was written last; nothing if that cannot be read."""
        try:
            return float(self._file.read_text())
        except (OSError, ValueError):
            return 0.0

"""Where the time of a program goes, by the functions it is spent in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

REST = "other"


class Stopwatch:
    """Seconds by part; the time of a part inside another counts for the inner one alone."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.parts = [REST]
        self.since = time.perf_counter()

    def lap(self) -> Counter[str]:
        """The seconds until now."""
        now = time.perf_counter()
        self.seconds[self.parts[-1]] += now - self.since
        self.since = now
        return self.seconds.copy()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What happens inside belongs to that part."""
        self.lap()
        self.parts.append(name)
        try:
            yield
        finally:
            self.lap()
            self.parts.pop()

    @contextmanager
    def watching(self, places: dict[str, list[tuple[Any, str]]]) -> Iterator[None]:
        """Count calls of functions, by part a list of where each is looked up and its name."""
        patches = [
            patch.object(owner, name, self._timed(part, getattr(owner, name)))
            for part, functions in places.items()
            for owner, name in functions
        ]
        for one in patches:
            one.start()
        try:
            yield
        finally:
            for one in patches:
                one.stop()

    def _timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*arguments: Any, **settings: Any) -> Any:
            with self.part(part):
                return function(*arguments, **settings)

        return timed

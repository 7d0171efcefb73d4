"""What must not be cut in two is finished before Ctrl-C, or another thread, ends the process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_cutting = threading.RLock()


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold SIGINT back inside the block, and deliver it behind.

    Other threads than the main one are never interrupted, so there is nothing to hold for them.
    """
    with _cutting:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        held: list[Any] = []
        before = signal.signal(signal.SIGINT, lambda *arguments: held.append(arguments))
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
    if held and callable(before):
        before(*held[0])


@contextmanager
def uncut(seconds: float) -> Iterator[None]:
    """Wait, for so long at most, until no other thread is in such a block."""
    waited = _cutting.acquire(timeout=seconds)
    try:
        yield
    finally:
        if waited:
            _cutting.release()

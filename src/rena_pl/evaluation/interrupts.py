"""What must not be cut in two is finished before Ctrl-C, or another thread, ends the process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_cutting = threading.RLock()


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back inside the block, and deliver the first behind.

    Other threads than the main one are never interrupted, so there is nothing to hold for them.
    """
    with _cutting:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        held: list[int] = []
        before = {
            number: signal.signal(number, lambda got, _: held.append(got))
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    if held:
        signal.raise_signal(held[0])


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """End with the interrupt that came inside the block, even if its exception got lost.

    One that comes while a library calls back into Python may end as an error of that library, as if
    what it did had failed, or as nothing at all.
    """
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        signal.default_int_handler(number, frame)

    main = threading.current_thread() is threading.main_thread()
    noted = [
        number
        for number in (signal.SIGINT, signal.SIGTERM)
        if main and signal.getsignal(number) is signal.default_int_handler
    ]
    for number in noted:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number in noted:
            signal.signal(number, signal.default_int_handler)
        if came:
            raise KeyboardInterrupt


@contextmanager
def uncut(seconds: float) -> Iterator[None]:
    """Wait, for so long at most, until no other thread is in such a block."""
    waited = _cutting.acquire(timeout=seconds)
    try:
        yield
    finally:
        if waited:
            _cutting.release()

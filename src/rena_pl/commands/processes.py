"""Calls side by side, in processes that end with the command."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from typing import Any

from rena_pl.errors import RenaError


def side_by_side(
    call: Callable[..., object], arguments: Sequence[tuple[Any, ...]], processes: int
) -> Iterator[None]:
    """Make calls, several at a time, and say whenever one has come to its end.

    When one fails, or this process is interrupted, the others are ended at once.

    Args:
        call: A function of a module.
        arguments: Of every call.
        processes: How many work.

    Raises:
        RenaError: A process was killed.
        Exception: What a call raised.
    """
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin) as pool:
        try:
            for done in as_completed([pool.submit(call, *of) for of in arguments]):
                done.result()
                yield
        except BrokenProcessPool:  # the pool ends the others
            raise RenaError(
                f"one of {processes} processes was killed, perhaps for want of memory; the same "
                "command goes on where this one was left"
            ) from None
        except BaseException:
            for process in active_children():
                process.terminate()
            raise


def _begin() -> None:
    """Leave Ctrl-C to the command, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)

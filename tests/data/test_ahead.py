from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from rena_pl.data.ahead import ahead


def test_the_items_come_in_order() -> None:
    assert list(ahead(iter(range(100)))) == list(range(100))
    assert list(ahead(iter([]))) == []
    assert list(ahead(iter([None, None]))) == [None, None]


def test_the_next_one_is_made_while_one_is_used() -> None:
    made = threading.Semaphore(0)

    def items() -> Iterator[int]:
        for number in range(3):
            made.release()
            yield number

    coming = ahead(items())
    assert next(coming) == 0
    assert made.acquire(timeout=10)
    assert made.acquire(timeout=10), "the second was not made before it was asked for"
    assert list(coming) == [1, 2]


def test_an_error_reaches_the_user() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    coming = ahead(items())
    assert next(coming) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(coming)

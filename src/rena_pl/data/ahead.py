"""The next piece is made while this one is used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made by another thread while the one before it is used."""

    def one_or_none() -> list[Item]:
        return list(islice(items, 1))

    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(one_or_none)
        while made := coming.result():
            coming = maker.submit(one_or_none)
            yield from made

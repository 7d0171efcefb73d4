from __future__ import annotations

import ctypes

import pytest

from rena_pl.heap import keep_freed_memory


def test_freed_memory_is_kept_where_the_c_library_can(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Glibc:
        def mallopt(self, parameter: int, value: int) -> int:
            asked.append((parameter, value))
            return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Glibc())
    keep_freed_memory.cache_clear()
    keep_freed_memory()
    keep_freed_memory()
    assert asked == [(-3, 2**25), (-1, 2**31 - 1)]


@pytest.mark.parametrize("library", [object(), OSError(), TypeError()])
def test_another_c_library_is_left_alone(library: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: None) -> object:
        if isinstance(library, Exception):
            raise library
        return library

    monkeypatch.setattr(ctypes, "CDLL", load)
    keep_freed_memory.cache_clear()
    keep_freed_memory()

"""How the C library treats the memory that a training step frees."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of parameters in glibc's malloc.h."""
LARGEST = 32 * 2**20
"""Bytes of the largest block that glibc takes from its heap."""


@cache
def keep_freed_memory() -> None:
    """Let glibc keep what is freed for the next step; elsewhere, do nothing.

    As it comes, it hands large blocks back to the system, which then has to clear every page anew,
    step after step: on a processor that took a third of the time of a step of DS-CNN-S. The
    process keeps the memory of its largest step (mallopt(3)).
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def give_back_freed_memory() -> None:
    """Have glibc give the system what is free by now, between blocks that are not too.

    Children and the model of the reward need blocks of ever other sizes, which would else lie
    beside each other and make the process grow (malloc_trim(3)).
    """
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(name: str) -> Any:
    """A function of the C library; none with another one, or on Windows."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None

"""How the C library treats the memory that a training step frees."""

from __future__ import annotations

import ctypes
from functools import cache

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
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return
    mallopt(M_MMAP_THRESHOLD, LARGEST)
    mallopt(M_TRIM_THRESHOLD, 2**31 - 1)

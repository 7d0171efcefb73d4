"""The one exception that is meant for people."""

from __future__ import annotations

from math import inf


class RenaError(Exception):
    """Something the user can mend: one sentence that says what is wrong and where.

    The command line prints the sentence without a traceback and exits with code 2.
    """


class StorageError(RenaError):
    """What a search keeps cannot be written, or read again, so that it cannot go on."""


def require_at_least(least: float, part: str, settings: object, *names: str) -> None:
    """Raise a `RenaError` unless the named settings of a part of the config are large enough."""
    for name in names:
        value = getattr(settings, name)
        if not least <= value < inf:  # nor is NaN
            raise RenaError(f"{part}.{name} must be at least {least}, not {value}")

"""The console that commands and displays print to."""

from __future__ import annotations

from rich.console import Console


def plain_console(stderr: bool = False) -> Console:
    """A console that prints names as they are: `[tight]` or `:key:` in one is no markup."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)

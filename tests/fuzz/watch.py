"""What a parser must not do, seen by the interpreter's audit events."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CODE = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.find_class")
_seen: list[str] = []
_inside: list[str] = []
"""The folder that may be written to, while something is watched."""


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _inside:
        return
    if event in CODE and not _harmless(event, arguments):
        _seen.append(f"{event} {arguments}")
    elif event == "open":
        path, mode, flags = arguments
        writes = (flags or 0) & WRITING or set("wax+") & set(mode or "")
        if writes and isinstance(path, str | bytes | os.PathLike):
            place = os.path.realpath(os.fsdecode(path))
            if not place.startswith((_inside[0], "/dev/null")):
                _seen.append(f"wrote {place}")


def _harmless(event: str, arguments: tuple[Any, ...]) -> bool:
    """torch checks the names that it finds itself, and raises for all that it does not know."""
    return event == "pickle.find_class" and arguments[0] in ("torch._utils", "collections")


sys.addaudithook(_hook)


@contextmanager
def watched(folder: Path) -> Iterator[list[str]]:
    """A list of what was done that must not be, outside `folder`."""
    _seen.clear()
    _inside[:] = [os.path.realpath(folder)]
    try:
        yield _seen
    finally:
        _inside.clear()

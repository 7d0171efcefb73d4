"""Files that are there whole or not at all, whenever the process dies."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text file; a reader sees the old content or the new, never a part."""
    unfinished = unfinished_path(path)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def unfinished_path(path: Path) -> Path:
    """Where this process writes before it renames."""
    return path.with_name(f"{path.name}.{os.getpid()}.part")

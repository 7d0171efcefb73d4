"""Computed tensors kept on disk: whole and intact, or not used at all."""

from __future__ import annotations

import logging
import os
import tempfile
import zlib
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

_logger = logging.getLogger(__name__)


def default_cache_dir() -> Path:
    """`rena_pl` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rena_pl"


def write(path: Path, tensors: dict[str, Tensor], notes: dict[str, str]) -> None:
    """Write `tensors` and `notes` to `path`; a reader sees the whole file or none.

    A cache that cannot be written (a full disk, no permission) costs time, not the result: it is
    reported and otherwise ignored.
    """
    checksums = {f"crc32.{name}": _checksum(tensor) for name, tensor in tensors.items()}
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        os.close(handle)
        save_file(tensors, temporary, metadata={**notes, **checksums})
        Path(temporary).replace(path)
    except (OSError, SafetensorError) as error:
        _logger.warning("features are not cached in %s: %s", path, error)
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]] | None:
    """The tensors and notes in `path`; None where there are none that can be trusted."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            notes = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        tensors, notes = {}, {}
    damaged = [name for name in tensors if notes.get(f"crc32.{name}") != _checksum(tensors[name])]
    if damaged or not tensors:
        _logger.warning("%s is damaged, the features are computed again", path)
        return None
    return tensors, notes


def _checksum(tensor: Tensor) -> str:
    content: Any = tensor.contiguous().numpy()
    return f"{zlib.crc32(content):08x}"

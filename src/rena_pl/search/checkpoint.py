"""The checkpoint of a search: the policy after its last update."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from rena_pl.errors import RenaError

CHECKPOINTS = "checkpoints"
LAST = "last.ckpt"


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint holds: tensors and plain values, and no code.

    Raises:
        RenaError: It cannot be read.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises depends on the damage
        raise RenaError(f"{path}: no checkpoint can be read: {type(error).__name__}") from error
    if not isinstance(content, dict):
        raise RenaError(f"{path}: holds no checkpoint")
    return content

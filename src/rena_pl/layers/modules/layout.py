"""How maps lie in memory."""

from __future__ import annotations

import torch
from torch import Tensor


def layout_of(maps: Tensor) -> torch.memory_format:
    """Channels last if maps `(batch, channels, height, width)` lie so, else channels first."""
    last = maps.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format

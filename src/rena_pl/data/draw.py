"""Random numbers for batches that may lie on another device than the generator."""

from __future__ import annotations

import torch
from torch import Tensor


def uniform_integers(
    low: int, high: int, shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None
) -> Tensor:
    """Integers from `low` to `high` inclusive, on the device of `like`."""
    device = like.device if generator is None else generator.device
    return torch.randint(low, high + 1, shape, generator=generator, device=device).to(like.device)

"""Features held in less memory than float32 takes: a byte each, or two."""

from __future__ import annotations

import torch
from torch import Tensor

STEP = 1 / 16  # a power of two times a code of 8 bits: bfloat16 holds the product exactly


def encode(features: Tensor) -> Tensor:
    """Normalised features as int8 codes, in steps of a sixteenth of their standard deviation.

    A code is at most 1/32 of a standard deviation off, 0.02 on average, and zero stays zero. What
    is outside of -8 to 7.94, about one in a million MFCC and no log-mel feature, is clipped.
    """
    return (features / STEP).round_().clamp_(-128, 127).to(torch.int8)


def decode(features: Tensor) -> Tensor:
    """Codes, and features of half or full precision, as float32 features."""
    return features.float().mul_(STEP) if features.dtype == torch.int8 else features.float()

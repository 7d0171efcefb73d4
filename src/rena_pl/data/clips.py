"""Recordings of one second, read when they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from rena_pl.data.tensor_task import Batch


@dataclass(frozen=True)
class Clips:
    """The recordings of one split, of which only a few are in memory at a time.

    Attributes:
        targets: Class indices of all of them, `(clips,)`, int64.
        read: Takes indices `(n,)`; returns the waveforms `(n, samples)`, int16 at 16 kHz, and the
            classes `(n,)` of those of them that can be used.
    """

    targets: Tensor
    read: Callable[[Tensor], Batch]

    def __len__(self) -> int:
        return self.targets.shape[0]


def clips_in_memory(waveforms: Tensor, targets: Tensor) -> Clips:
    """Clips whose waveforms `(clips, samples)`, int16 at 16 kHz, are there already."""
    return Clips(targets, lambda indices: (waveforms[indices], targets[indices]))

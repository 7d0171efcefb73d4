"""Speed perturbation: the same word, spoken faster and higher or slower and lower."""

from __future__ import annotations

import torch
from torch import Tensor


def change_speed(waveforms: Tensor, most: float, generator: torch.Generator) -> Tensor:
    """Play every waveform at a random speed, its middle kept in the middle.

    Pitch and tempo change together, as between speakers (Ko et al., Audio Augmentation for Speech
    Recognition, 2015). What is missing at the ends is silence.

    Args:
        waveforms: `(clips, samples)`.
        most: The largest change; speeds are drawn from `1 - most` to `1 + most`.
        generator: Of the speeds.
    """
    clips, samples = waveforms.shape
    speed = 1 + most * (2 * torch.rand(clips, 1, generator=generator) - 1)
    middle = (samples - 1) / 2
    position = middle + (torch.arange(samples) - middle) * speed
    inside = (position >= 0) & (position <= samples - 1)
    before = position.floor().clamp(0, samples - 2).long()
    weight = (position - before).clamp(0, 1)
    mixed = torch.lerp(waveforms.gather(1, before), waveforms.gather(1, before + 1), weight)
    return mixed * inside

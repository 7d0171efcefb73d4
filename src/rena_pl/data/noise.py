"""Background noise: where it comes from, and how it is mixed into speech."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rena_pl.data.front_end import SAMPLE_RATE


def coloured_noise(samples: int, exponent: float, generator: torch.Generator) -> Tensor:
    """Noise whose power falls with frequency to the `exponent`: 0 white, 1 pink, 2 brown."""
    spectrum = torch.fft.rfft(torch.randn(samples, generator=generator))
    frequency = torch.arange(spectrum.shape[0], dtype=torch.float32).clamp(min=1)
    noise: Tensor = torch.fft.irfft(spectrum * frequency ** (-exponent / 2), n=samples)
    return noise.mul(0.1 / noise.square().mean().sqrt())


def synthetic_backgrounds(generator: torch.Generator, seconds: int = 30) -> list[Tensor]:
    """A recording each of white to brown noise, steady and swelling."""
    backgrounds = []
    for exponent in (0.0, 0.5, 1.0, 1.5, 2.0):
        steady = coloured_noise(seconds * SAMPLE_RATE, exponent, generator)
        # Loudness that wanders a few times a second: closer to babble and traffic than a hiss.
        swell = coloured_noise(steady.shape[0] // 800, 1.0, generator).mul(10).exp()
        swell = torch.nn.functional.interpolate(swell[None, None], steady.shape[0], mode="linear")
        backgrounds += [steady, (steady * swell[0, 0]).clamp(-1, 1)]
    return backgrounds


class NoiseBank:
    """Cuts one-second segments out of noise recordings.

    Args:
        recordings: Waveforms of any length in -1..1 at 16 kHz, at least one.
    """

    def __init__(self, recordings: Sequence[Tensor]) -> None:
        long_enough = [_at_least_a_second(recording) for recording in recordings]
        lengths = torch.tensor([recording.shape[0] for recording in long_enough])
        self._begins = lengths.cumsum(0) - lengths
        self._starts = lengths - SAMPLE_RATE + 1
        self._segments = torch.cat(long_enough).unfold(0, SAMPLE_RATE, 1)

    def segments(self, count: int, generator: torch.Generator) -> Tensor:
        """`(count, samples)` random segments; every recording is equally likely."""
        recording = torch.randint(len(self._begins), (count,), generator=generator)
        position = torch.rand(count, generator=generator, dtype=torch.float64)
        offset = (position * self._starts[recording]).long()
        return self._segments[self._begins[recording] + offset]

    def silence(self, count: int, generator: torch.Generator) -> Tensor:
        """`(count, samples)` examples without speech: segments of any volume, a few all zeros."""
        volume = torch.rand(count, 1, generator=generator)
        volume[torch.rand(count, generator=generator) < 0.1] = 0.0
        return self.segments(count, generator) * volume

    def mix_into(
        self,
        waveforms: Tensor,
        probability: float,
        snr_db: tuple[float, float],
        generator: torch.Generator,
    ) -> Tensor:
        """`waveforms` with noise in a share of them, at a random distance below the speech."""
        count = waveforms.shape[0]
        noise = self.segments(count, generator)
        low, high = snr_db
        snr = low + (high - low) * torch.rand(count, 1, generator=generator)
        gain = _loudness(waveforms) / _loudness(noise).clamp(min=1e-5) * 10 ** (-snr / 20)
        gain[torch.rand(count, generator=generator) >= probability] = 0.0
        return (waveforms + gain * noise).clamp(-1, 1)


def part_for_split(recordings: Sequence[Tensor], split: str) -> list[Tensor]:
    """The stretch of every recording that belongs to `split`, so that no noise is in two splits.

    Recordings too short to be divided are used in all splits.
    """
    begin, end = {"train": (0.0, 0.8), "val": (0.8, 0.9), "test": (0.9, 1.0)}[split]
    return [
        noise[int(begin * len(noise)) : int(end * len(noise))]
        if len(noise) >= 20 * SAMPLE_RATE
        else noise
        for noise in recordings
    ]


def _at_least_a_second(recording: Tensor) -> Tensor:
    repeats = -(-SAMPLE_RATE // max(1, recording.shape[0]))
    return recording.repeat(repeats)


def _loudness(waveforms: Tensor) -> Tensor:
    return waveforms.square().mean(dim=1, keepdim=True).sqrt()

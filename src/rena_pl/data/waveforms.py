"""Reading recordings as waveforms of one second."""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torchaudio.transforms import Resample  # type: ignore[import-untyped, unused-ignore]

from rena_pl.data.front_end import SAMPLE_RATE

Waveform = NDArray[np.float32]
MOST_SAMPLES = 100_000_000
"""Of all channels: half an hour in CD quality, 400 MB."""
LOWEST_RATE, LONGEST = 1000, 3600
"""Samples a second, and seconds."""
LONGEST_FILTER = 20_000_000
"""Values of a resampling filter."""


def read_mono(path: Path) -> tuple[Waveform, int]:
    """The mean of the channels in -1..1, and the samples per second.

    Raises:
        ValueError: The file is no recording, or an empty one.
    """
    try:
        with soundfile.SoundFile(path) as file:
            rate, frames = file.samplerate, file.frames
            if frames * file.channels > MOST_SAMPLES:
                raise ValueError(f"more than {MOST_SAMPLES:,} samples")
            if rate < LOWEST_RATE or frames > LONGEST * rate:
                raise ValueError(f"{frames:,} samples at {rate} a second")
            channels = file.read(dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(error.error_string) from error
    except TypeError as error:  # a name that ends in .raw, whose content has no header
        raise ValueError(str(error)) from error
    if not len(channels):
        raise ValueError("empty recording")
    waveform: Waveform = channels.mean(axis=1)
    if not np.isfinite(waveform).all():
        raise ValueError("samples that are not numbers")
    return waveform, rate


def resample(waveforms: Waveform, rate: int) -> Waveform:
    """`waveforms`, one or a batch of equal length, at 16,000 samples a second.

    Raises:
        ValueError: The rate is so odd that the filter would fill the memory.
    """
    if rate == SAMPLE_RATE:
        return waveforms
    common = gcd(rate, SAMPLE_RATE)
    # as torchaudio works it out: a filter for every output sample, over a few of its lengths
    length = rate // common + 12 * max(rate, SAMPLE_RATE) // SAMPLE_RATE + 14
    if length * (SAMPLE_RATE // common) > LONGEST_FILTER:
        raise ValueError(f"{rate} samples a second")
    resampled: Waveform = _resampler(rate)(torch.from_numpy(waveforms)).numpy()
    return resampled


@lru_cache(maxsize=8)
def _resampler(rate: int) -> Resample:
    return Resample(rate, SAMPLE_RATE)


def fit_to_a_second(waveform: Waveform, loudest: bool = False) -> Waveform:
    """Pad on both sides, or cut: the first second, or the one with the most energy."""
    missing = SAMPLE_RATE - len(waveform)
    if missing >= 0:
        return np.pad(waveform, (missing // 2, missing - missing // 2))
    begin = 0
    if loudest:
        energy = np.concatenate([[0.0], np.cumsum(waveform.astype(np.float64) ** 2)])
        begin = int(np.argmax(energy[SAMPLE_RATE:] - energy[:-SAMPLE_RATE]))
    return waveform[begin : begin + SAMPLE_RATE]


def to_int16(waveform: Waveform) -> NDArray[np.int16]:
    """The samples as int16, which takes half the memory; louder than full scale is clipped."""
    return np.clip(np.round(waveform * 32768), -32768, 32767).astype(np.int16)

"""From raw input to normalised features, as modules that can be part of an exported network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor, nn
from torchaudio.transforms import MFCC, MelSpectrogram

from rena_pl.errors import RenaError

SAMPLE_RATE = 16_000

FeatureKind = Literal["mfcc", "log_mel"]

# Added to the mel energies before the logarithm. A fixed floor, unlike decibels relative to a
# maximum, keeps every frame independent of the rest of the clip and of the batch.
_LOG_FLOOR = 1e-6


class FrontEnd(nn.Module):
    """Turns raw input into features, normalised by the mean and deviation of the training split.

    A subclass states its `kind`, keeps the arguments of its constructor as `settings`, and has the
    buffers `mean` and `std`; `rena_pl.data.described` builds it anew from `describe`.
    """

    kind: ClassVar[str]
    settings: Mapping[str, Any]
    mean: Tensor
    std: Tensor

    def normalise(self, features: Tensor) -> Tensor:
        """`features` with the mean and deviation of the training split taken out."""
        return (features - self.mean) / self.std

    def describe(self) -> dict[str, Any]:
        """Kind, settings, mean and deviation as plain values for JSON."""
        return {
            "kind": self.kind,
            **self.settings,
            "mean": _plain(self.mean),
            "std": _plain(self.std),
        }


def require_between(low: float, high: float, **settings: float) -> None:
    """Raise a `RenaError` unless every setting is within bounds, and whole if these are."""
    kinds = (int,) if type(low) is type(high) is int else (int, float)
    for name, value in settings.items():
        if type(value) not in kinds or not low <= value <= high:
            raise RenaError(f"{name}: {str(value)[:60]} is not between {low} and {high}")


def _plain(values: Tensor) -> list[float]:
    """Nine digits tell any two float32 numbers apart."""
    return [float(f"{value:.9g}") for value in values.flatten().tolist()]


class SpeechFrontEnd(FrontEnd):
    """MFCC or log-mel features of one-second clips, normalised per feature.

    Args:
        features: Kind of features.
        n_features: Coefficients (MFCC) or mel bands (log-mel).
        window_ms: Length of the analysis window.
        hop_ms: Distance between the starts of two windows.

    Raises:
        RenaError: One of them is of another kind or size than a second of speech can do with.
    """

    kind = "speech"

    def __init__(
        self,
        features: FeatureKind = "mfcc",
        n_features: int = 40,
        window_ms: int = 30,
        hop_ms: int = 10,
    ) -> None:
        super().__init__()
        if features not in get_args(FeatureKind):
            raise RenaError(f"features: {features!r} is not one of {get_args(FeatureKind)}")
        require_between(1, 128, n_features=n_features)
        require_between(5, 200, window_ms=window_ms)
        require_between(1, 200, hop_ms=hop_ms)
        self.settings = {
            "features": features,
            "n_features": n_features,
            "window_ms": window_ms,
            "hop_ms": hop_ms,
        }
        window = SAMPLE_RATE * window_ms // 1000
        self.hop = SAMPLE_RATE * hop_ms // 1000
        bands = n_features if features == "log_mel" else max(40, n_features)
        # Fine enough that even the lowest, narrowest bands hold a bin of the spectrum.
        n_fft = max(512 if bands <= 40 else 2048, 1 << (window - 1).bit_length())
        mel = {"n_fft": n_fft, "win_length": window, "hop_length": self.hop, "n_mels": bands}
        self.transform: nn.Module
        if features == "mfcc":
            self.transform = MFCC(SAMPLE_RATE, n_features, log_mels=True, melkwargs=mel)
        else:
            self.transform = nn.Sequential(MelSpectrogram(SAMPLE_RATE, **mel), _Log())
        self.register_buffer("mean", torch.zeros(n_features, 1))
        self.register_buffer("std", torch.ones(n_features, 1))

    def frames(self, samples: int = SAMPLE_RATE) -> int:
        """The number of frames of a clip of `samples`."""
        return 1 + samples // self.hop

    def raw(self, waveforms: Tensor) -> Tensor:
        """`(batch, samples)` to features `(batch, 1, features, frames)`, not normalised yet."""
        features: Tensor = self.transform(waveforms)
        return features.unsqueeze(1)

    def fit(self, features: Tensor) -> None:
        """Take the mean and deviation per feature from raw features `(..., features, frames)`."""
        others = [dim for dim in range(features.dim()) if dim != features.dim() - 2]
        std, mean = torch.std_mean(features, dim=others)
        self.mean.copy_(mean[:, None])
        self.std.copy_(std[:, None].clamp(min=1e-5))

    def forward(self, waveforms: Tensor) -> Tensor:
        """Normalised features of waveforms `(batch, samples)` in -1..1 at 16 kHz."""
        return self.normalise(self.raw(waveforms))


class _Log(nn.Module):
    def forward(self, energies: Tensor) -> Tensor:
        return torch.log(energies + _LOG_FLOOR)

"""What the speech tasks share: noise, silence, features, their cache, and augmentation."""

from __future__ import annotations

import json
import unicodedata
from abc import abstractmethod
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rena_pl.data import cache
from rena_pl.data.ahead import ahead
from rena_pl.data.clips import Clips
from rena_pl.data.codes import encode
from rena_pl.data.draw import uniform_integers
from rena_pl.data.files import Skipped, report_skipped
from rena_pl.data.front_end import FeatureKind, SpeechFrontEnd, require_between
from rena_pl.data.noise import NoiseBank, part_for_split, synthetic_backgrounds
from rena_pl.data.speed import change_speed
from rena_pl.data.tensor_task import PLACES, SPLITS, Batch, Split, TensorTask
from rena_pl.errors import RenaError
from rena_pl.hashing import short_hash

UNKNOWN = "unknown"
SILENCE = "silence"

_CHUNK = 25  # clips whose features are computed at once: their spectra fit the processor cache
_FIT_CHUNKS = 20  # chunks whose mean and deviation stand for those of the whole split
_CACHE_FORMAT = 2  # raise it whenever the same settings come to give other features

# Settings that act on batches, after the cache.
_NOT_IN_CACHE = PLACES | {"batch_size", "time_shift_ms", "time_mask_ms", "frequency_mask"}


class SpeechTask(TensorTask):
    """Keyword spotting in clips of one second; a subclass says where the recordings come from.

    The training split has several views: view 0 as recorded, the others at other speeds and with
    background noise mixed in. The classes are the keywords, then `unknown`, then `silence`.

    Args:
        keywords: The words to tell apart, one class each.
        features: `mfcc` (cepstral coefficients) or `log_mel` (mel spectrogram).
        n_features: Coefficients or mel bands.
        window_ms: Length of the analysis window in milliseconds.
        hop_ms: Time from one frame of features to the next, in milliseconds.
        unknown: Add a class of words that are not keywords.
        silence: Add a class of background noise without speech.
        extra_share: Size of `unknown` and of `silence`, relative to a keyword's mean.
        augmented_views: Renderings of the training recordings at other speeds and with noise,
            besides the plain one.
        speed_change: Largest change of speed, and with it of pitch, in those renderings.
        noise_probability: Share of the clips in those renderings that get noise.
        time_shift_ms: Training clips are shifted by up to so much, either way.
        time_mask_ms: A stretch of up to so much is blanked in every training clip; 0 for none.
        frequency_mask: Up to so many neighbouring features are blanked in every training clip; for
            `log_mel`, where they are neighbouring frequencies.
        cache_dir: Folder for computed features, `~/.cache/rena_pl` by default; `null` for no cache.
        batch_size: Examples in a training batch.
        seed: Seed of everything random in the data.

    Attributes:
        front_end: Computes the features; normalises once the splits are loaded.
        tried: How many recordings were to be read.
        skipped: Path and reason of the ones among them that could not be used.
    """

    front_end: SpeechFrontEnd

    # Loudness of the speech over the noise that is mixed in.
    snr_db: tuple[float, float] = (5.0, 30.0)

    def __init__(
        self,
        keywords: list[str] | None,
        features: FeatureKind = "mfcc",
        n_features: int = 40,
        window_ms: int = 30,
        hop_ms: int = 10,
        unknown: bool = True,
        silence: bool = True,
        extra_share: float = 1.0,
        augmented_views: int = 1,
        speed_change: float = 0.15,
        noise_probability: float = 0.8,
        time_shift_ms: int = 100,
        time_mask_ms: int = 100,
        frequency_mask: int = 0,
        cache_dir: str | Path | None = "default",
        batch_size: int = 100,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size=batch_size, seed=seed)
        if keywords is not None:
            check_keywords(keywords, silence)
        require_between(0.01, 100.0, extra_share=extra_share)
        require_between(0, 100, augmented_views=augmented_views)
        require_between(0.0, 0.5, speed_change=speed_change)
        require_between(0.0, 1.0, noise_probability=noise_probability)
        require_between(0, 1000, time_shift_ms=time_shift_ms, time_mask_ms=time_mask_ms)
        require_between(0, 128, frequency_mask=frequency_mask)
        self.keywords = None if keywords is None else list(keywords)
        self.features = features
        self.n_features = n_features
        self.window_ms = window_ms
        self.hop_ms = hop_ms
        self.unknown = unknown
        self.silence = silence
        self.extra_share = extra_share
        self.augmented_views = augmented_views
        self.speed_change = speed_change
        self.noise_probability = noise_probability
        self.time_shift_ms = time_shift_ms
        self.time_mask_ms = time_mask_ms
        self.frequency_mask = frequency_mask
        self.cache_dir = cache_dir
        self.front_end = SpeechFrontEnd(features, n_features, window_ms, hop_ms)
        self.tried = 0
        self.skipped: Skipped = []

    @abstractmethod
    def clips(self) -> dict[str, Clips]:
        """The spoken clips of every split: keywords by index and, if wanted, unknown words."""

    def backgrounds(self) -> list[Tensor]:
        """Recordings of noise in -1..1; made up where a subclass has none."""
        return synthetic_backgrounds(torch.Generator().manual_seed(self.seed))

    def settings(self, leave_out: Collection[str] = PLACES) -> dict[str, Any]:
        """The constructor arguments, and the loudness of the noise."""
        return {**super().settings(leave_out), "snr_db": self.snr_db}

    def file_times(self) -> list[int]:
        """When the files in `listing` were last changed; the cache depends on it."""
        return []

    def place(self) -> Path | None:
        """Where these files lie; the cache depends on it, as two data sets may be listed alike."""
        return None

    @property
    def words(self) -> list[str]:
        """The keywords, in the order of their classes."""
        assert self.keywords is not None
        return self.keywords

    @property
    def has_unknown(self) -> bool:
        """Whether there is a class of other words."""
        return self.unknown

    @property
    def labels(self) -> list[str]:
        """The keywords, then `unknown` and `silence` where they are wanted."""
        unknown = [UNKNOWN] if self.has_unknown else []
        silence = [SILENCE] if self.silence else []
        return [*self.words, *unknown, *silence]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """One channel, features, frames."""
        return 1, self.n_features, self.front_end.frames()

    def load(self) -> dict[str, Split]:
        """Features of all splits, from the cache where it holds them."""
        path = self._cache_path()
        splits = None if path is None else self._read_cache(path)
        if splits is None:
            self.tried, self.skipped = 0, []
            splits = self._compute()
            if path is not None:
                self._write_cache(path, splits)
        report_skipped(self.skipped, self.tried, "recordings")
        return splits

    def augment(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Shift every example in time and blank stretches of it, each by its own draw."""
        examples, _, height, frames = features.shape
        time = torch.arange(frames, device=features.device)
        shift = min(self.time_shift_ms // self.hop_ms, frames - 1)
        if shift:
            offset = uniform_integers(-shift, shift, (examples, 1), features, generator)
            # Frames from beyond the clip repeat its first or last frame: background goes on.
            source = (time - offset).clamp(0, frames - 1)
            features = features.gather(
                3, source[:, None, None, :].expand(-1, features.shape[1], height, -1)
            )
        longest = min(self.time_mask_ms // self.hop_ms, frames)
        if longest:
            blank = _stretches(longest, frames, features, generator)
            features = features.masked_fill(blank[:, None, None, :], 0.0)
        if self.frequency_mask:
            blank = _stretches(min(self.frequency_mask, height), height, features, generator)
            features = features.masked_fill(blank[:, None, :, None], 0.0)
        return features

    def extras(self, keyword_clips: int) -> int:
        """How many clips `unknown` or `silence` gets in a split with so many keyword clips."""
        return max(1, round(self.extra_share * keyword_clips / len(self.words)))

    def generator(self, purpose: str) -> torch.Generator:
        """A generator of its own for every purpose, so that one does not disturb another."""
        return torch.Generator().manual_seed(int(short_hash([self.seed, purpose])[:12], 16))

    def render(
        self, split: str, view: int, waveforms: Tensor, noise: NoiseBank, generator: torch.Generator
    ) -> Tensor:
        """A chunk of a split's clips as they sound in `view`: noise in all training views but 0."""
        if view == 0:
            return waveforms
        return noise.mix_into(waveforms, self.noise_probability, self.snr_db, generator)

    def waveforms(self, split: str) -> Iterator[Batch]:
        """What the features of a split come from, in the same order, a few clips at a time.

        Of the training split, view 0.

        Returns:
            Waveforms `(clips, samples)` in -1..1 at 16 kHz, and classes `(clips,)`.
        """
        clips, noise = self.clips()[split], NoiseBank(part_for_split(self.backgrounds(), split))
        for (heard,), classes in self._heard(split, 1, clips, self._silent(clips), noise):
            yield heard, classes

    @torch.no_grad()
    def _compute(self) -> dict[str, Split]:
        clips, backgrounds = self.clips(), self.backgrounds()
        return {
            name: self._split(name, clips[name], NoiseBank(part_for_split(backgrounds, name)))
            for name in SPLITS
        }

    def _split(self, name: str, clips: Clips, noise: NoiseBank) -> Split:
        """The features of one split: codes to train on, halves (float16) to evaluate on."""
        training = name == "train"
        views = 1 + self.augmented_views if training else 1
        silent = self._silent(clips)
        most = len(clips) + silent
        dtype = torch.int8 if training else torch.float16
        features = torch.empty(most, views, *self.input_shape, dtype=dtype)
        targets = torch.empty(most, dtype=torch.int64)
        chunks = self._chunks(name, views, clips, silent, noise)
        used = 0
        for raw, classes in self._fit(chunks) if training else chunks:
            rows = slice(used, used + len(classes))
            normalised = self.front_end.normalise(raw)
            features[rows] = encode(normalised) if training else normalised
            targets[rows] = classes
            used = rows.stop
        return Split(features[:used], targets[:used])

    def _silent(self, clips: Clips) -> int:
        """How many clips of silence a split has besides these."""
        return self.extras(int((clips.targets < len(self.words)).sum())) if self.silence else 0

    def _chunks(
        self, split: str, views: int, clips: Clips, silent: int, noise: NoiseBank
    ) -> Iterator[Batch]:
        """Raw features `(n, views, channels, height, width)` and classes `(n,)`, n by n."""
        for heard, classes in ahead(self._heard(split, views, clips, silent, noise)):
            yield torch.stack([self.front_end.raw(view) for view in heard], dim=1), classes

    def _heard(
        self, split: str, views: int, clips: Clips, silent: int, noise: NoiseBank
    ) -> Iterator[tuple[list[Tensor], Tensor]]:
        """Waveforms `(n, samples)` of every view, and classes `(n,)`, n by n.

        Every chunk is spread over the whole split, so that a few of them speak for all.
        """
        generators = [self.generator(f"{split} view {view}") for view in range(views)]
        chunks = _spread(len(clips) + silent)
        read = ahead(clips.read(indices[indices < len(clips)]) for indices in chunks)
        for indices, (spoken, targets) in zip(chunks, read, strict=True):
            silence = torch.full((int((indices >= len(clips)).sum()),), self.num_classes - 1)
            classes = torch.cat([targets, silence])
            if not len(classes):  # none of these recordings could be used
                continue
            plain, rendered = spoken.float() / 32768, []
            for view, generator in enumerate(generators):
                heard = change_speed(plain, self.speed_change, generator) if view else plain
                heard = self.render(split, view, heard, noise, generator)
                heard = torch.cat([heard, noise.silence(len(silence), generator)])
                rendered.append(heard)
            yield rendered, classes

    def _fit(self, chunks: Iterator[Batch]) -> Iterator[Batch]:
        """The same chunks, once the first of them have told the front end how to normalise."""
        first = list(islice(chunks, _FIT_CHUNKS))
        if first:
            self.front_end.fit(torch.cat([features for features, _ in first]))
        yield from first
        first.clear()
        yield from chunks

    def _cache_path(self) -> Path | None:
        if self.cache_dir is None:
            return None
        folder = Path(self.cache_dir) if self.cache_dir != "default" else cache.default_cache_dir()
        cls, settings = type(self), self.settings(_NOT_IN_CACHE)
        content: list[Any] = [_CACHE_FORMAT, cls.__module__, cls.__qualname__, settings]
        key = short_hash([*content, self.listing(), self.file_times(), self.place()])
        return folder.expanduser() / f"speech-{key}.safetensors"

    def _read_cache(self, path: Path) -> dict[str, Split] | None:
        content = cache.read(path)
        if content is None:
            return None
        tensors, notes = content
        shapes = {name: tensors[name].shape[2:] for name in tensors if name.endswith(".features")}
        if shapes != {f"{name}.features": self.input_shape for name in SPLITS}:
            return None
        self.front_end.mean.copy_(tensors["mean"])
        self.front_end.std.copy_(tensors["std"])
        self.tried = int(notes["tried"])
        self.skipped = [(name, reason) for name, reason in json.loads(notes["skipped"])]
        return {
            name: Split(tensors[f"{name}.features"], tensors[f"{name}.targets"]) for name in SPLITS
        }

    def _write_cache(self, path: Path, splits: dict[str, Split]) -> None:
        tensors = {"mean": self.front_end.mean, "std": self.front_end.std}
        for name, split in splits.items():
            tensors[f"{name}.features"] = split.features
            tensors[f"{name}.targets"] = split.targets
        notes = {"tried": str(self.tried), "skipped": json.dumps(self.skipped)}
        cache.write(path, tensors, notes)


def _spread(count: int) -> list[Tensor]:
    """The indices below `count` in chunks, each of which goes through all of them in strides."""
    chunks = -(-count // _CHUNK)
    return [torch.arange(first, count, chunks) for first in range(chunks)]


def _stretches(
    longest: int, extent: int, features: Tensor, generator: torch.Generator | None
) -> Tensor:
    """A stretch of random length and place for every example, `(examples, extent)` bool."""
    examples = (features.shape[0], 1)
    length = uniform_integers(0, longest, examples, features, generator)
    start = uniform_integers(0, extent - 1, examples, features, generator)
    place = torch.arange(extent, device=features.device)
    return (place >= start) & (place < start + length)


def check_keywords(keywords: list[str], silence: bool) -> None:
    """Refuse keywords that cannot be class names.

    Raises:
        RenaError: A keyword is empty, holds control characters, is there twice or is the name of
            an extra class; or there are none or more than 100.
    """
    if not 1 <= len(keywords) <= 100:
        raise RenaError(f"keywords: {len(keywords)} given, 1 to 100 are possible")
    for keyword in keywords:
        if not isinstance(keyword, str) or not keyword.strip():
            raise RenaError(f"keywords: {keyword!r} is not a word")
        if any(unicodedata.category(letter).startswith("C") for letter in keyword):
            raise RenaError(f"keywords: {keyword!r} holds control characters")
        if keyword == UNKNOWN or (silence and keyword == SILENCE):
            raise RenaError(f"keywords: {keyword!r} is the name of an extra class")
        if keywords.count(keyword) > 1:
            raise RenaError(f"keywords: {keyword!r} is there twice")

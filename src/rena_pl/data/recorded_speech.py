"""What the tasks with one folder of recordings per word share."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import torch
from torch import Tensor

from rena_pl.data.clips import Clips
from rena_pl.data.files import Content, File, files_in, is_note, read_all
from rena_pl.data.front_end import SAMPLE_RATE
from rena_pl.data.speech import UNKNOWN, SpeechTask
from rena_pl.data.tensor_task import SPLITS, Batch, Split
from rena_pl.data.waveforms import Waveform, read_mono, resample, to_int16
from rena_pl.errors import RenaError


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording of one word and the split it belongs to."""

    file: File
    word: str
    split: str


class RecordedSpeech(SpeechTask):
    """Keyword spotting from a folder with a folder of recordings for every word.

    A subclass assigns the recordings to splits, and says what counts as a usable recording.

    Args:
        root: Folder of the data set.
        keywords: The words to tell apart.
        **settings: Everything else `SpeechTask` takes.
    """

    def __init__(self, root: str | Path, keywords: list[str] | None, **settings: Any) -> None:
        super().__init__(keywords, **settings)
        self.root = root

    @property
    @abstractmethod
    def folder(self) -> Path:
        """The folder that holds the folders of the words."""

    @abstractmethod
    def assign(self, files: dict[str, list[File]]) -> list[Recording]:
        """Assign the files of every word to splits."""

    @abstractmethod
    def read(self, path: Path) -> Waveform:
        """One second of `path`; raises ValueError with the reason where it is not usable."""

    def is_recording(self, path: Path) -> bool:
        """Whether a file is meant to be a recording, judging by its name."""
        return not is_note(path)

    @cached_property
    def files(self) -> dict[str, list[File]]:
        """The files of every word folder; folders whose name starts with `_` are no words.

        Letters with marks are one character each, as keyboards write them and macOS does not.
        """
        folders = sorted(path for path in self.folder.iterdir() if path.is_dir())
        return {
            normalize("NFC", path.name): [f for f in files_in(path) if self.is_recording(f.path)]
            for path in folders
            if path.name[0] not in "_."
        }

    @cached_property
    def noise_files(self) -> list[File]:
        """Recordings of noise: the files of folders whose name starts with `_`."""
        folders = sorted(path for path in self.folder.glob("_*") if path.is_dir())
        files = [file for path in folders for file in files_in(path)]
        return [file for file in files if self.is_recording(file.path)]

    @cached_property
    def recordings(self) -> list[Recording]:
        """Every recording of a keyword, and of the other words if there is a class for them."""
        for word in self.words:
            if not self.files.get(word):
                raise RenaError(f"keyword {word!r}: no recordings in {self.folder / word}")
        wanted = self.files if self.has_unknown else {word: self.files[word] for word in self.words}
        return self.assign(wanted)

    def listing(self) -> list[str]:
        """Split, name and size of every recording, name and size of the noise."""
        words = [
            f"{recording.split} {recording.word}/{recording.file.path.name} {recording.file.size}"
            for recording in self.recordings
        ]
        return words + [file.line for file in self.noise_files]

    def file_times(self) -> list[int]:
        """When each of these files was last changed."""
        files = [recording.file for recording in self.recordings] + self.noise_files
        return [file.modified for file in files]

    def place(self) -> Path:
        """The folder, whatever leads to it."""
        return self.folder.resolve()

    def clips(self) -> dict[str, Clips]:
        """The keywords' recordings and a sample of the other words', read on demand."""
        clips = {name: self._clips_of(name) for name in SPLITS}
        for name, of_split in clips.items():
            self._require_every_class(name, of_split.targets)
        return clips

    def load(self) -> dict[str, Split]:
        """Features of all splits; every class has a recording that could be used in each."""
        splits = super().load()
        for name, split in splits.items():
            self._require_every_class(name, split.targets)
        return splits

    def backgrounds(self) -> list[Tensor]:
        """The noise files, whole; made-up noise where there are none that can be used."""
        paths = [file.path for file in self.noise_files]
        noise, _ = self._read(paths, lambda path: resample(*read_mono(path)))
        return [torch.from_numpy(waveform) for waveform in noise] or super().backgrounds()

    def _clips_of(self, split: str) -> Clips:
        mine = [recording for recording in self.recordings if recording.split == split]
        chosen = [recording for recording in mine if recording.word in self.words]
        if self.has_unknown:
            others = [recording for recording in mine if recording.word not in self.words]
            count = min(self.extras(len(chosen)), len(others))
            chosen += random.Random(f"{self.seed} {split}").sample(others, count)
        class_of = {word: index for index, word in enumerate(self.words)}
        targets = [class_of.get(recording.word, len(self.words)) for recording in chosen]
        classes = torch.tensor(targets, dtype=torch.int64)

        def read(indices: Tensor) -> Batch:
            paths = [chosen[index].file.path for index in indices.tolist()]
            waveforms, usable = self._read(paths, lambda path: to_int16(self.read(path)))
            stacked = np.stack(waveforms) if waveforms else np.empty((0, SAMPLE_RATE), np.int16)
            return torch.from_numpy(stacked), classes[indices[usable]]

        return Clips(classes, read)

    def _read(
        self, paths: list[Path], read: Callable[[Path], Content]
    ) -> tuple[list[Content], list[int]]:
        contents, usable, skipped = read_all(paths, read)
        self.tried += len(paths)
        self.skipped += skipped
        return contents, usable

    def _require_every_class(self, split: str, targets: Tensor) -> None:
        counts = Counter(targets.tolist())
        spoken = [*self.words, UNKNOWN] if self.has_unknown else self.words
        for index, label in enumerate(spoken):
            if counts[index] == 0:
                others = "" if label != UNKNOWN else " (of other words; or set unknown: false)"
                raise RenaError(
                    f"{label!r} has no usable recording{others} in {self.folder} for the split "
                    f"{split}"
                )

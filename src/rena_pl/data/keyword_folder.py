"""A user's own recordings."""

from __future__ import annotations

import re
import warnings
from collections import Counter, defaultdict
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from rena_pl.data.files import File
from rena_pl.data.recorded_speech import RecordedSpeech, Recording
from rena_pl.data.speech import UNKNOWN, check_keywords
from rena_pl.data.tensor_task import SPLITS
from rena_pl.data.waveforms import Waveform, fit_to_a_second, read_mono, resample
from rena_pl.errors import RenaError


class KeywordFolder(RecordedSpeech):
    """Your own recordings, as `<word>/<recording>.wav`.

    Every format, sample rate and length that the soundfile library reads is welcome. Folders whose
    name starts with `_`, like `_background_noise_`, hold noise. 80 % of the speakers are for
    training, 10 % for validation and 10 % for the test, where names show the speaker
    (`<speaker>_nohash_<n>`, or `<speaker>_<n>` for several files, perhaps with the word before it)
    and there are three or more;
    otherwise of the recordings. Noise of less than 20 seconds is heard in all splits.
    The split is the same on every machine.

    Args:
        root: Folder that holds a folder for every word.
        keywords: The words to tell apart; by default all of them. The others make up `unknown`.
        **settings: Everything else `SpeechTask` takes.
    """

    def __init__(
        self, root: str | Path, keywords: list[str] | None = None, **settings: Any
    ) -> None:
        super().__init__(root, keywords, **settings)

    @cached_property
    def folder(self) -> Path:
        """`root`."""
        root = Path(self.root).expanduser()
        if not root.is_dir():
            raise RenaError(f"no folder {root}, set data.root to the folder with your recordings")
        return root

    @cached_property
    def words(self) -> list[str]:
        """The keywords; the folders in the order of their names, if none were given."""
        if self.keywords is not None:
            return self.keywords
        words = [word for word in self.files if word != UNKNOWN]
        if not words:
            raise RenaError(f"no folders with recordings in {self.folder}")
        for word in words:
            if not self.files[word]:
                raise RenaError(f"no recordings in {self.folder / word}, or remove the folder")
        check_keywords(words, self.silence)
        return words

    @property
    def has_unknown(self) -> bool:
        """Whether there is a class of other words: wanted, and there are other words."""
        return self.unknown and any(
            files and word not in self.words for word, files in self.files.items()
        )

    def assign(self, files: dict[str, list[File]]) -> list[Recording]:
        """By speaker or recording; every class gets at least one recording in every split."""
        names = {
            file: (word, file.path.stem) for word, of_word in files.items() for file in of_word
        }
        groups = _groups(names)
        label = {word: word if word in self.words else UNKNOWN for word in files}
        labels_of: dict[str, set[str]] = defaultdict(set)
        for file, group in groups.items():
            labels_of[group].add(label[names[file][0]])
        split_of = _split_groups(labels_of, self.folder)
        return [Recording(file, names[file][0], split_of[group]) for file, group in groups.items()]

    def read(self, path: Path) -> Waveform:
        """The recording at 16 kHz, padded to a second, or the loudest second of it."""
        return fit_to_a_second(resample(*read_mono(path)), loudest=True)


def _groups(names: dict[File, tuple[str, str]]) -> dict[File, str]:
    """What must stay together, for every file: its speaker, or the file itself if none is known."""
    prefixes = {}
    for file, (word, stem) in names.items():
        # In `yes/yes_1.wav` and `yes/yes_anna_1.wav` the first part is the word, not a speaker.
        named = re.sub(rf"^{re.escape(word)}_(?!nohash_)", "", stem, flags=re.IGNORECASE)
        match = re.fullmatch(r"(.+)_nohash_\d+", named) or re.fullmatch(r"(.+)_\d+", named)
        if match and match[1].casefold() != word.casefold():
            prefixes[file] = match[1]
    counts = Counter(prefixes.values())
    speakers = {
        file: prefix
        for file, prefix in prefixes.items()
        if counts[prefix] > 1 or "_nohash_" in file.path.stem
    }
    # One or two prefixes are no speakers but words like "recording": they cannot be split in three.
    if len(set(speakers.values())) < len(SPLITS):
        if any("_nohash_" in file.path.stem for file in speakers):
            warnings.warn(
                f"recordings of the same speakers are in all splits: names show "
                f"{len(set(speakers.values()))}, and three are needed",
                stacklevel=2,
            )
        speakers = {}
    return {file: speakers.get(file, f"{word}/{stem}") for file, (word, stem) in names.items()}


def _split_groups(labels_of: dict[str, set[str]], folder: Path) -> dict[str, str]:
    """A split for every group by the hash of its name, repaired until no split lacks a class."""
    share = {
        group: int(sha256(group.encode(errors="surrogateescape")).hexdigest()[:8], 16) / 2**32
        for group in labels_of
    }
    split_of = {
        group: "test" if value < 0.1 else "val" if value < 0.2 else "train"
        for group, value in share.items()
    }
    counts = Counter(
        (split_of[group], label) for group, labels in labels_of.items() for label in labels
    )
    labels = sorted(set().union(*labels_of.values()))
    for label in labels:
        for split in ("test", "val", "train"):
            if counts[split, label]:
                continue
            # A group can be spared where its split keeps another of every one of its classes.
            spare = [
                group
                for group, of_group in labels_of.items()
                if label in of_group and all(counts[split_of[group], each] > 1 for each in of_group)
            ]
            if not spare:
                have = ", ".join(f"{counts[each, label]} in {each}" for each in SPLITS)
                raise RenaError(
                    f"{label!r} has too few recordings or speakers in {folder} for three splits: "
                    f"{have}"
                )
            moved = min(spare, key=lambda group: (len(labels_of[group]), share[group]))
            for each in labels_of[moved]:
                counts[split_of[moved], each] -= 1
                counts[split, each] += 1
            split_of[moved] = split
    return split_of

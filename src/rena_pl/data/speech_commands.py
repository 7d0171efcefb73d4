"""Google Speech Commands."""

from __future__ import annotations

import shutil
import warnings
from functools import cached_property
from pathlib import Path
from typing import Any

from rena_pl.data.download import only_downloader
from rena_pl.data.files import File
from rena_pl.data.front_end import SAMPLE_RATE
from rena_pl.data.recorded_speech import RecordedSpeech, Recording
from rena_pl.data.waveforms import Waveform, fit_to_a_second, read_mono
from rena_pl.errors import RenaError

# The keywords of the usual task with 12 classes.
STANDARD_KEYWORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")

_VERSION = "speech_commands_v0.02"
_DOWNLOADED = Path("SpeechCommands", _VERSION)


class SpeechCommands(RecordedSpeech):
    """Google Speech Commands in its own layout, split by its own lists.

    Words that are not keywords make up `unknown`, of which every split takes a random sample.

    Args:
        root: Folder of the data set, with `<word>/<speaker>_nohash_<n>.wav`,
            `validation_list.txt`, `testing_list.txt` and `_background_noise_`; or the folder it is
            downloaded to.
        keywords: The words to tell apart; by default the ten of the usual task with 12 classes, or
            those of them that a part of the data set has.
        download: Download version 0.02 (2.3 GB) to `root` if it is not there.
        **settings: Everything else `SpeechTask` takes.
    """

    def __init__(
        self,
        root: str | Path,
        keywords: list[str] | None = None,
        download: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(root, keywords, **settings)
        self.download = download

    @cached_property
    def words(self) -> list[str]:
        """The keywords asked for, else those of the usual task; said where a part lacks some."""
        if self.keywords is not None:
            return self.keywords
        missing = [word for word in STANDARD_KEYWORDS if not self.files.get(word)]
        if len(missing) == len(STANDARD_KEYWORDS):
            raise RenaError(
                f"none of {', '.join(STANDARD_KEYWORDS)} has recordings in {self.folder}"
            )
        if missing:
            warnings.warn(
                f"{self.folder} has no recordings of {', '.join(missing)}: the task goes without",
                stacklevel=2,
            )
        return [word for word in STANDARD_KEYWORDS if word not in missing]

    @cached_property
    def folder(self) -> Path:
        """`root`, or the folder in it that a download made."""
        root = Path(self.root).expanduser()
        downloaded = root / _DOWNLOADED
        if self.download and not downloaded.is_dir() and not (root / "testing_list.txt").is_file():
            _download(root)
        folder = downloaded if downloaded.is_dir() else root
        if not folder.is_dir():
            raise RenaError(f"no folder {root}, set data.root or download: true")
        return folder

    def is_recording(self, path: Path) -> bool:
        """The data set holds wav files only; anything else was put there by something else."""
        return path.suffix == ".wav"

    def assign(self, files: dict[str, list[File]]) -> list[Recording]:
        """Follow the lists that come with the data set; what they do not name is for training."""
        validation = self._listed("validation_list.txt")
        testing = self._listed("testing_list.txt")
        recordings = []
        for word, of_word in files.items():
            for file in of_word:
                name = f"{word}/{file.path.name}"
                split = "test" if name in testing else "val" if name in validation else "train"
                recordings.append(Recording(file, word, split))
        return recordings

    def read(self, path: Path) -> Waveform:
        """The recording, cut or padded to one second."""
        waveform, rate = read_mono(path)
        if rate != SAMPLE_RATE:
            raise ValueError(f"{rate} samples a second instead of {SAMPLE_RATE}")
        return fit_to_a_second(waveform)

    def _listed(self, name: str) -> set[str]:
        path = self.folder / name
        try:
            return set(path.read_text(encoding="utf-8").split())
        except (OSError, UnicodeDecodeError) as error:
            raise RenaError(f"{path}, the list of recordings, cannot be read: {error}") from error


def _download(root: Path) -> None:
    """Download and unpack beside the place, so that half of the data is not taken for all."""
    from torchaudio.datasets import SPEECHCOMMANDS  # type: ignore[import-untyped, unused-ignore]

    try:
        with only_downloader(root):
            downloaded = root / _DOWNLOADED
            if downloaded.is_dir():  # by another process
                return
            unfinished = root / ".unfinished_download"
            shutil.rmtree(unfinished / _DOWNLOADED, ignore_errors=True)
            unfinished.mkdir(exist_ok=True)
            SPEECHCOMMANDS(unfinished, url=_VERSION, download=True)
            downloaded.parent.mkdir(exist_ok=True)
            (unfinished / _DOWNLOADED).replace(downloaded)
            shutil.rmtree(unfinished)
    except (OSError, RuntimeError) as error:
        raise RenaError(f"Speech Commands could not be downloaded to {root}: {error}") from error

"""Keywords spoken by a speech synthesiser, for a first search without any recordings."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rena_pl.data.clips import Clips, clips_in_memory
from rena_pl.data.espeak import SPOKEN_RATE, Utterance, speak_all
from rena_pl.data.front_end import SAMPLE_RATE
from rena_pl.data.noise import NoiseBank
from rena_pl.data.speech import SpeechTask
from rena_pl.data.waveforms import Waveform, fit_to_a_second, resample, to_int16
from rena_pl.errors import RenaError

DEFAULT_KEYWORDS = ("yes", "no", "up", "down", "left", "right", "stop", "go")

_ACCENTS = (
    "en",
    "en-029",
    "en-gb-scotland",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
    "en-gb-x-rp",
    "en-us",
    "en-us-nyc",
)

# The speakers among eSpeak NG's variants, without the robots and without near copies.
_SPEAKERS = """
Alex Alicia Andrea Andy Annie Denis Diogo Gene Henrique Hugo Jacky Lee Marco Mario Michael Mike
Nguyen Reed RicishayMax Storm Tweaky adam anika announcer antonio aunty belinda benjamin boris
caleb croak david ed edward f1 f2 f3 f4 f5 grandma grandpa gustave ian iven john klatt linda m1 m2
m3 m4 m5 m6 m7 m8 marcelo max michel miguel norbert pablo paul pedro quincy rob robert sandro
shelby steph travis victor whisper whisperf zac
"""

_OTHER_WORDS = """
apple bed bird blue bread cat chair cold dinner dog door eight evening fast five flower four
garden green happy heavy house kitchen letter light marvin monday morning mother music never nine
number one open paper people question river seven sheila silver six slow street summer table three
tree two water window winter wow yellow zero
"""


class SpokenKeywords(SpeechTask):
    """Keywords spoken by eSpeak NG, in noise; needs the extra `speech`.

    Every speaker is heard in one split only. All splits have noise, so that the task is not too
    easy. The class `unknown` holds common English words.

    Args:
        keywords: The words to tell apart; by default eight short commands.
        clips_per_keyword: Training clips of every keyword.
        test_clips_per_keyword: Clips of every keyword in the validation and in the test split.
        **settings: Everything else `SpeechTask` takes.
    """

    def __init__(
        self,
        keywords: list[str] | None = None,
        clips_per_keyword: int = 200,
        test_clips_per_keyword: int = 60,
        **settings: Any,
    ) -> None:
        if keywords is None:
            keywords = list(DEFAULT_KEYWORDS)
        super().__init__(keywords, **settings)
        if clips_per_keyword < 1 or test_clips_per_keyword < 1:
            raise RenaError("clips_per_keyword and test_clips_per_keyword: at least 1")
        self.clips_per_keyword = clips_per_keyword
        self.test_clips_per_keyword = test_clips_per_keyword

    def clips(self) -> dict[str, Clips]:
        """Have every split spoken by speakers of its own."""
        speakers = _SPEAKERS.split()
        random.Random(f"{self.seed} speakers").shuffle(speakers)
        tested = len(speakers) // 6
        return {
            "train": self._speak("train", speakers[2 * tested :], self.clips_per_keyword),
            "val": self._speak("val", speakers[:tested], self.test_clips_per_keyword),
            "test": self._speak("test", speakers[tested : 2 * tested], self.test_clips_per_keyword),
        }

    def render(
        self, split: str, view: int, waveforms: Tensor, noise: NoiseBank, generator: torch.Generator
    ) -> Tensor:
        """Noise in every split and every view, other noise in each."""
        return noise.mix_into(waveforms, self.noise_probability, self.snr_db, generator)

    def _speak(self, split: str, speakers: Sequence[str], clips: int) -> Clips:
        draw = random.Random(f"{self.seed} {split}")
        texts = [keyword for keyword in self.words for _ in range(clips)]
        targets = [index for index in range(len(self.words)) for _ in range(clips)]
        if self.has_unknown:
            keywords = {keyword.lower() for keyword in self.words}
            others = [word for word in _OTHER_WORDS.split() if word not in keywords]
            count = self.extras(len(texts))
            texts += draw.choices(others, k=count)
            targets += [len(self.words)] * count
        utterances = [
            Utterance(
                text,
                f"{draw.choice(_ACCENTS)}+{draw.choice(speakers)}",
                pitch=draw.randint(10, 90),
                speed=draw.randint(120, 260),
            )
            for text in texts
        ]
        spoken = [_place(waveform, draw) for waveform in _at_16_khz(speak_all(utterances))]
        return clips_in_memory(torch.from_numpy(np.stack(spoken)), torch.tensor(targets))


def _at_16_khz(spoken: list[NDArray[np.int16]]) -> Iterator[Waveform]:
    """Resampled in batches, which takes a fraction of the time of one by one."""
    for begin in range(0, len(spoken), 100):
        chunk = spoken[begin : begin + 100]
        padded = np.zeros((len(chunk), max(map(len, chunk))), np.float32)
        for row, samples in zip(padded, chunk, strict=True):
            row[: len(samples)] = samples
        for waveform, samples in zip(resample(padded, SPOKEN_RATE), chunk, strict=True):
            yield waveform[: len(samples) * SAMPLE_RATE // SPOKEN_RATE]


def _place(waveform: Waveform, draw: random.Random) -> NDArray[np.int16]:
    """The spoken word at a random place in a second and at a random volume."""
    volume = 0.9 * 10 ** draw.uniform(-1, 0)
    waveform = waveform * np.float32(volume / np.abs(waveform).max())
    if len(waveform) < SAMPLE_RATE:
        before = draw.randint(0, SAMPLE_RATE - len(waveform))
        waveform = np.pad(waveform, (before, SAMPLE_RATE - len(waveform) - before))
    return to_int16(fit_to_a_second(waveform, loudest=True))

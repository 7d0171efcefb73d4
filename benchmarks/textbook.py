"""The same network trained the way a tutorial does it, and the way the search does.

    python benchmarks/textbook.py --root PATH --json benchmarks/results/textbook.json

Textbook: a Dataset that reads a wav file, shifts it, mixes noise into it and computes its MFCC item
by item, a DataLoader with two workers, a Lightning Trainer, float32. Ours: the task set up from the
same files, nothing cached, and the fast lane. The first epoch is counted from nothing at all: ours
includes features of the validation and test clips, and of every augmented view. Both in one
process, by turns.
"""

from __future__ import annotations

import logging
import random
import time
import warnings
from pathlib import Path
from statistics import median

import soundfile
import torch
from lightning.pytorch import Callback, Trainer
from report import arguments, finish
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchaudio.transforms import MFCC

from rena_pl.child.data import ResidentData
from rena_pl.child.fit import train
from rena_pl.child.module import Child
from rena_pl.data import SpeechCommands
from rena_pl.space.named import NAMED

NETWORKS = ("ds_cnn_s", "tc_resnet8", "bc_resnet_1")
KEYWORDS = ["yes", "no", "up", "down", "left", "right", "stop", "go"]
VIEWS = (4, 1, 0)
"""Augmented views, besides the plain one: as many as a task has by default, and fewer."""
BATCH, RATE = 100, 16_000


class Recordings(Dataset[tuple[Tensor, int]]):
    """One item, one wav file, its features computed when it is asked for.

    Args:
        files: Recording and class; silence where there is no recording.
        noise_files: Recordings of noise, which are kept in memory.
    """

    def __init__(self, files: list[tuple[Path | None, int]], noise_files: list[Path]) -> None:
        self.files = files
        self.noise = [self.read(path) for path in noise_files]
        melkwargs = {"n_fft": 512, "win_length": 480, "hop_length": 160, "n_mels": 40}
        self.mfcc = MFCC(RATE, 40, log_mels=True, melkwargs=melkwargs)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, target = self.files[index]
        if path is None:
            return self.mfcc(self.noise_segment() * random.random())[None], target
        waveform = self.read(path)
        waveform = functional.pad(waveform, (0, max(0, RATE - len(waveform))))[:RATE]
        shift = random.randint(-RATE // 10, RATE // 10)
        waveform = functional.pad(waveform, (max(0, shift), max(0, -shift)))
        waveform = waveform[:RATE] if shift > 0 else waveform[-RATE:]
        if random.random() < 0.8:
            waveform = waveform + 0.1 * random.random() * self.noise_segment()
        return self.mfcc(waveform)[None], target

    def noise_segment(self) -> Tensor:
        """A random second."""
        noise = random.choice(self.noise)
        begin = random.randint(0, len(noise) - RATE)
        return noise[begin : begin + RATE]

    @staticmethod
    def read(path: Path) -> Tensor:
        """The samples."""
        return torch.from_numpy(soundfile.read(path, dtype="float32")[0])


class EpochEnds(Callback):
    """When every epoch ended."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Child) -> None:
        """Note the time."""
        self.times.append(time.perf_counter())


def speech_commands(root: Path, keywords: list[str], views: int) -> SpeechCommands:
    """The task, nothing of it cached."""
    return SpeechCommands(root=root, keywords=keywords, augmented_views=views, cache_dir=None)


def training_files(task: SpeechCommands, seed: int) -> list[tuple[Path | None, int]]:
    """As many clips of every class as the task trains on."""
    classes = {word: number for number, word in enumerate(task.words)}
    mine = [recording for recording in task.recordings if recording.split == "train"]
    spoken = [(r.file.path, classes[r.word]) for r in mine if r.word in classes]
    others = [(r.file.path, len(classes)) for r in mine if r.word not in classes]
    extras = task.extras(len(spoken))
    unknown = random.Random(seed).sample(others, min(extras, len(others)))
    return [*spoken, *unknown, *[(None, len(classes) + 1)] * extras]


def textbook(child: Child, task: SpeechCommands, seed: int) -> tuple[float, float]:
    """Seconds of the first epoch and of the second."""
    started = time.perf_counter()
    recordings = Recordings(training_files(task, seed), [file.path for file in task.noise_files])
    loader = DataLoader(recordings, BATCH, shuffle=True, num_workers=2, persistent_workers=True)
    ends = EpochEnds()
    trainer = Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[ends],
    )
    trainer.fit(child, loader)
    return ends.times[0] - started, ends.times[1] - ends.times[0]


def fast_lane(child: Child, task: SpeechCommands, seed: int) -> tuple[float, float]:
    """Seconds of the first epoch and of the second."""
    times = [time.perf_counter()]
    task.setup("fit")
    data = ResidentData(task, torch.device("cpu"))
    generator = torch.Generator().manual_seed(seed)
    for _ in range(2):
        train(child, data, 1, generator)
        times.append(time.perf_counter())
    return times[1] - times[0], times[2] - times[1]


def main() -> None:
    options = arguments(__doc__, data=True)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    keywords, rounds = (KEYWORDS[:2], 1) if options.quick else (KEYWORDS, 3)
    figures = {}
    for name in NETWORKS:
        seconds: dict[str, list[tuple[float, float]]] = {}
        for turn in range(rounds + 1):
            words = keywords if turn else KEYWORDS[:1]  # the first turn warms up
            for way in ("textbook", *VIEWS):
                views = way if isinstance(way, int) else 0
                task = speech_commands(options.root, words, views)
                torch.manual_seed(options.seed)
                child = Child(NAMED[name](), task.input_shape, task.num_classes)
                run = textbook if way == "textbook" else fast_lane
                taken = run(child, task, options.seed)
                if turn:
                    seconds.setdefault(f"{way}", []).append(taken)
        first = {way: median(epoch for epoch, _ in taken) for way, taken in seconds.items()}
        later = {way: median(epoch for _, epoch in taken) for way, taken in seconds.items()}
        figures[name] = {
            "textbook, first epoch, s": round(first["textbook"], 2),
            "textbook, later epoch, s": round(later["textbook"], 2),
            "ours, later epoch, s": round(later[str(VIEWS[0])], 2),
            "ratio, later epochs": round(later["textbook"] / later[str(VIEWS[0])], 2),
        }
        for views in VIEWS:
            figures[name] |= {
                f"ours, first epoch with {views} views, s": round(first[str(views)], 2),
                f"ratio with {views} views": round(first["textbook"] / first[str(views)], 2),
            }
    finish(options, "textbook.py", figures)


if __name__ == "__main__":
    main()

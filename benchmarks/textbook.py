"""The same network trained the way a tutorial does it, and the way the search does.

    python benchmarks/textbook.py --root PATH --json benchmarks/results/textbook.json

Textbook: a Dataset that reads a wav file, shifts it, mixes noise into it and computes its MFCC item
by item, a DataLoader with two workers, a Lightning Trainer, float32. Ours: the task set up from the
same files, nothing cached, and the fast lane. The first epoch is counted from nothing at all: ours
includes features of the validation and test clips, and of every augmented view. By turns, each in
a process of its own, so that what one sets in the process does not help the other; imports do not
count.
"""

from __future__ import annotations

import logging
import multiprocessing
import random
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

import soundfile
import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchaudio.transforms import MFCC

from rena_pl.child.data import ResidentData
from rena_pl.child.fit import train
from rena_pl.child.module import Child
from rena_pl.data import SpeechCommands
from rena_pl.space.named import NAMED
from report import arguments, finish
from small_speech import KEYWORDS

NETWORKS = ("ds_cnn_s", "tc_resnet8", "bc_resnet_1")
TEXTBOOK = "textbook"
OURS = {"4 views": 4, "1 view": 1, "no views": 0}
"""Augmented views, besides the plain one; a task has one by default."""
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


def seconds(
    name: str, way: str, root: Path, keywords: list[str], seed: int, threads: int
) -> tuple[float, float]:
    """Seconds of the first epoch and of the second, one way."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    views = OURS.get(way, 0)
    task = SpeechCommands(root=root, keywords=keywords, augmented_views=views, cache_dir=None)
    child = Child(NAMED[name](), task.input_shape, task.num_classes)
    return (fast_lane if way in OURS else textbook)(child, task, seed)


def main() -> None:
    options = arguments(__doc__, data=True)
    keywords, rounds = (KEYWORDS[:2], 1) if options.quick else (KEYWORDS, 3)
    rest = (options.root, keywords, options.seed, options.threads)
    figures = {}
    for name in ("tc_resnet8",) if options.quick else NETWORKS:
        taken: dict[str, list[tuple[float, float]]] = {way: [] for way in (TEXTBOOK, *OURS)}
        for _ in range(rounds):
            for way, times in taken.items():
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
                    times.append(process.submit(seconds, name, way, *rest).result())
        first = {way: median(epoch for epoch, _ in times) for way, times in taken.items()}
        later = {way: median(epoch for _, epoch in times) for way, times in taken.items()}
        figures[name] = {
            **{f"{way}, first epoch, s": round(epoch, 2) for way, epoch in first.items()},
            **{f"{way}, later epoch, s": round(epoch, 2) for way, epoch in later.items()},
            **{f"{way}, first, ratio": round(first[TEXTBOOK] / first[way], 2) for way in OURS},
            **{f"{way}, later, ratio": round(later[TEXTBOOK] / later[way], 2) for way in OURS},
        }
    finish(options, "textbook.py", figures)


if __name__ == "__main__":
    main()

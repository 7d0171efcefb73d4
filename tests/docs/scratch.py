"""The folder that the documents' commands are given in, and how they are."""

from __future__ import annotations

import csv
import gzip
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.conftest import REPOSITORY
from tests.data.conftest import make_images, make_speech_commands, tone, write_wav
from tests.docs.blocks import titled
from tests.docs.treatments import FULLER, treatment

WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "bed")
DECISIONS = ("edge_0_1", "edge_0_2", "edge_1_2", "edge_0_3", "edge_1_3", "edge_2_3")
LATENCIES = [f"latency_ms_{d}" for d in ("raspi4", "eyeriss", "fpga", "gold_6226", "1080ti_1")]
ACCURACIES = ["val12_cifar100", "test200_cifar100"]
SHARED = ("cache", "data", "my_images", "my_recordings", "moved", "recordings", "PATH", "tests")
"""What no command changes but by adding to it."""
ARECORD = """#!/bin/sh
head -c 44 /dev/zero && head -c 32000 /dev/zero
"""
"""A microphone that hears nothing for a second, after the header of a WAV file."""


def furnish(folder: Path) -> None:
    """All that the pages assume but finished runs: code, configs, recordings, images, tables."""
    (folder / "cache").mkdir()
    for name in ("configs", "benchmarks"):
        shutil.copytree(REPOSITORY / name, folder / name)
    (folder / "tests").symlink_to(REPOSITORY / "tests")
    make_speech_commands(folder / "data" / "speech_commands", WORDS)
    (folder / "PATH").symlink_to(folder / "data" / "speech_commands")
    for word, number in itertools.product(("yes", "no"), range(20)):
        write_wav(folder / "my_recordings" / word / f"{number}.wav", tone(word, seed=number))
    make_images(folder / "my_images")
    (folder / "moved").mkdir()
    (folder / "moved" / "my_recordings").symlink_to(folder / "my_recordings")
    for name in ("recording.wav", "other.flac", "recordings/one.wav"):
        write_wav(folder / name, tone("yes"))
    write_table(folder / "data" / "nasbench201.csv.gz")
    (folder / "bin").mkdir()
    (folder / "bin" / "arecord").write_text(ARECORD)
    (folder / "bin" / "arecord").chmod(0o755)


def write_table(file: Path) -> None:
    """A table of made-up results with the columns of the real one."""
    known = ["params_m", "flops_m", *LATENCIES]
    draw = np.random.default_rng(0)
    with gzip.open(file, "wt", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*DECISIONS, *known, *ACCURACIES])
        for row in itertools.product(("conv", "skip"), repeat=len(DECISIONS)):
            size = row.count("conv") / len(DECISIONS)
            figures = (size * factor for factor in (0.5, 60, 1, 1, 5, 1, 1))
            writer.writerow([*row, *figures, *(draw.uniform(0, 1, len(ACCURACIES)))])


def place(furnished: Path, folder: Path, page: str, fresh: bool = False) -> Path:
    """A copy of it for the commands of a page; without runs for a command that begins one."""
    left_out = {*SHARED, *(["runs"] if fresh else [])}
    shutil.copytree(
        furnished,
        folder,
        ignore=lambda where, names: left_out & set(names) if Path(where) == furnished else set(),
    )
    for name in SHARED:
        (folder / name).symlink_to(furnished / name)
    for name, text in titled(page).items():
        (folder / name).write_text(text)
    return folder


def give(command: str, folder: Path, further: str = "") -> str:
    """Run a command as it stands, but for further options; what it printed.

    Raises:
        AssertionError: It failed.
    """
    paths = [folder / "bin", Path(sys.executable).parent, os.environ["PATH"]]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(map(str, paths)),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "WANDB_MODE": "disabled",
    }
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", f"{command} {further}"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (
        f"{command} {further}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    )
    return done.stdout


def finish_quickstart(folder: Path) -> None:
    """The runs that the pages assume, made by their own command."""
    command = "rena fit --config configs/quickstart.yaml"
    give(command, folder, f"{treatment(command).further} {FULLER}")
    for name in ("a", "b"):
        shutil.copytree(folder / "runs" / "quickstart", folder / "runs" / name)

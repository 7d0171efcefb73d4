"""Recordings and images as a trained network's front end takes them."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from rena_pl.data.files import is_note
from rena_pl.data.front_end import SpeechFrontEnd
from rena_pl.data.pixels import read_pixels
from rena_pl.data.waveforms import fit_to_a_second, read_mono, resample
from rena_pl.deploy.trained import Trained
from rena_pl.errors import RenaError


def files_of(path: Path) -> list[Path]:
    """The file itself, or all files in a folder and the folders in it; hidden ones are left out.

    Raises:
        RenaError: There is nothing there.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise RenaError(f"{path}: no such file or folder")
    files = [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file()
        and not is_note(file)
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not files:
        raise RenaError(f"{path}: no files in this folder")
    return files


def read_file(path: Path, trained: Trained) -> Tensor:
    """A recording, its loudest second, as `(samples,)`; an image as `(channels, height, width)`.

    Raises:
        OSError, ValueError: The file cannot be read.
    """
    if isinstance(trained.front_end, SpeechFrontEnd):
        waveform = resample(*read_mono(path))
        # Training clips what is louder than full scale, too.
        return torch.from_numpy(fit_to_a_second(waveform, loudest=True)).clamp(-1, 1)
    return torch.from_numpy(read_pixels(path, *trained.input_shape))


def read_stream(stream: BinaryIO, trained: Trained) -> Tensor:
    """The loudest second of 16 kHz mono PCM16 as `(samples,)`.

    Raises:
        RenaError: The network does not listen, or the stream holds no whole samples.
    """
    if not isinstance(trained.front_end, SpeechFrontEnd):
        raise RenaError("-: only networks of speech tasks read standard input")
    content = stream.read()
    if not content or len(content) % 2:
        raise RenaError(f"-: {len(content)} bytes are no 16-bit samples")
    samples = np.frombuffer(content, "<i2").astype(np.float32) / np.float32(32768)
    return torch.from_numpy(fit_to_a_second(samples, loudest=True))

"""Small recordings and images on disk, and where the real data are."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

RATE = 16_000


def tone(word: str, seconds: float = 1.0, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """A tone whose pitch depends on the word, with a bit of noise."""
    pitch = 200 + zlib.crc32(word.encode()) % 2000
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(0, 0.01, len(time))
    return (0.3 * np.sin(2 * np.pi * pitch * time) + noise).astype(np.float32)


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path


def make_speech_commands(root: Path, words=("yes", "no", "bed", "cat"), speakers: int = 10) -> Path:
    """A data set in the official layout: speakers 0 are for validation, 1 for the test."""
    lists = {"validation_list.txt": [], "testing_list.txt": []}
    for word in words:
        for speaker in range(speakers):
            name = f"{word}/speaker{speaker}_nohash_0.wav"
            write_wav(root / name, tone(word, seed=speaker))
            if speaker < 2:
                lists[list(lists)[speaker]].append(name)
    for name, lines in lists.items():
        (root / name).write_text("\n".join(lines) + "\n")
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * RATE)
    write_wav(root / "_background_noise_" / "white.wav", noise)
    return root


def make_images(
    root: Path, splits=("train", "test"), count: int = 20, size: tuple[int, int] = (32, 32)
) -> Path:
    """Noise with a tint of blue or red, in a folder for each split and class."""
    draw = np.random.default_rng(0)
    for split in splits:
        for label, colour in (("blue", 2), ("red", 0)):
            folder = root / split / label
            folder.mkdir(parents=True)
            for n in range(count):
                pixels = draw.integers(0, 100, (*size, 3), dtype=np.uint8)
                pixels[..., colour] += 150
                Image.fromarray(pixels).save(folder / f"{n}.png")
    return root


@pytest.fixture
def speech_commands(tmp_path: Path) -> Path:
    return make_speech_commands(tmp_path / "speech")

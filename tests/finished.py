"""A finished run on tones, made once: fixtures for the tests that import them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rena_pl.architecture import Architecture
from rena_pl.cli import main
from rena_pl.layers import layer_types
from tests.data.conftest import make_speech_commands

WORDS = ["yes", "no"]


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of `run`: every word is a tone of its own."""
    return make_speech_commands(tmp_path_factory.mktemp("spoken"), speakers=12)


@pytest.fixture(scope="session")
def architecture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a small network."""
    path = tmp_path_factory.mktemp("architecture") / "small.json"
    temporal = layer_types()["temporal"]
    layers = (
        temporal(channels=16, kernel=5, stride=2).as_layer(0),
        temporal(channels=16, kernel=3, activation="swish").as_layer(1),
        layer_types()["add"]().as_layer(2, 1),
    )
    Architecture(layers).save(path)
    return path


@pytest.fixture(scope="session")
def config(spoken: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config of `run`."""
    folder = tmp_path_factory.mktemp("config")
    path = folder / "tones.yaml"
    settings = {
        "trainer": {"accelerator": "cpu", "default_root_dir": str(folder / "run")},
        "model": {"space": {"layers": {"temporal": {"channels": [16]}}}},
        "data": {
            "class_path": "rena_pl.data.SpeechCommands",
            "init_args": {
                "root": str(spoken),
                "keywords": WORDS,
                "features": "log_mel",
                "batch_size": 10,
                "augmented_views": 1,
                "cache_dir": str(folder / "cache"),
            },
        },
    }
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.fixture(scope="session")
def run(architecture: Path, config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a network that tells the tones apart."""
    folder = tmp_path_factory.mktemp("run")
    arguments = ["--config", config, "--epochs", 15, "--folder", folder]
    main(["train", *map(str, [architecture, *arguments])])
    return folder

"""A run's network, loaded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import rena_pl
from rena_pl.data.front_end import SpeechFrontEnd
from rena_pl.data.speech_commands import SpeechCommands
from rena_pl.errors import RenaError
from tests.finished import WORDS


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, rena_pl; assert not {'torch', 'lightning', 'rena_pl.deploy'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="unload"):
        rena_pl.unload  # noqa: B018


def test_it_gives_what_the_summary_says(run: Path, spoken: Path) -> None:
    model = rena_pl.load(run)
    assert not model.training
    assert model.labels == [*WORDS, "unknown", "silence"]
    assert model.input_shape == (1, 40, 101)
    task = SpeechCommands(spoken, WORDS, features="log_mel", augmented_views=1, cache_dir=None)
    task.setup()
    features, targets = task.splits["test"].take(torch.arange(len(task.splits["test"])))
    accuracy = (model(features).argmax(1) == targets).float().mean()
    assert float(accuracy) == pytest.approx(model.summary["test_accuracy"])


def test_its_front_end_is_the_tasks(run: Path, spoken: Path) -> None:
    """Made anew from JSON, to the last bit."""
    task = SpeechCommands(spoken, WORDS, features="log_mel", augmented_views=1, cache_dir=None)
    task.setup()
    model = rena_pl.load(str(run))
    assert isinstance(model.front_end, SpeechFrontEnd)
    waveforms, _ = next(task.waveforms("test"))
    assert torch.equal(model.front_end(waveforms), task.front_end(waveforms))
    probabilities = model.probabilities(waveforms)
    assert torch.allclose(probabilities.sum(1), torch.ones(len(waveforms)))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: (folder / "summary.json").unlink(), "has not ended"),
        (lambda folder: shutil.rmtree(folder), "not a run folder"),
        (lambda folder: (folder / "best" / "architecture.json").unlink(), "architecture.json"),
        (lambda folder: (folder / "best" / "model.safetensors").write_bytes(b"x"), "safetensors"),
        (lambda folder: (folder / "summary.json").write_text("{}"), "does not describe"),
        (lambda folder: _change(folder, "num_classes", 7), "not the weights of this network"),
        (lambda folder: _change(folder, "input_shape", [1, 0]), "does not describe"),
        (lambda folder: _change(folder, "front_end", {"kind": "nose"}), "does not describe"),
    ],
)
def test_what_is_damaged_is_named(damage, sentence: str, run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    damage(folder)
    with pytest.raises(RenaError, match=sentence):
        rena_pl.load(folder)


def _change(folder: Path, name: str, value: object) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({**summary, name: value}))

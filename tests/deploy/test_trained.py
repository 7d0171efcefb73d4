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
    assert float(accuracy) == pytest.approx(model.summary.test_accuracy)


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
        (lambda folder: _change(folder, arch_id="0" * 12), "but summary.json is of 000000000000"),
        (lambda folder: (folder / "summary.json").write_text("{}"), "num_classes .* is missing"),
        (lambda folder: _change(folder, labels=["a"]), "labels must have a name for each class"),
        (lambda folder: _change(folder, labels=5), "labels must be a list of texts"),
        (lambda folder: _change(folder, num_classes=10**12), "from 1 to 1,000,000"),
        (
            lambda folder: _change(folder, num_classes=10**6, labels=None, test_confusion=None),
            "not the weights of this network",
        ),
        (lambda folder: _change(folder, input_shape=[1, 0]), "input_shape must be a list of"),
        (lambda folder: _change(folder, input_shape=[1, 10**6, 10**6]), "10,000,000 values"),
        (lambda folder: _change(folder, input_shape=[1, 40, 51]), "front end gives .1, 40, 101."),
        (lambda folder: _change(folder, front_end={"kind": "nose"}), "does not describe"),
        (lambda folder: _change_front_end(folder, window_ms=10**9), "window_ms: 1000000000 is not"),
        (lambda folder: _change_front_end(folder, n_features=10**9), "n_features: "),
        (lambda folder: _change_front_end(folder, mean=[10**400]), "does not describe"),
    ],
)
def test_what_is_damaged_is_named(damage, sentence: str, run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    damage(folder)
    with pytest.raises(RenaError, match=sentence):
        rena_pl.load(folder)


def _change(folder: Path, **values: object) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({**summary, **values}))


def _change_front_end(folder: Path, **values: object) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    _change(folder, front_end={**summary["front_end"], **values})

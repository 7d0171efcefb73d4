"""From a trained network to an ONNX file that was tried out on the test split."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor, nn

from rena_pl.child.data import child_data
from rena_pl.data.front_end import SAMPLE_RATE, SpeechFrontEnd
from rena_pl.data.speech import SpeechTask
from rena_pl.data.tensor_task import Batch, TensorTask
from rena_pl.deploy.int8 import quantise
from rena_pl.deploy.onnx_graph import AUDIO, FEATURES, LOGITS, annotate, behind, export
from rena_pl.deploy.onnx_session import OnnxNetwork
from rena_pl.deploy.trained import Trained
from rena_pl.deploy.trial import Exported, write_tried
from rena_pl.errors import RenaError

CALIBRATION_EXAMPLES, CALIBRATION_BATCH = 1000, 50


def export_onnx(
    trained: Trained, task: LightningDataModule, path: Path, int8: bool, raw_audio: bool
) -> Exported:
    """Write an ONNX file, run it on the test split, and measure it.

    Args:
        trained: The network.
        task: Its task, set up.
        path: The file; it is there only if the network in it does what it should.
        int8: Whether the network is quantised; calibrated on training examples.
        raw_audio: Whether the front end is part of the graph, which then takes waveforms
            `(batch, samples)` in -1..1 at 16 kHz. The front end stays in float32.

    Raises:
        RenaError: The network cannot be exported, or the file does not agree with PyTorch.
    """
    if raw_audio and not (
        isinstance(trained.front_end, SpeechFrontEnd) and isinstance(task, SpeechTask)
    ):
        raise RenaError("--raw-audio is for networks that were trained on a speech task")
    model = export(trained.network, torch.randn(2, *trained.input_shape), FEATURES, LOGITS)
    if int8:
        model = quantise(model, _calibration(task))
    reference: nn.Module = trained
    if raw_audio:
        assert trained.front_end is not None
        front_end = export(trained.front_end, torch.randn(2, SAMPLE_RATE), AUDIO, FEATURES)
        model = behind(front_end, model)
        reference = nn.Sequential(trained.front_end, trained.network)
    annotate(model, notes(trained))
    batches = _test_batches(task, raw_audio)
    return write_tried(model.SerializeToString(), path, OnnxNetwork, reference, batches, int8)


def notes(trained: Trained) -> dict[str, str]:
    """What a user of the file has to know besides the graph, as texts."""
    front_end = None if trained.front_end is None else trained.front_end.describe()
    speech = isinstance(trained.front_end, SpeechFrontEnd)
    return {
        "arch_id": trained.architecture.arch_id,
        "labels": json.dumps(trained.labels),
        "input_shape": json.dumps(trained.input_shape),
        "front_end": json.dumps(front_end),
        **({"sample_rate": str(SAMPLE_RATE)} if speech else {}),
    }


def _calibration(task: LightningDataModule) -> Iterator[Tensor]:
    """Training examples, in batches; as recorded where the task holds them so, else augmented."""
    generator = torch.Generator().manual_seed(0)
    if isinstance(task, TensorTask):
        train = task.splits["train"]
        chosen = torch.randperm(len(train), generator=generator)[:CALIBRATION_EXAMPLES]
        for indices in torch.split(chosen, CALIBRATION_BATCH):
            yield train.take(indices)[0]
        return
    count = 0
    for features, _ in child_data(task, torch.device("cpu")).epoch(generator):
        yield features
        count += len(features)
        if count >= CALIBRATION_EXAMPLES:
            return


def _test_batches(task: LightningDataModule, raw_audio: bool) -> Iterator[Batch]:
    if raw_audio:
        assert isinstance(task, SpeechTask)
        return task.waveforms("test")
    return child_data(task, torch.device("cpu")).split("test")

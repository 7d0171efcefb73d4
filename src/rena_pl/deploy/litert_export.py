"""From a trained network to a model for LiteRT, tried out on the test split."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor

from rena_pl.child.data import child_data
from rena_pl.deploy.converting import converting
from rena_pl.deploy.trained import Trained
from rena_pl.deploy.trial import Exported, write_tried


class LitertNetwork:
    """A model in LiteRT's interpreter, on one thread.

    Args:
        path: It takes one example.
    """

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(str(path), num_threads=1)
        self.interpreter.allocate_tensors()
        self.source = self.interpreter.get_input_details()[0]["index"]
        self.result = self.interpreter.get_output_details()[0]["index"]

    def __call__(self, batch: Tensor) -> Tensor:
        """Features `(batch, channels, height, width)` to logits, one example after the other."""
        return torch.cat([self._one(row) for row in torch.split(batch, 1)])

    def peak_memory(self, example: Tensor) -> None:
        """Not known: most of it is taken by the library that computes."""

    def _one(self, example: Tensor) -> Tensor:
        self.interpreter.set_tensor(self.source, example.contiguous().numpy())
        self.interpreter.invoke()
        return torch.from_numpy(self.interpreter.get_tensor(self.result))


def export_litert(trained: Trained, task: LightningDataModule, path: Path) -> Exported:
    """Write a model that computes in float32, run it, and measure it.

    Args:
        trained: The network.
        task: Its task, set up.
        path: The file; it is there only if the network in it does what it should.

    Raises:
        RenaError: The network cannot be exported, or the file does not agree with PyTorch.
    """
    import litert_torch

    with converting("LiteRT"), TemporaryDirectory() as folder:
        model = litert_torch.convert(trained.network, (torch.randn(1, *trained.input_shape),))
        file = Path(folder, "network.tflite")
        model.export(str(file))
        content = file.read_bytes()
    batches = child_data(task, torch.device("cpu")).split("test")
    return write_tried(content, path, LitertNetwork, trained, batches)

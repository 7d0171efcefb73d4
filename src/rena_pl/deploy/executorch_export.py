"""From a trained network to a program for ExecuTorch, tried out on the test split."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor

from rena_pl.child.data import child_data
from rena_pl.deploy.converting import converting
from rena_pl.deploy.trained import Trained
from rena_pl.deploy.trial import Exported, write_tried


class ExecutorchNetwork:
    """A program in ExecuTorch's runtime.

    Args:
        path: Its method `forward` takes one example.
    """

    def __init__(self, path: Path) -> None:
        from executorch.runtime import Runtime

        self.program = Runtime.get().load_program(path)
        self.method = self.program.load_method("forward")

    def __call__(self, batch: Tensor) -> Tensor:
        """Features `(batch, channels, height, width)` to logits, one example after the other."""
        rows = torch.split(batch, 1)
        return torch.cat([self.method.execute([row.clone()])[0].clone() for row in rows])

    def peak_memory(self, example: Tensor) -> None:
        """Not known: most of it is taken by the library that computes."""


def export_executorch(trained: Trained, task: LightningDataModule, path: Path) -> Exported:
    """Write a program that computes in float32 with XNNPACK, run it, and measure it.

    Args:
        trained: The network.
        task: Its task, set up.
        path: The file; it is there only if the network in it does what it should.

    Raises:
        RenaError: The network cannot be exported, or the file does not agree with PyTorch.
    """
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    with converting("ExecuTorch"):
        program = torch.export.export(trained.network, (torch.randn(1, *trained.input_shape),))
        lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
        content = bytes(lowered.to_executorch().buffer)
    batches = child_data(task, torch.device("cpu")).split("test")
    return write_tried(content, path, ExecutorchNetwork, trained, batches)

"""An ONNX file as it runs: what it gives, how long it takes, how much memory it needs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from rena_pl.resources.onnx_runtime import open_session

VIEWS = ("Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")
"""Operators whose output lies where their input does."""


class OnnxNetwork:
    """A file in ONNX Runtime on one thread of the processor.

    Args:
        path: With one input and one output.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.session = open_session(path)
        self.source = self.session.get_inputs()[0].name

    def __call__(self, batch: Tensor) -> Tensor:
        """Input `(batch, ...)` to logits `(batch, classes)`."""
        return torch.from_numpy(self.session.run(None, {self.source: batch.numpy()})[0])

    def peak_memory(self, example: Tensor) -> int:
        """Bytes of the tensors that are alive at once, at their most, weights left out.

        The graph is taken as the runtime runs it, fused and ordered; every tensor is measured in a
        run on the example. Each lives from the operator that writes it to the last that reads it.
        """
        import onnx

        with TemporaryDirectory() as folder:
            path = Path(folder, "optimised.onnx")
            open_session(self.path, optimised=path)
            model = onnx.load(path)
            nodes = model.graph.node
            known = {output.name for output in model.graph.output}
            inner = [name for node in nodes for name in node.output if name and name not in known]
            model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inner)
            onnx.save(model, path)
            session = open_session(path, optimise=False)
            feed = {self.source: example.numpy()}
            written = session.run(None, feed)
        names = [output.name for output in session.get_outputs()]
        size = {name: np.asarray(value).nbytes for name, value in zip(names, written, strict=True)}
        size[self.source] = feed[self.source].nbytes
        source_of = {node.output[0]: node.input[0] for node in nodes if node.op_type in VIEWS}
        steps = [
            ([_origin(name, source_of) for name in node.input], list(node.output)) for node in nodes
        ]
        for view in source_of:
            size[view] = 0
        return most_alive(steps, size, {_origin(name, source_of) for name in known})


def _origin(name: str, source_of: dict[str, str]) -> str:
    """The tensor that a view of a view of it shows."""
    while name in source_of:
        name = source_of[name]
    return name


def most_alive(
    steps: list[tuple[list[str], list[str]]], size: dict[str, int], results: Iterable[str]
) -> int:
    """The most bytes alive during any step, given what each reads and writes."""
    last = {name: number for number, (read, _) in enumerate(steps) for name in read}
    last.update(dict.fromkeys(results, len(steps)))
    alive = {name for name in size if not any(name in written for _, written in steps)}
    most = 0
    for number, (_, written) in enumerate(steps):
        alive.update(name for name in written if name in size)
        most = max(most, sum(size[name] for name in alive))
        alive = {name for name in alive if last.get(name, -1) > number}
    return most

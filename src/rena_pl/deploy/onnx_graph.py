"""ONNX graphs: a module exported, made small, put behind another, and given notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from rena_pl.deploy.converting import converting

if TYPE_CHECKING:
    from onnx import ModelProto

FEATURES, AUDIO, LOGITS = "features", "audio", "logits"
"""The names of a graph's inputs and outputs."""

DEFAULTS: dict[str, object] = {"auto_pad": "NOTSET", "dilations": 1, "pads": 0, "strides": 1}
"""Attributes of convolutions and pools, and the value that stands where they are left out."""


def export(module: nn.Module, example: Tensor, source: str, result: str) -> ModelProto:
    """A module as a graph that takes batches of any size.

    Args:
        module: In evaluation mode; takes and gives one tensor.
        example: A batch of two or more.
        source: The name of the graph's input.
        result: The name of its output.

    Raises:
        RenaError: A layer cannot be exported.
    """
    with converting("ONNX"):
        program = torch.onnx.export(
            module,
            (example,),
            input_names=[source],
            output_names=[result],
            dynamic_shapes=[{0: torch.export.Dim("batch")}],
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return slim(program.model_proto)


def behind(front_end: ModelProto, network: ModelProto) -> ModelProto:
    """One graph of two: the network reads the features that the front end gives."""
    from onnx import compose

    front_end = compose.add_prefix(front_end, "front.", rename_inputs=False, rename_outputs=False)
    front_end.ir_version = network.ir_version
    return compose.merge_models(front_end, network, io_map=[(FEATURES, FEATURES)])


def slim(model: ModelProto) -> ModelProto:
    """The same graph without notes on its nodes, doubled constants, defaults and long names.

    They are most of the file of a network of ten thousand parameters.
    """
    import onnx_ir
    from onnx_ir.passes import Sequential, common

    graph = onnx_ir.from_proto(model)
    Sequential(
        common.DeduplicateInitializersPass(),
        common.ClearMetadataAndDocStringPass(),
        common.RemoveUnusedNodesPass(),
        common.RemoveUnusedOpsetsPass(),
    )(graph)
    keep = {value.name for value in (*graph.graph.inputs, *graph.graph.outputs)}
    number = 0
    values = [*graph.graph.initializers.values()]
    for node in graph.graph:
        node.name = ""
        for name, value in DEFAULTS.items():
            attribute = node.attributes.get(name)
            if attribute is not None and set(np.ravel(attribute.value)) == {value}:
                del node.attributes[name]
        values.extend(node.outputs)
    for value in values:
        if value.name not in keep:
            value.name = f"{number:x}"
            number += 1
    small = onnx_ir.to_proto(graph)
    del small.graph.value_info[:]
    return small


def annotate(model: ModelProto, notes: Mapping[str, str]) -> None:
    """Write down key-value pairs that the runtime gives back (`session.get_modelmeta()`)."""
    from onnx import helper

    helper.set_model_props(model, dict(notes))

"""Static quantisation after training: weights and activations become int8."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rena_pl.deploy.onnx_graph import FEATURES, slim
from rena_pl.errors import RenaError
from rena_pl.resources.onnx_runtime import quietly

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Floats = NDArray[Any]


def quantise(model: ModelProto, batches: Iterable[Tensor]) -> ModelProto:
    """A graph whose convolutions, products and sums compute in eight bits.

    Weights are int8 with a scale for each channel; activations are uint8, from the mean of the
    batches' least values to the mean of their greatest, which is less than all there are. The
    operators are ONNX Runtime's own (QOperator): half the size of pairs of quantise and dequantise
    around every float operator.

    Args:
        model: In float32.
        batches: Features `(batch, channels, height, width)` of training examples; about 50 each.

    Raises:
        RenaError: The graph holds nothing that could be quantised.
    """
    quantised = _quantised(_norms_as_convolutions(model), batches)
    if not quantised_operators(quantised):
        raise RenaError("the network has no layer that can be quantised")
    return quantised


def _quantised(model: ModelProto, batches: Iterable[Tensor]) -> ModelProto:
    """ONNX Runtime's quantiser, which reads and writes files."""
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Examples(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = iter(batches)

        def get_next(self) -> dict[str, object] | None:
            features = next(self.left, None)
            return None if features is None else {FEATURES: features.numpy()}

    with TemporaryDirectory() as folder, quietly():
        before, after = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        onnx.save(model, before)
        quantize_static(
            before,
            after,
            Examples(),
            quant_format=QuantFormat.QOperator,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"CalibMovingAverage": True},
        )
        return slim(onnx.load(after))


def _norms_as_convolutions(model: ModelProto) -> ModelProto:
    """The same function with a depthwise 1x1 convolution for every norm that stands alone.

    There is no norm in eight bits; the exporter has merged those behind convolutions with them.
    What stands between a convolution and bands that are normed apart is brought to one range for
    all channels, since eight bits have to tell its values apart (arXiv 1906.04721, section 4.1).
    """
    import onnx
    from onnx import helper, numpy_helper

    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    writer = {name: node for node in graph.node for name in node.output}

    def constant(name: str, value: Floats) -> str:
        graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    for norm in graph.node:
        if norm.op_type != "BatchNormalization":
            continue
        weight, bias = _line(norm, values)
        convolution = _banded(norm, writer)
        if convolution is not None:
            scaled, weight = _one_range(values[convolution.input[1]], weight)
            convolution.input[1] = constant(f"{convolution.output[0]}.scaled", scaled)
        inputs = [
            norm.input[0],
            constant(f"{norm.output[0]}.weight", weight.reshape(-1, 1, 1, 1)),
            constant(f"{norm.output[0]}.bias", bias),
        ]
        made = helper.make_node("Conv", inputs, list(norm.output), group=len(weight))
        norm.CopyFrom(made)
    return slim(changed)


def _line(norm: NodeProto, values: dict[str, Floats]) -> tuple[Floats, Floats]:
    """A norm in evaluation mode as weight and bias of each channel."""
    gain, shift, mean, variance = (values[name] for name in norm.input[1:])
    epsilon = next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5)
    weight = gain / np.sqrt(variance + np.float32(epsilon))
    return weight, shift - mean * weight


def _one_range(filters: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Filters and the weights of the bands behind them, the size of the latter in the former."""
    scale = np.sqrt(np.mean(weight.reshape(len(filters), -1) ** 2, axis=1))
    scale = np.maximum(scale, np.float32(1e-3))
    scaled = filters * scale[:, None, None, None]
    return scaled, weight / np.repeat(scale, len(weight) // len(scale))


def _banded(norm: NodeProto, writer: dict[str, NodeProto]) -> NodeProto | None:
    """The convolution without bias whose channels, cut into bands, a norm reads; if it is so."""
    cut = writer.get(norm.input[0])
    if cut is None or cut.op_type != "Reshape":
        return None
    convolution = writer.get(cut.input[0])
    if convolution is None or convolution.op_type != "Conv" or len(convolution.input) != 2:
        return None
    return convolution


def quantised_operators(model: ModelProto) -> Counter[str]:
    """How often each operator that computes in eight bits stands in a graph."""
    return Counter(
        node.op_type for node in model.graph.node if node.op_type.startswith(("QLinear", "QGemm"))
    )

"""Static quantisation after training: weights and activations become int8."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from torch import Tensor

from rena_pl.deploy.onnx_graph import FEATURES, quietly, slim
from rena_pl.errors import RenaError

if TYPE_CHECKING:
    from onnx import ModelProto


def quantise(model: ModelProto, batches: Iterable[Tensor]) -> ModelProto:
    """A graph whose convolutions, products and sums compute in eight bits.

    Weights are int8 with a scale for each channel; activations are uint8 between the least and the
    greatest value that the batches bring about. The operators are ONNX Runtime's own (QOperator):
    half the size of pairs of quantise and dequantise around every float operator.

    Args:
        model: In float32.
        batches: Features `(batch, channels, height, width)` of training examples.

    Raises:
        RenaError: The graph holds nothing that could be quantised.
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
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
        )
        quantised = slim(onnx.load(after))
    if not quantised_operators(quantised):
        raise RenaError("the network has no layer that can be quantised")
    return quantised


def quantised_operators(model: ModelProto) -> Counter[str]:
    """How often each operator that computes in eight bits stands in a graph."""
    return Counter(
        node.op_type for node in model.graph.node if node.op_type.startswith(("QLinear", "QGemm"))
    )

"""The latency of a network: the sum over its layers of what each takes in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from rena_pl.architecture import Architecture, Shape
from rena_pl.errors import RenaError
from rena_pl.extras import require_extra
from rena_pl.layers.registry import decode
from rena_pl.layers.shapes import input_shapes, layer_shapes
from rena_pl.network.build import classifier
from rena_pl.resources.latency_file import LatencyFile, Part
from rena_pl.resources.onnx_runtime import inference, median_seconds, thread_clock
from rena_pl.resources.resources import NetworkResources
from rena_pl.space.skeletons import expand

LATENCY = "latency_ms"
"""The entry of the profile: milliseconds at batch 1 in float32, measured on this machine."""
FILE = "latency.jsonl"
"""Where a run keeps what it has measured."""

WARM_UP, RUNS, LONGEST = 10, 200, 0.02
"""Inferences of a layer that are not timed, that are, and seconds after which it is enough."""

CALL = Part("call", ((1, 1, 1),), nn.Identity)
"""What an inference takes besides its layers; it is in the time of every layer too."""
CALL_ROUNDS = 200
"""How often a call is timed anew: what slows it for a moment would make quick layers seem free."""


def measure(part: Part) -> float:
    """The milliseconds of a fresh module in ONNX Runtime, on one thread at batch 1.

    Raises:
        RenaError: It cannot be exported to ONNX, or does not run.
    """
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            module = part.build().eval()
            run = inference(module, tuple(torch.randn(1, *shape) for shape in part.inputs))
        rounds = CALL_ROUNDS if part == CALL else 1
        return 1000 * min(
            median_seconds(run, WARM_UP, RUNS, LONGEST, thread_clock) for _ in range(rounds)
        )
    except Exception as error:  # whatever an exporter dies of, or a third party's layer
        reason = " ".join(str(error).split())[:300]
        raise RenaError(
            f"{LATENCY} of {part.layer} on {part.inputs} cannot be measured: {reason}"
        ) from error


class Latencies:
    """Gives the latency of networks and of their layers; every layer is measured once.

    Args:
        path: Where the numbers are kept; in memory when left out.
        measure: Takes the time of a layer.

    Raises:
        RenaError: ONNX Runtime is not installed.
    """

    def __init__(
        self, path: Path | None = None, measure: Callable[[Part], float] = measure
    ) -> None:
        require_extra("export", LATENCY)
        self._file = LatencyFile(path, measure)

    def layers(
        self, architecture: Architecture, input_shape: Shape, num_classes: int
    ) -> list[float]:
        """Milliseconds of every layer of the network in order, the classifier last.

        What a call of the runtime takes by itself is left out of each.
        """
        return self._measured(architecture, input_shape, num_classes)[1]

    def network(self, architecture: Architecture, input_shape: Shape, num_classes: int) -> float:
        """Milliseconds of one inference: one call, and all layers."""
        call, layers = self._measured(architecture, input_shape, num_classes)
        return round(call + sum(layers), 6)

    def _measured(
        self, architecture: Architecture, input_shape: Shape, num_classes: int
    ) -> tuple[float, list[float]]:
        network = expand(architecture).layers
        shapes = layer_shapes(network, input_shape)
        parts = [CALL]
        for layer in network:
            inputs = input_shapes(layer, shapes)
            parts.append(Part(str(layer), inputs, partial(decode(layer).build, inputs)))
        head = partial(classifier, shapes[-1], num_classes)
        parts.append(Part(f"classifier(num_classes={num_classes})", (shapes[-1],), head))
        call, *layers = self._file.of(parts)
        return call, [max(0.0, round(layer - call, 6)) for layer in layers]


@dataclass(frozen=True)
class TimedResources:
    """The resource use of networks on a task, with their latency.

    Attributes:
        counted: What is counted.
        latencies: What is measured.
    """

    counted: NetworkResources
    latencies: Latencies

    @property
    def entries(self) -> tuple[str, ...]:
        """Those that are counted, and the latency."""
        return (*self.counted.entries, LATENCY)

    @property
    def capacity(self) -> tuple[str, ...]:
        """As of what is counted."""
        return self.counted.capacity

    def profile(self, architecture: Architecture) -> dict[str, float]:
        """The profile at batch 1 in float32."""
        known, shape, classes = self.counted, self.counted.input_shape, self.counted.num_classes
        latency = self.latencies.network(architecture, shape, classes)
        return {**known.profile(architecture), LATENCY: latency}

    def layers(self, architecture: Architecture) -> list[list[float]]:
        """As they are counted."""
        return self.counted.layers(architecture)

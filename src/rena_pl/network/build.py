"""An architecture becomes an `nn.Module`."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from rena_pl.architecture import Architecture, Shape
from rena_pl.layers.modules.average import Average
from rena_pl.layers.modules.layout import layout_of
from rena_pl.layers.registry import decode
from rena_pl.layers.shapes import input_shapes, layer_shapes
from rena_pl.space.skeletons import expand


class Network(nn.Module):
    """All layers of an architecture, wired by their inputs, and a classifier on the last one.

    Attributes:
        layers: One module per layer, in order.
        head: Average over height and width, then a linear classifier.
    """

    def __init__(self, architecture: Architecture, input_shape: Shape, num_classes: int) -> None:
        super().__init__()
        expanded = expand(architecture).layers
        shapes = layer_shapes(expanded, input_shape)
        self.input_shape = input_shape
        self.sources = [layer.inputs for layer in expanded]
        self.last_read = last_read(self.sources)
        self.layers = nn.ModuleList(
            decode(layer).build(input_shapes(layer, shapes)) for layer in expanded
        )
        self.head = classifier(shapes[-1], num_classes)

    def forward(self, features: Tensor) -> Tensor:
        """Features `(batch, channels, height, width)` to logits `(batch, classes)`."""
        alive = {0: features}
        for index, layer in enumerate(self.layers):
            alive[index + 1] = self._output(layer, [alive[s] for s in self.sources[index]])
            for source in self.last_read[index]:
                del alive[source]
        logits: Tensor = self.head(alive[len(self.layers)])
        return logits

    def outputs(self, known: Sequence[Tensor]) -> list[Tensor]:
        """What all layers give, behind the features they come from.

        Args:
            known: The first of them: the features, and the outputs of layers that need not be
                worked out.
        """
        outputs = list(known)
        for index in range(len(outputs) - 1, len(self.layers)):
            read = [outputs[source] for source in self.sources[index]]
            outputs.append(self._output(self.layers[index], read))
        return outputs

    @staticmethod
    def _output(layer: nn.Module, read: Sequence[Tensor]) -> Tensor:
        maps: Tensor = layer(*read)
        _lay_out_gradient(maps)
        return maps


def last_read(sources: Sequence[Sequence[int]]) -> list[set[int]]:
    """The tensors that each layer is the last to read, 0 for the features; `sources` by layer."""
    reader = {source: index for index, read in enumerate(sources) for source in read}
    return [{source for source in read if reader[source] == i} for i, read in enumerate(sources)]


def _lay_out_gradient(maps: Tensor) -> None:
    """Let the gradient of some maps lie channels last if they do, else channels first.

    That of an average does not, and a CPU would take ten times as long for the activation before.
    """
    if maps.requires_grad and maps.device.type == "cpu":
        layout = layout_of(maps)
        maps.register_hook(  # type: ignore[no-untyped-call]  # torch leaves it untyped
            lambda gradient: None if gradient is None else gradient.contiguous(memory_format=layout)
        )


def classifier(shape: Shape, num_classes: int) -> nn.Sequential:
    """The average over height and width, then a linear layer: from `shape` to logits."""
    return nn.Sequential(Average(2, 3), nn.Flatten(), nn.Linear(shape[0], num_classes))


def build(architecture: Architecture, input_shape: Shape, num_classes: int) -> Network:
    """The network of an architecture, freshly initialised from torch's global generator.

    Raises:
        ArchitectureError: A layer is not sound; the sentence names it.
    """
    return Network(architecture, input_shape, num_classes)

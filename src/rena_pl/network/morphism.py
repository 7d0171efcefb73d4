"""A child starts from what its parent knows.

Every tensor of the child's network is followed from input to output: which of the parent's
tensors it stands for, and for each of its channels which channel there. With that, a layer's
weights fall into place, whatever was inserted, removed or scaled before it: what reads a channel
that the parent has not got starts at zero, so that the function stays (after Net2Net, arXiv
1511.05641, and network morphism, arXiv 1603.01670); where the action does not allow that, the
strongest channels and the centre of the kernel are kept, and the rest is fitted on examples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import torch
from torch import Tensor, nn

from rena_pl.architecture import Architecture, ArchitectureError, Layer, Shape
from rena_pl.layers.modules.norm import give_statistics
from rena_pl.layers.registry import IN, IN2, OUT, LayerType, decode
from rena_pl.layers.shapes import input_shapes, layer_shapes
from rena_pl.network.build import Network, build
from rena_pl.network.refit import refit
from rena_pl.network.transplant import Channels, Spaces, flow_of, positional, transplant
from rena_pl.space.actions import Remove
from rena_pl.space.skeletons import expand


@dataclass(frozen=True)
class Inheritance:
    """What a child took over.

    Attributes:
        layers: How many of its layers have weights of the parent.
        exact: Whether it computes what the parent does, in evaluation mode.
    """

    layers: int
    exact: bool


@dataclass(frozen=True)
class Carried:
    """What a tensor of the child stands for.

    Attributes:
        node: Number of the parent's tensor: 0 its input, `i` the output of layer `i`; none if it
            stands for no tensor of the parent.
        channels: For each channel the parent's, or -1.
        nonnegative: Whether it is known to hold nothing below zero.
        merged: Whether its channels stand for the parent's channels and heights as one axis.
    """

    node: int | None
    channels: Channels
    nonnegative: bool
    merged: bool = False


@dataclass(frozen=True)
class Wiring:
    """One network: its layers, and the shapes of all its tensors."""

    layers: tuple[Layer, ...]
    shapes: Sequence[Shape]

    @classmethod
    def of(cls, architecture: Architecture, input_shape: Shape) -> Wiring:
        """The network of an architecture."""
        layers = expand(architecture).layers
        return cls(layers, layer_shapes(layers, input_shape))

    def inputs(self, index: int) -> tuple[Shape, ...]:
        """The shapes that a layer reads."""
        return input_shapes(self.layers[index], self.shapes)


def morph(
    parent: Architecture,
    weights: Mapping[str, Tensor],
    child: Architecture,
    network: Network,
    features: Tensor | None = None,
) -> Inheritance:
    """Set a child's network so that it does what its parent does, or comes near.

    Args:
        parent: The architecture the weights belong to.
        weights: The parent network's state dict.
        child: The architecture of `network`.
        network: The child's network, freshly initialised; changed in place.
        features: Examples of the task, on the network's device. With them, norms of new layers
            get statistics, where the function changes the network is fitted to its parent's, and
            it is left in evaluation mode; without them, in the mode in which it is given.
    """
    with torch.no_grad():
        morphism = _Morph(parent, weights, child, network)
        taken = morphism.run()
    if features is None:
        return taken
    if taken.exact:
        give_statistics(network, features)
    else:
        (*_, classifier) = network.head.children()
        assert isinstance(classifier, nn.Linear)
        before = build(parent, network.input_shape, classifier.out_features).to(features)
        before.load_state_dict(weights)
        refit(network, before, morphism.continues, morphism.written, morphism.unchanged(), features)
    return taken


class _Morph:
    """One morphism, tensor by tensor."""

    def __init__(
        self,
        parent: Architecture,
        weights: Mapping[str, Tensor],
        child: Architecture,
        network: Network,
    ) -> None:
        self.parent = Wiring.of(parent, network.input_shape)
        self.child = Wiring.of(child, network.input_shape)
        self.continues = matching_layers(parent, child)
        device = next(network.parameters()).device
        self.weights = {name: tensor.to(device) for name, tensor in weights.items()}
        self.network = network
        self.exact = True
        self.written: dict[nn.Module, Channels] = {}
        """Which of the parent's channels the outputs of the child's parts stand for."""

    def run(self) -> Inheritance:
        """Go through the layers in order, then the classifier."""
        carried = [Carried(0, list(range(self.child.shapes[0][0])), nonnegative=False)]
        for index, layer in enumerate(self.child.layers):
            read = [carried[source] for source in layer.inputs]
            step = self._take_over if index in self.continues else self._insert
            carried.append(step(index, decode(layer), read))
        last = self._read(carried[-1], len(self.parent.layers), self.child.shapes[-1], False)
        head = self.network.head
        transplant(head, head, self._weights_of("head"), {"": (IN, OUT)}, Spaces({IN: last}))
        heirs = [self.network.layers[index] for index in self.continues]
        layers = sum(any(True for _ in heir.parameters()) for heir in heirs)
        return Inheritance(layers, self.exact)

    def unchanged(self) -> int:
        """How many of the first layers are the parent's, with its weights."""
        pairs = enumerate(zip(self.child.layers, self.parent.layers, strict=False))
        changed = (i for i, (one, old) in pairs if one != old or self.continues.get(i) != i)
        return next(changed, min(len(self.child.layers), len(self.parent.layers)))

    def _insert(self, index: int, layer_type: LayerType, read: list[Carried]) -> Carried:
        """A layer that the parent has not got passes on what it reads, as far as it can."""
        inputs = self.child.inputs(index)
        first = read[0]
        stands = layer_type.pass_on(self.network.layers[index], inputs)
        size, height = self.child.shapes[index + 1][0], inputs[0][1]
        merges = layer_type.merges_height and height > 1 and not first.merged
        old = height if first.node is None else self.parent.shapes[first.node][1]
        passed = with_heights(first.channels, height, old) if merges else first.channels
        channels = passed[: size // 2 if is_mirrored(layer_type) else size]
        channels = channels + [-1] * (size - len(channels))
        self.exact &= layer_type.is_identity(inputs, first.nonnegative)
        self.exact &= set(passed) <= set(channels)
        nonnegative = layer_type.nonnegative(tuple(tensor.nonnegative for tensor in read))
        return Carried(
            first.node if stands else None, channels, nonnegative, merges or first.merged
        )

    def _take_over(self, index: int, layer_type: LayerType, read: list[Carried]) -> Carried:
        """A layer that continues one of the parent's gets its weights."""
        source = self.continues[index]
        before = decode(self.parent.layers[source])
        inputs, inputs_before = self.child.inputs(index), self.parent.inputs(source)
        merges = layer_type.merges_height
        reads = [
            self._read(tensor, node, shape, merges)
            for tensor, node, shape in zip(
                read, self.parent.layers[source].inputs, inputs, strict=True
            )
        ]
        nonnegative = layer_type.nonnegative(tuple(tensor.nonnegative for tensor in read))
        if (layer_type, inputs) == (before, inputs_before) and all(map(is_unchanged, reads)):
            # Names and shapes are the same; load_state_dict() would take three times as long.
            for name, tensor in self.network.layers[index].state_dict(keep_vars=True).items():
                tensor.copy_(self.weights[f"layers.{source}.{name}"])
            size = self.child.shapes[index + 1][0]
            channels = positional(size, size)
        else:
            channels = self._transplant(index, layer_type, before, reads, read[0].nonnegative)
        return Carried(source + 1, channels, nonnegative)

    def _transplant(
        self,
        index: int,
        layer_type: LayerType,
        before: LayerType,
        reads: list[Channels],
        nonnegative: bool,
    ) -> Channels:
        """A layer whose values or inputs changed gets its weights channel by channel.

        Returns:
            For each channel of its output the parent's.
        """
        source = self.continues[index]
        inputs, inputs_before = self.child.inputs(index), self.parent.inputs(source)
        size, old_size = self.child.shapes[index + 1][0], self.parent.shapes[source + 1][0]
        spaces = Spaces(zip((IN, IN2), reads, strict=False))
        passed = layer_type.passes(inputs)
        if passed and passed == before.passes(inputs_before):
            together = side_by_side([spaces[(IN, IN2)[slot]] for slot in passed], inputs_before)
            spaces[OUT] = [channel if channel < old_size else -1 for channel in together[:size]]
            spaces.lost = any(0 <= channel < old_size for channel in together[size:])
        with torch.device("meta"):
            old = before.build(inputs_before)
        flows, weights = layer_type.flows(), self._weights_of(f"layers.{source}")
        lost = transplant(self.network.layers[index], old, weights, flows, spaces)
        for name, part in self.network.layers[index].named_modules():
            flow = flow_of(name, flows)
            if flow is not None and flow[1] in spaces:
                self.written[part] = spaces[flow[1]]
        channels = spaces.get(OUT, positional(size, old_size))
        if is_mirrored(layer_type) and 2 * len(channels) == size:
            channels = mirrored(channels, old_size, is_mirrored(before))
        if len(channels) != size:
            raise ArchitectureError(
                f"layer type {layer_type.kind}: its flows(), {dict(flows)}, give {OUT!r} "
                f"{len(channels)} channels, but its output has {size}"
            )
        for slot in layer_type.alongside(inputs):
            lost |= any(
                out not in (-1, channel) for out, channel in zip(channels, reads[slot], strict=True)
            )
        if not flows and not passed:  # nothing is known of its channels
            lost |= any(
                read != list(range(shape[0] * (shape[1] if layer_type.merges_height else 1)))
                for read, shape in zip(reads, inputs_before, strict=True)
            )
        self.exact &= self._stays(index, layer_type, before, nonnegative) and not lost
        return channels

    def _stays(
        self, index: int, layer_type: LayerType, before: LayerType, nonnegative: bool
    ) -> bool:
        """Whether the layer's new values and shapes let it do what it did."""
        inputs, inputs_before = (
            self.child.inputs(index),
            self.parent.inputs(self.continues[index]),
        )
        if not all(
            layer_type.keeps_function(name, getattr(before, name)) for name in layer_type.choices()
        ):
            return False
        extents, extents_before = ([shape[1:] for shape in s] for s in (inputs, inputs_before))
        if extents != extents_before and not layer_type.averages:
            return False
        if layer_type.passes(inputs) != before.passes(inputs_before):
            plain_before = bool(before.passes(inputs_before))
            return plain_before and layer_type.agrees_when_projected(inputs, nonnegative)
        return True

    def _read(self, tensor: Carried, node: int, shape: Shape, merges_height: bool) -> Channels:
        """The channels that a layer reads of a tensor where it expects the parent's `node`."""
        old = self.parent.shapes[node]
        stands = tensor.node == node and (merges_height or not tensor.merged)
        self.exact &= stands
        channels = tensor.channels if stands else positional(shape[0], old[0])
        if not merges_height or (stands and tensor.merged):
            return channels
        return with_heights(channels, shape[1], old[1])

    def _weights_of(self, prefix: str) -> dict[str, Tensor]:
        start = f"{prefix}."
        return {
            name.removeprefix(start): tensor
            for name, tensor in self.weights.items()
            if name.startswith(start)
        }


def matching_layers(parent: Architecture, child: Architecture) -> dict[int, int]:
    """Which layer of the parent's network each layer of the child's continues, both from 0.

    Layers that stand unchanged in both, in the same order, continue themselves, and so do layers
    of the same kind between them. Copies of a searched layer continue copies of it.
    """
    pairs = _matching_searched(parent, child)
    before, after = expand(parent), expand(child)
    copies: dict[int | None, list[int]] = {}
    for index, searched in enumerate(before.searched):
        copies.setdefault(searched, []).append(index)
    seen: Counter[int | None] = Counter()
    continues = {}
    for index, searched in enumerate(after.searched):
        source = None if searched is None else pairs.get(searched, -1)
        ours = copies.get(source, [])[seen[searched] :]
        if ours and before.layers[ours[0]].kind == after.layers[index].kind:
            continues[index] = ours[0]
        seen[searched] += 1
    return continues


def _matching_searched(before: Architecture, after: Architecture) -> dict[int, int]:
    """The same among the searched layers; sure where at most one was scaled or inserted."""
    numbers = range(len(after.layers))
    if _wiring(before) == _wiring(after):
        return dict(zip(numbers, numbers, strict=True))
    if len(after.layers) == len(before.layers) + 1:
        for inserted in reversed(numbers):  # what stands later more often reads nothing below zero
            if before.layers == _without(after, inserted):
                return {index: index - (index > inserted) for index in numbers if index != inserted}
    return _in_order(before.layers, after.layers)


def _without(architecture: Architecture, index: int) -> tuple[Layer, ...]:
    try:
        return Remove(index).apply(architecture).layers
    except ArchitectureError:  # nothing is left
        return ()


def _wiring(architecture: Architecture) -> list[tuple[str, tuple[int, ...]]]:
    return [(layer.kind, layer.inputs) for layer in architecture.layers]


def _in_order(before: Sequence[Layer], after: Sequence[Layer]) -> dict[int, int]:
    pairs: dict[int, int] = {}
    plain, plain_after = ([(layer.kind, layer.hyper) for layer in ls] for ls in (before, after))
    for tag, start, stop, child_start, child_stop in SequenceMatcher(
        None, plain, plain_after, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            pairs.update(zip(range(child_start, child_stop), range(start, stop), strict=True))
        elif tag == "replace":
            kinds = [kind for kind, _ in plain[start:stop]]
            kinds_after = [kind for kind, _ in plain_after[child_start:child_stop]]
            for block in SequenceMatcher(None, kinds, kinds_after, False).get_matching_blocks():
                for offset in range(block.size):
                    pairs[child_start + block.b + offset] = start + block.a + offset
    return pairs


def with_heights(channels: Channels, height: int, old: int) -> Channels:
    """Channels and heights as one axis; where the height changed, the nearest of the old ones."""
    return [
        -1 if channel < 0 else channel * old + row * old // height
        for channel in channels
        for row in range(height)
    ]


def side_by_side(parts: Sequence[Channels], inputs: Sequence[Shape]) -> Channels:
    """The channels of several inputs, one after the other."""
    joined: Channels = []
    before = 0
    for channels, shape in zip(parts, inputs, strict=False):
        joined += [before + channel if channel >= 0 else -1 for channel in channels]
        before += shape[0]
    return joined


def is_unchanged(channels: Channels) -> bool:
    """Whether every channel is the one of its number."""
    return channels == positional(len(channels), len(channels))


def is_mirrored(layer_type: LayerType) -> bool:
    """Whether its filters' outputs are followed by their negatives."""
    return getattr(layer_type, "activation", None) == "crelu"


def mirrored(filters: Channels, old_size: int, was_mirrored: bool) -> Channels:
    """The channels after crelu, which follows every filter with its negative."""
    half = old_size // 2
    return filters + [
        half + channel if was_mirrored and channel >= 0 else -1 for channel in filters
    ]

"""A child starts from what its parent knows."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher

import torch
from torch import Tensor

from rena_pl.architecture import Architecture, Layer
from rena_pl.network.build import Network

HEAD = "head."


def morph(
    parent: Architecture, weights: Mapping[str, Tensor], child: Architecture, network: Network
) -> int:
    """Copy a parent's weights into a child's network, layer by layer.

    Layers that stand unchanged in both, in the same order, keep their weights, and so do layers
    of the same kind between them. A tensor whose shape changed keeps the part that both have; the
    rest stays as initialised. Batch-norm statistics go along.

    Args:
        parent: The architecture the weights belong to.
        weights: The parent network's state dict.
        child: The architecture of `network`.
        network: The child's network, freshly initialised; changed in place.

    Returns:
        How many of the child's layers inherited.
    """
    sources = matching_layers(parent, child)
    state = network.state_dict()
    with torch.no_grad():
        for name, tensor in state.items():
            source = _source_name(name, sources)
            if source is not None and source in weights:
                copy_overlap(weights[source], tensor)
    return len(sources)


def matching_layers(parent: Architecture, child: Architecture) -> dict[int, int]:
    """Which layer of the parent each layer of the child continues (both counted from 0)."""
    before, after = _without_inputs(parent), _without_inputs(child)
    pairs: dict[int, int] = {}
    for tag, start, stop, child_start, child_stop in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            pairs.update(zip(range(child_start, child_stop), range(start, stop), strict=True))
        elif tag == "replace":
            kinds = [layer.kind for layer in before[start:stop]]
            kinds_after = [layer.kind for layer in after[child_start:child_stop]]
            for block in SequenceMatcher(None, kinds, kinds_after, False).get_matching_blocks():
                for offset in range(block.size):
                    pairs[child_start + block.b + offset] = start + block.a + offset
    return pairs


def copy_overlap(source: Tensor, target: Tensor) -> None:
    """Copy the part that both tensors have: the first channels, the centre of the kernel."""
    if source.dim() != target.dim():
        return
    cut_source, cut_target = [], []
    for axis, (have, want) in enumerate(zip(source.shape, target.shape, strict=True)):
        shared = min(have, want)
        centred = axis >= 2
        cut_source.append(slice(start := (have - shared) // 2 * centred, start + shared))
        cut_target.append(slice(start := (want - shared) // 2 * centred, start + shared))
    target[tuple(cut_target)].copy_(source[tuple(cut_source)])


def _without_inputs(architecture: Architecture) -> list[Layer]:
    return [Layer(layer.kind, layer.hyper) for layer in architecture.layers]


def _source_name(name: str, sources: Mapping[int, int]) -> str | None:
    """The parent's name of a child's tensor: `layers.<index>.<rest>` or the head's own name."""
    if name.startswith(HEAD):
        return name
    _, index, rest = name.split(".", 2)
    source = sources.get(int(index))
    return None if source is None else f"layers.{source}.{rest}"

"""Networks that look as if they were trained, and what a child makes of one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rena_pl.architecture import Architecture, Layer, Shape, Skeleton, Value
from rena_pl.layers import layer_types
from rena_pl.network import Network, build, morph
from rena_pl.network.morphism import Inheritance

INPUT = (2, 6, 9)
CLASSES = 3
EXACT = 1e-9
"""The greatest difference that rounding makes in double precision."""


def layer(kind: str, *inputs: int, **hyper: Value) -> Layer:
    return layer_types()[kind](**hyper).as_layer(*inputs)


def chain(*layers: Layer, skeleton: Skeleton | None = None) -> Architecture:
    return Architecture(layers, skeleton or Skeleton())


def trained(architecture: Architecture, seed: int = 0, input_shape: Shape = INPUT) -> Network:
    """In double precision, with norms that have learnt and seen something; in evaluation mode."""
    torch.manual_seed(seed)
    network = build(architecture, input_shape, CLASSES).double()
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.3)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(features(8, input_shape))
    return network.eval()


def features(count: int = 4, input_shape: Shape = INPUT) -> Tensor:
    return torch.randn(count, *input_shape, dtype=torch.float64)


def inherit(
    parent: Architecture, child: Architecture, seed: int = 0, input_shape: Shape = INPUT
) -> tuple[Inheritance, float, Network, Network]:
    """A child of a trained parent.

    Returns:
        What it took over, the greatest difference of its logits, relative to the greatest logit or
        1, and both networks.
    """
    before = trained(parent, seed, input_shape)
    after = build(child, input_shape, CLASSES).double().eval()
    inheritance = morph(parent, before.state_dict(), child, after)
    batch = features(input_shape=input_shape)
    with torch.no_grad():
        logits, expected = after(batch), before(batch)
    assert logits.isfinite().all()
    difference = (logits - expected).abs().max() / expected.abs().max().clamp(min=1)
    return inheritance, difference.item(), before, after


def check_exact(parent: Architecture, child: Architecture, input_shape: Shape = INPUT) -> None:
    inheritance, difference, _, _ = inherit(parent, child, input_shape=input_shape)
    assert inheritance.exact, child
    assert difference < EXACT, child

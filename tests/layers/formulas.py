"""What every layer type costs, in closed form.

Costs are counted as thop does: a multiply-add for every product of weights, 4 for every value that
a norm with weights meets, the additions and the division of an average, of which a pool has the
second alone, nothing for activations, sums and products of maps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from rena_pl.architecture import Shape
from rena_pl.layers.attention import SelfAttention
from rena_pl.layers.geometry import bands, useful_kernel
from rena_pl.layers.merge import Add
from rena_pl.layers.pooling import Pool

HEAD_SIZE = 8


@dataclass(frozen=True)
class Cost:
    """Parameters, multiply-adds of products, and what thop counts besides."""

    params: int = 0
    products: int = 0
    rest: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.params + other.params,
            self.products + other.products,
            self.rest + other.rest,
        )

    @property
    def macs(self) -> int:
        return self.products + self.rest


def convolution(weights: int, filters: int, positions: int, norm: str = "none") -> Cost:
    """With a bias where no norm follows; `positions` are those of the output."""
    cost = Cost(weights, weights * positions)
    return cost + (Cost(filters) if norm == "none" else normalisation(filters, positions))


def normalisation(channels: int, positions: int) -> Cost:
    return Cost(2 * channels, 0, 4 * channels * positions)


def more_bands(norm: str, channels: int, height: int) -> Cost:
    """The further weights of sub-spectral norm."""
    return Cost(2 * channels * (bands(height) - 1)) if norm == "sub_spectral" else Cost()


def filters_of(channels: int, activation: str) -> int:
    return (channels + 1) // 2 if activation == "crelu" else channels


def conv2d(t: Any, inputs: tuple[Shape, ...]) -> Cost:
    ((channels, height, width),) = inputs
    _, out_height, out_width = t.output_shape(inputs)
    filters = filters_of(t.channels, t.activation)
    kernel = useful_kernel(t.kernel_height, height, t.stride_height) * useful_kernel(
        t.kernel_width, width, t.stride_width
    )
    weights = filters * channels * kernel
    return convolution(weights, filters, out_height * out_width, t.norm) + more_bands(
        t.norm, filters, out_height
    )


def depthwise_separable(t: Any, inputs: tuple[Shape, ...]) -> Cost:
    ((channels, height, width),) = inputs
    _, out_height, out_width = t.output_shape(inputs)
    filters, positions = filters_of(t.channels, t.activation), out_height * out_width
    kernel = useful_kernel(t.kernel_height, height, t.stride_height) * useful_kernel(
        t.kernel_width, width, t.stride_width
    )
    return (
        convolution(channels * kernel, channels, positions, t.norm)
        + convolution(channels * filters, filters, positions, t.norm)
        + more_bands(t.norm, channels + filters, out_height)
    )


def dilated(t: Any, inputs: tuple[Shape, ...]) -> Cost:
    ((channels, height, width),) = inputs
    filters = filters_of(t.channels, t.activation)
    kernel = useful_kernel(t.kernel_height, height, 1, t.dilation) * useful_kernel(
        t.kernel_width, width, 1, t.dilation
    )
    weights = filters * channels * kernel
    return convolution(weights, filters, height * width, t.norm) + more_bands(
        t.norm, filters, height
    )


def temporal(t: Any, inputs: tuple[Shape, ...]) -> Cost:
    ((channels, height, width),) = inputs
    filters = filters_of(t.channels, t.activation)
    weights = filters * channels * height * useful_kernel(t.kernel, width, t.stride)
    return convolution(weights, filters, t.output_shape(inputs)[2], t.norm)


def temporal_residual(t: Any, inputs: tuple[Shape, ...]) -> Cost:
    ((channels, height, width),) = inputs
    features, units, steps = channels * height, t.channels, t.output_shape(inputs)[2]
    first = features * units * useful_kernel(t.kernel, width, t.stride)
    cost = convolution(first, units, steps, "batch")
    cost += convolution(units**2 * useful_kernel(t.kernel, steps), units, steps, "batch")
    if features != units or t.stride > 1:
        cost += convolution(features * units, units, steps, "batch")
    return cost


def inverted_residual(t: Any, inputs: tuple[Shape, ...]) -> Cost:
    ((channels, height, width),) = inputs
    _, out_height, out_width = t.output_shape(inputs)
    inside, positions = t.expansion * channels, out_height * out_width
    kernel = useful_kernel(t.kernel_height, height, t.stride_height) * useful_kernel(
        t.kernel_width, width, t.stride_width
    )
    cost = convolution(channels * inside, inside, height * width, "batch")
    cost += convolution(inside * kernel, inside, positions, "batch")
    if t.squeeze_excitation:
        squeezed = max(1, inside // 4)
        cost += Cost(rest=inside * (positions + 1))
        cost += convolution(inside * squeezed, squeezed, 1)
        cost += convolution(squeezed * inside, inside, 1)
    return cost + convolution(inside * t.channels, t.channels, positions, "batch")


def broadcast_residual(t: Any, inputs: tuple[Shape, ...]) -> Cost:
    ((channels, height, width),) = inputs
    units, out_height, steps = t.output_shape(inputs)
    cost = Cost()
    if channels != units or (t.stride_height, t.stride_width) != (1, 1):
        cost += convolution(channels * units, units, height * width, "batch")
    over_frequency = units * useful_kernel(t.kernel_height, height, t.stride_height)
    over_time = units * useful_kernel(t.kernel_width, steps, 1, t.dilation)
    return (
        cost
        + convolution(over_frequency, units, out_height * steps, "batch")
        + more_bands(t.norm, units, out_height)
        + Cost(rest=units * steps * (out_height + 1))
        + convolution(over_time, units, steps, "batch")
        + Cost(units**2, units**2 * steps)
    )


def pool(t: Pool, inputs: tuple[Shape, ...]) -> Cost:
    return Cost(rest=prod(t.output_shape(inputs)) if t.mode == "average" else 0)


def gru(t: Any, inputs: tuple[Shape, ...]) -> Cost:
    """For every gate a product, two biases and one more sum, then the update of the state."""
    ((channels, height, width),) = inputs
    weights = 3 * t.units * (channels * height + t.units)
    return Cost(weights + 6 * t.units, width * weights, width * t.units * (3 * 3 + 4))


def lstm(t: Any, inputs: tuple[Shape, ...]) -> Cost:
    ((channels, height, width),) = inputs
    weights = 4 * t.units * (channels * height + t.units)
    return Cost(weights + 8 * t.units, width * weights, width * t.units * (4 * 3 + 4))


def attention_gru(t: Any, inputs: tuple[Shape, ...]) -> Cost:
    """A score for every step, and their weighed sum."""
    ((_, _, width),) = inputs
    return gru(t, inputs) + Cost(t.units + 1, 2 * t.units * width)


def self_attention(t: SelfAttention, inputs: tuple[Shape, ...]) -> Cost:
    ((channels, height, width),) = inputs
    features, heads = channels * height, t.heads * HEAD_SIZE
    cost = normalisation(t.units, width) + Cost(products=2 * heads * width**2)
    if features != t.units:
        cost += convolution(features * t.units, t.units, width)
    for _ in ("queries", "values"):
        cost += convolution(t.units * heads, heads, width)
    cost += Cost(t.units * heads, t.units * heads * width)  # keys need no bias
    return cost + convolution(heads * t.units, t.units, width)


def dense(t: Any, inputs: tuple[Shape, ...]) -> Cost:
    ((channels, height, width),) = inputs
    units = filters_of(t.units, t.activation)
    return Cost(channels * units + units, channels * units, channels * (height * width + 1))


def add(t: Add, inputs: tuple[Shape, ...]) -> Cost:
    (channels, height, width), (second, _, _) = inputs
    if second != channels:
        return convolution(second * channels, channels, height * width, t.norm)
    return normalisation(channels, height * width) if t.norm == "batch" else Cost()


def concat(t: Any, inputs: tuple[Shape, ...]) -> Cost:
    return Cost()


FORMULAS: dict[str, Callable[[Any, tuple[Shape, ...]], Cost]] = {
    formula.__name__: formula
    for formula in (
        conv2d,
        depthwise_separable,
        dilated,
        temporal,
        temporal_residual,
        inverted_residual,
        broadcast_residual,
        pool,
        gru,
        lstm,
        attention_gru,
        self_attention,
        dense,
        add,
        concat,
    )
}

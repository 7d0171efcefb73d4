"""Skeletons: how the searched layers become a whole network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import ClassVar

from rena_pl.architecture import Architecture, ArchitectureError, Layer, Skeleton, Value
from rena_pl.errors import RenaError
from rena_pl.layers.convolution import Conv2d, Temporal
from rena_pl.layers.pooling import Pool
from rena_pl.layers.registry import check_value, decode

MOST_REPEATS = 64
MOST_GROWTH = 64


@dataclass(frozen=True)
class Expanded:
    """All layers of a network, as the skeleton makes them of the searched ones.

    Attributes:
        layers: In order, each reading only what stands before it.
        searched: For each of them the index of the searched layer that it is a copy of; none for
            what the skeleton adds.
    """

    layers: tuple[Layer, ...]
    searched: tuple[int | None, ...]


@dataclass(frozen=True)
class SkeletonType(ABC):
    """The meaning of a skeleton; a subclass is a frozen dataclass of its settings."""

    may_flatten: ClassVar[bool]
    """Whether searched layers may leave no height and width."""

    @abstractmethod
    def expand(self, layers: tuple[Layer, ...]) -> Expanded:
        """The whole network."""


@dataclass(frozen=True)
class Chain(SkeletonType):
    """Layer-by-layer search: the searched layers are the network."""

    may_flatten: ClassVar[bool] = True

    def expand(self, layers: tuple[Layer, ...]) -> Expanded:
        """The layers as they are."""
        return Expanded(layers, tuple(range(len(layers))))


@dataclass(frozen=True)
class Stack(SkeletonType):
    """Module search: a stem, then stages of the searched module, with reductions between them.

    Attributes:
        stem: The first layer's type: `conv2d` or `temporal`.
        stem_channels: Its channels.
        stem_kernel: Its kernel.
        stem_stride: Its stride.
        stages: How many.
        repeats: How often the module stands in each.
        growth: By how much the channels of the module grow from stage to stage.
        reduction: The pooling between stages, over windows of 2 x 2: `max` or `average`.
    """

    may_flatten: ClassVar[bool] = False
    stem: str = "conv2d"
    stem_channels: int = 16
    stem_kernel: int = 3
    stem_stride: int = 1
    stages: int = 3
    repeats: int = 2
    growth: int = 2
    reduction: str = "max"

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            choices = {"stem": ("conv2d", "temporal"), "reduction": ("max", "average")}
            check_value("stack", name, value, choices.get(name, (1,)))
        if (
            self.stages * self.repeats > MOST_REPEATS
            or self.growth ** (self.stages - 1) > MOST_GROWTH
        ):
            raise RenaError(
                f"skeleton stack: at most {MOST_REPEATS} modules and growth to "
                f"{MOST_GROWTH} times the channels"
            )

    def expand(self, layers: tuple[Layer, ...]) -> Expanded:
        """Stem, and every module reading what the one before it gave."""
        made = [self._stem]
        searched: list[int | None] = [None]
        for stage in range(self.stages):
            if stage > 0:
                made.append(self._reduction.reading(len(made)))
                searched.append(None)
            wide = [widened(layer, self.growth**stage) for layer in layers]
            for _ in range(self.repeats):
                before = len(made)  # the module's input 0, and what its layer numbers add to
                made.extend(
                    layer.reading(*[before + source for source in layer.inputs]) for layer in wide
                )
                searched.extend(range(len(layers)))
        return Expanded(tuple(made), tuple(searched))

    @cached_property
    def _stem(self) -> Layer:
        channels, kernel, stride = self.stem_channels, self.stem_kernel, self.stem_stride
        if self.stem == "temporal":
            return Temporal(channels=channels, kernel=kernel, stride=stride).as_layer(0)
        return Conv2d(
            channels=channels,
            kernel_height=kernel,
            kernel_width=kernel,
            stride_height=stride,
            stride_width=stride,
        ).as_layer(0)

    @cached_property
    def _reduction(self) -> Layer:
        return Pool(mode=self.reduction).as_layer()


_skeletons: dict[str, type[SkeletonType]] = {"chain": Chain, "stack": Stack}


def widened(layer: Layer, factor: int) -> Layer:
    """The layer with so many times its channels, where it has channels of its own."""
    width = decode(layer).stage_scaled
    return layer if width is None or factor == 1 else _widened(layer, width, factor)


@lru_cache(maxsize=20_000)
def _widened(layer: Layer, width: str, factor: int) -> Layer:
    return layer.having(width, int(layer.values[width]) * factor)


def skeleton(data: Skeleton) -> SkeletonType:
    """The meaning of a skeleton's data.

    Raises:
        RenaError: The kind is unknown or its settings are not.
    """
    return _skeleton(data.kind, **dict(data.hyper))


@lru_cache(maxsize=None, typed=True)  # else True, which is refused, would be taken for 1
def _skeleton(kind: str, /, **settings: Value) -> SkeletonType:
    if kind not in _skeletons:
        raise RenaError(f"unknown skeleton '{kind}'; known are {', '.join(_skeletons)}")
    known = [item.name for item in fields(_skeletons[kind])]
    for name in settings:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise RenaError(f"skeleton {kind} has no setting '{name}'; it has {listed}")
    return _skeletons[kind](**settings)


def expand(architecture: Architecture) -> Expanded:
    """All layers of an architecture's network.

    Raises:
        ArchitectureError: A layer is of an unknown kind, has a bad value, has too many or too few
            inputs, or is read by none; the sentence names the layer.
    """
    meaning = skeleton(architecture.skeleton)
    read = {source for layer in architecture.layers for source in layer.inputs}
    for number, layer in enumerate(architecture.layers, start=1):
        try:
            decoded = decode(layer)
            if len(layer.inputs) != decoded.sources:
                raise ArchitectureError(
                    f"it takes {decoded.sources} inputs, not {len(layer.inputs)}"
                )
            if number not in read and number < len(architecture.layers):
                raise ArchitectureError("no layer reads it")
            if decoded.flattens and not meaning.may_flatten:
                raise ArchitectureError(
                    f"a {architecture.skeleton.kind} repeats its layers, this one flattens"
                )
        except RenaError as error:
            raise ArchitectureError(f"layer {number} ({layer.kind}): {error}") from None
    return meaning.expand(architecture.layers)

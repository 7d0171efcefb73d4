"""Skeletons: how the searched layers are joined, and what stands around them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rena_pl.architecture import Architecture, ArchitectureError, Layer, Skeleton
from rena_pl.errors import RenaError


class SkeletonType(ABC):
    """The meaning of a skeleton."""

    @abstractmethod
    def connect(self, layers: Iterable[Layer]) -> tuple[Layer, ...]:
        """The layers with their inputs set to the skeleton's wiring."""

    def check(self, architecture: Architecture) -> None:
        """Raise an `ArchitectureError` unless the layers are wired as the skeleton demands."""
        for number, (layer, wired) in enumerate(
            zip(architecture.layers, self.connect(architecture.layers), strict=True), start=1
        ):
            if layer.inputs != wired.inputs:
                raise ArchitectureError(
                    f"layer {number} ({layer.kind}) reads from {list(layer.inputs)}, "
                    f"but in a {architecture.skeleton.kind} it reads from {list(wired.inputs)}"
                )


@dataclass(frozen=True)
class Chain(SkeletonType):
    """Layer-by-layer search: every layer reads the one before; the last one is classified."""

    def connect(self, layers: Iterable[Layer]) -> tuple[Layer, ...]:
        """Each layer reads from its predecessor."""
        return tuple(replace(layer, inputs=(number,)) for number, layer in enumerate(layers))


_skeletons: dict[str, type[SkeletonType]] = {"chain": Chain}


def skeleton(data: Skeleton) -> SkeletonType:
    """The meaning of a skeleton's data.

    Raises:
        RenaError: The kind is unknown or its settings are not.
    """
    if data.kind not in _skeletons:
        raise RenaError(f"unknown skeleton '{data.kind}'; known are {', '.join(_skeletons)}")
    try:
        return _skeletons[data.kind](**dict(data.hyper))
    except TypeError as error:
        raise RenaError(f"skeleton {data.kind}: {error}") from None

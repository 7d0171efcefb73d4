"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rena_pl.architecture import Shape
from rena_pl.layers.convolution import ACTIVATIONS, channels_of, filters, keeps_values
from rena_pl.layers.registry import IN, OUT, LayerType, choice, register

if TYPE_CHECKING:
    from torch import nn


@register
@dataclass(frozen=True)
class Dense(LayerType):
    """Average over height and width, then a fully connected layer and its activation.

    It averages instead of flattening: a flattened spectrogram would spend a small budget on this
    one layer, and its cost would depend on where an action puts it.
    """

    kind: ClassVar[str] = "dense"
    flattens: ClassVar[bool] = True
    averages: ClassVar[bool] = True
    stage_scaled: ClassVar[str | None] = "units"
    grows: ClassVar[frozenset[str]] = frozenset({"units"})
    units: int = choice(64, 16, 32, 96, 128, 196, 256)
    activation: str = choice(*ACTIVATIONS)

    def flows(self) -> Mapping[str, tuple[str, str]]:
        """One product from input to output."""
        return {"linear": (IN, OUT)}

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(units, 1, 1)`."""
        return (channels_of(self.units, self.activation), 1, 1)

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """Average, linear, activation."""
        from rena_pl.layers.modules.dense import AveragedLinear

        ((channels, _, _),) = inputs
        return AveragedLinear(channels, filters(self.units, self.activation), self.activation)

    def pass_on(self, module: Any, inputs: tuple[Shape, ...]) -> bool:
        """Every unit gives the mean of the channel of its number."""
        module.pass_on()
        return True

    def is_identity(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """With an activation that keeps means; what follows takes the mean anyway."""
        return keeps_values(self.activation, nonnegative)

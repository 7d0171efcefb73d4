"""Fully connected layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rena_pl.architecture import Shape
from rena_pl.layers.convolution import ACTIVATIONS
from rena_pl.layers.registry import LayerType, choice, register

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
    units: int = choice(64, 16, 32, 96, 128, 196, 256)
    activation: str = choice(*ACTIVATIONS)

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(units, 1, 1)`."""
        return (self.units, 1, 1)

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """Average, linear, activation."""
        from torch import nn

        from rena_pl.layers.modules import activation

        ((channels, _, _),) = inputs
        return nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(channels, self.units),
            activation(self.activation),
            nn.Unflatten(1, (self.units, 1, 1)),
        )

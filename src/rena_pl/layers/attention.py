"""Self-attention over width (time)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rena_pl.architecture import Shape
from rena_pl.layers.registry import IN, OUT, choice, register
from rena_pl.layers.residual import ResidualLayer

if TYPE_CHECKING:
    from torch import nn


@register
@dataclass(frozen=True)
class SelfAttention(ResidualLayer):
    """Every step gathers from all others, and is added to what it was (arXiv 1706.03762)."""

    kind: ClassVar[str] = "self_attention"
    stage_scaled: ClassVar[str | None] = "units"
    merges_height: ClassVar[bool] = True
    grows: ClassVar[frozenset[str]] = frozenset({"units", "heads"})
    units: int = choice(32, 16, 24, 48, 64, 96, 128)
    heads: int = choice(2, 1, 4, 8)

    def flows(self) -> Mapping[str, tuple[str, str]]:
        """The projection, the norm, and into the heads and out of them."""
        into = dict.fromkeys(("queries", "keys", "values"), (OUT, "heads"))
        return {"project": (IN, OUT), "norm": (OUT, OUT), **into, "out": ("heads", OUT)}

    @classmethod
    def custom_ops(cls) -> dict[type[nn.Module], Callable[..., None]]:
        """The products of attention, which thop does not see."""
        from rena_pl.layers.modules.attention import DotProductAttention, count_attention

        return {DotProductAttention: count_attention}

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """`(units, 1, width)`."""
        ((_, _, width),) = inputs
        return (self.units, 1, width)

    def passes(self, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
        """The input's channels, where they are as many as the units."""
        ((channels, height, _),) = inputs
        return (0,) if channels * height == self.units else ()

    def held_values(self, inputs: tuple[Shape, ...]) -> int:
        """The projected input, and the scores, or queries and keys while the values are made."""
        from rena_pl.layers.modules.attention import HEAD_SIZE

        ((_, _, width),) = inputs
        return self.units * width + self.heads * width * max(width, 2 * HEAD_SIZE)

    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """The block, after channels and height are merged."""
        from rena_pl.layers.modules.attention import SelfAttentionBlock

        ((channels, height, width),) = inputs
        return SelfAttentionBlock(channels * height, self.units, width, self.heads)

    def is_identity(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """Where there is no height to merge."""
        return inputs[0][1] == 1

    def agrees_when_projected(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """The projection is linear."""
        return True

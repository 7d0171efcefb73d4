"""A convolution with its norm and activation."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from rena_pl.layers.geometry import padding, strided, useful_kernel
from rena_pl.layers.modules.activation import activation as activation_module
from rena_pl.layers.modules.convolve import convolve
from rena_pl.layers.modules.norm import make_neutral
from rena_pl.layers.modules.norm import norm as norm_module

Pair = tuple[int, int]


class NormedConvolution(nn.Sequential):
    """Convolution, norm, activation; the convolution has a bias where no norm follows.

    The output's extent is the input's divided by the stride, rounded up. Equal padding on both
    sides is done by the convolution, any other in a module before it. The modules have the same
    names whatever the settings, so that another kernel or norm leaves the weights their names.

    Args:
        in_channels: Of the input.
        filters: Of the convolution; crelu makes twice as many channels of them.
        extent: Height and width of the input.
        kernel: Height and width; cut to the part that can see data.
        stride: In height and width.
        dilation: In height and width.
        groups: Of the convolution; as many as channels for a depthwise one.
        norm: `batch`, `sub_spectral` or `none`.
        activation: By name.

    Attributes:
        centre: The tap in height and width that meets the place itself, with the stride.
    """

    def __init__(
        self,
        in_channels: int,
        filters: int,
        extent: Pair,
        kernel: Pair = (1, 1),
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        groups: int = 1,
        norm: str = "batch",
        activation: str = "none",
    ) -> None:
        sides = list(zip(kernel, extent, stride, dilation, strict=True))
        useful = tuple(useful_kernel(*side) for side in sides)
        (top, bottom), (left, right) = (padding(*side) for side in sides)
        symmetric = top == bottom and left == right
        convolution = nn.Conv2d(
            in_channels,
            filters,
            (useful[0], useful[1]),
            stride,
            padding=(top, left) if symmetric else 0,
            dilation=dilation,
            groups=groups,
            bias=norm == "none",
        )
        super().__init__(
            OrderedDict(
                pad=nn.Identity() if symmetric else nn.ZeroPad2d((left, right, top, bottom)),
                conv=convolution,
                norm=norm_module(norm, filters, strided(extent[0], stride[0])),
                activation=activation_module(activation),
            )
        )
        self.centre = (top // dilation[0], left // dilation[1])

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `(batch, channels, height, width)`, convolved, normed and activated."""
        convolution = self.convolution
        for module in self:
            maps = convolve(convolution, maps) if module is convolution else module(maps)
        return maps

    @property
    def convolution(self) -> nn.Conv2d:
        """The convolution itself."""
        conv = self.get_submodule("conv")
        assert isinstance(conv, nn.Conv2d)
        return conv

    @torch.no_grad()
    def pass_on(self) -> None:
        """Let filter `i` give input channel `i`, before the activation; further ones stay."""
        conv = self.convolution
        channels = min(conv.in_channels, conv.out_channels)
        conv.weight[:channels] = 0
        own = torch.arange(channels)
        sources = own if conv.groups == 1 else torch.zeros_like(own)
        conv.weight[own, sources, self.centre[0], self.centre[1]] = 1
        if conv.bias is not None:
            conv.bias.zero_()
        make_neutral(self)


def merge_height(features: int) -> nn.Sequential:
    """Channels and height as `features` channels of a map of height 1: only views."""
    return nn.Sequential(nn.Flatten(1, 2), nn.Unflatten(1, (features, 1)))

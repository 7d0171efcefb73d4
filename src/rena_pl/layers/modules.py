"""The torch modules that layer types share."""

from __future__ import annotations

from torch import nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "swish": nn.SiLU,
    "hard_swish": nn.Hardswish,
}


def activation(name: str) -> nn.Module:
    """A fresh activation module."""
    return ACTIVATIONS[name]()


def merge_height(features: int) -> list[nn.Module]:
    """Channels and height as `features` channels of a map of height 1: only views."""
    return [nn.Flatten(1, 2), nn.Unflatten(1, (features, 1))]


def normed_convolution(
    in_channels: int,
    out_channels: int,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
    norm: str = "batch",
    activation: str = "none",
) -> list[nn.Module]:
    """A convolution with its norm and activation; it has a bias where no norm follows.

    The output's extent is the input's divided by the stride, rounded up. Odd kernels pad inside
    the convolution, even ones in a module before it, since their two sides differ. There are
    always four modules, so that another kernel or norm leaves the weights their names.
    """
    reach = [(size - 1) * step for size, step in zip(kernel, dilation, strict=True)]
    before = [total // 2 for total in reach]
    after = [total - first for total, first in zip(reach, before, strict=True)]
    symmetric = before == after
    return [
        nn.Identity() if symmetric else nn.ZeroPad2d((before[1], after[1], before[0], after[0])),
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel,
            stride,
            padding=(before[0], before[1]) if symmetric else 0,
            dilation=dilation,
            groups=groups,
            bias=norm == "none",
        ),
        nn.BatchNorm2d(out_channels) if norm == "batch" else nn.Identity(),
        nn.Identity() if activation == "none" else ACTIVATIONS[activation](),
    ]

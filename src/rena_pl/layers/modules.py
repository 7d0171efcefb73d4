"""The torch modules that layer types share: activations, norms, and same-size convolution."""

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


def norm(name: str, channels: int) -> nn.Module:
    """The normalisation over `channels`; the identity for `none`, so that names stay the same."""
    return nn.BatchNorm2d(channels) if name == "batch" else nn.Identity()


def same_convolution(
    in_channels: int,
    out_channels: int,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
    bias: bool = False,
) -> list[nn.Module]:
    """A convolution whose output extent is the input's divided by the stride, rounded up.

    Odd kernels pad inside the convolution; even ones need a padding module before it, since their
    two sides differ. Both make two modules, so that a change of kernel keeps the weights' names.
    """
    reach = [(size - 1) * step for size, step in zip(kernel, dilation, strict=True)]
    before = [total // 2 for total in reach]
    after = [total - first for total, first in zip(reach, before, strict=True)]
    symmetric = before == after
    convolution = nn.Conv2d(
        in_channels,
        out_channels,
        kernel,
        stride,
        padding=(before[0], before[1]) if symmetric else 0,
        dilation=dilation,
        groups=groups,
        bias=bias,
    )
    pad = nn.ZeroPad2d((before[1], after[1], before[0], after[0]))
    return [nn.Identity() if symmetric else pad, convolution]

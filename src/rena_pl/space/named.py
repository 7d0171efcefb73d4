"""Published networks as architectures, built from the registry alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rena_pl.architecture import Architecture, Layer, Skeleton, Value
from rena_pl.layers.registry import layer_type


def _layer(kind: str, inputs: tuple[int, ...], **hyper: Value) -> Layer:
    return layer_type(kind)(**hyper).as_layer(*inputs)


def _chain(*layers: tuple[str, Mapping[str, Value]]) -> Architecture:
    """Layers that each read the one before."""
    return Architecture(
        tuple(_layer(kind, (number,), **hyper) for number, (kind, hyper) in enumerate(layers))
    )


def bc_resnet(width: int) -> Architecture:
    """BC-ResNet (arXiv 2106.04140, table 1), `width` times as wide as BC-ResNet-1.

    Without its dropout; the last depthwise convolution has a norm and an activation of its own.
    """
    stages = [(8, 2, 1, 1), (12, 2, 2, 2), (16, 4, 2, 4), (20, 4, 1, 8)]
    blocks: list[tuple[str, dict[str, Value]]] = [
        (
            "broadcast_residual",
            {
                "channels": channels * width,
                "stride_height": stride if block == 0 else 1,
                "dilation": dilation,
            },
        )
        for channels, count, stride, dilation in stages
        for block in range(count)
    ]
    stem = {"channels": 16 * width, "kernel_height": 5, "kernel_width": 5, "stride_height": 2}
    last = {"channels": 32 * width, "kernel_height": 5, "kernel_width": 5, "stride_height": 5}
    return _chain(("conv2d", stem), *blocks, ("depthwise_separable", last))


def ds_cnn_s() -> Architecture:
    """DS-CNN-S (arXiv 1711.07128): one convolution and four depthwise-separable ones."""
    stem = {
        "channels": 64,
        "kernel_height": 4,
        "kernel_width": 10,
        "stride_height": 2,
        "stride_width": 2,
    }
    return _chain(("conv2d", stem), *[("depthwise_separable", {"channels": 64})] * 4)


def tc_resnet8() -> Architecture:
    """TC-ResNet8 (arXiv 1904.03814): convolution over time and three residual blocks."""
    blocks: list[tuple[str, dict[str, Value]]] = [
        ("temporal_residual", {"channels": channels, "kernel": 9, "stride": 2})
        for channels in (24, 32, 48)
    ]
    return _chain(("temporal", {"channels": 16, "kernel": 3}), *blocks)


def resnet20() -> Architecture:
    """ResNet-20 for CIFAR (arXiv 1512.03385), shapes reconciled by 1x1 projections."""
    layers = [_layer("conv2d", (0,), channels=16)]
    for channels, stride in (
        [(16, 1)] * 3 + [(32, 2), (32, 1), (32, 1)] + [(64, 2), (64, 1), (64, 1)]
    ):
        before = len(layers)
        strides = {"stride_height": stride, "stride_width": stride}
        layers += [
            _layer("conv2d", (before,), channels=channels, **strides),
            _layer("conv2d", (before + 1,), channels=channels, activation="none"),
            _layer("add", (before + 2, before), activation="relu", norm="none"),
        ]
    return Architecture(tuple(layers))


def nasnet_like() -> Architecture:
    """A stack of cells like NASNet's (arXiv 1707.07012): separable convolutions, sums, a concat."""

    def separable(source: int, kernel: int) -> Layer:
        return _layer(
            "depthwise_separable",
            (source,),
            channels=16,
            kernel_height=kernel,
            kernel_width=kernel,
        )

    fit = _layer("conv2d", (0,), channels=16, kernel_height=1, kernel_width=1)
    layers = (
        fit,
        separable(1, 5),
        separable(1, 3),
        _layer("add", (2, 3)),
        separable(4, 3),
        _layer("add", (5, 1)),
        _layer("concat", (4, 6)),
    )
    stack: dict[str, Value] = {
        "stem": "conv2d",
        "stem_channels": 32,
        "stages": 3,
        "repeats": 2,
        "growth": 2,
    }
    return Architecture(layers, Skeleton("stack", tuple(sorted(stack.items()))))


NAMED: dict[str, Callable[[], Architecture]] = {
    "bc_resnet_1": lambda: bc_resnet(1),
    "bc_resnet_2": lambda: bc_resnet(2),
    "ds_cnn_s": ds_cnn_s,
    "tc_resnet8": tc_resnet8,
    "resnet20": resnet20,
    "nasnet_like": nasnet_like,
}
"""The networks by the name that `start` takes."""

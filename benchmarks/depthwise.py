"""What the type of its numbers does to a depthwise convolution on a CPU, forth and back.

    python benchmarks/depthwise.py --json benchmarks/results/depthwise.json

Layers of 32 channels on maps of 20 x 50, channels last, in batches of 16, by turns: all in
bfloat16, all in float32, and as the search trains them, whose input is in bfloat16.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor, nn

from rena_pl.layers.modules.convolution import NormedConvolution
from report import arguments, finish

KERNELS = ((3, 1), (3, 3), (1, 9), (3, 5), (5, 5), (3, 9), (5, 9))
LAYERS = [(kernel, 1) for kernel in KERNELS] + [((3, 1), 2), ((3, 3), 2)]
"""Kernel and stride."""
CHANNELS, EXTENT, BATCH = 32, (20, 50), 16


def milliseconds(layer: Callable[[Tensor], Tensor], dtype: torch.dtype, maps: Tensor) -> float:
    """The time of a forward and a backward pass."""
    maps = maps.to(dtype).requires_grad_()
    started = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        out = layer(maps)
    torch.autograd.backward(out, torch.ones_like(out))
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    options = arguments(__doc__)
    rounds = 5 if options.quick else 31
    torch.manual_seed(options.seed)
    maps = torch.randn(BATCH, CHANNELS, *EXTENT).contiguous(memory_format=torch.channels_last)
    figures = {}
    for kernel, stride in LAYERS:
        block = NormedConvolution(
            CHANNELS, CHANNELS, EXTENT, kernel, (stride, stride), groups=CHANNELS
        )
        block.train().to(memory_format=torch.channels_last)
        plain = nn.Sequential(*block.children())
        sides = {
            "bfloat16, ms": (plain, torch.bfloat16),
            "float32, ms": (plain, torch.float32),
            "as trained, ms": (block, torch.bfloat16),
        }
        times: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, (layer, dtype) in sides.items():
                times[name].append(milliseconds(layer, dtype, maps))
        figures[f"{kernel[0]}x{kernel[1]}" + (f", stride {stride}" if stride > 1 else "")] = {
            name: round(median(of_side[1:]), 2) for name, of_side in times.items()
        }
    finish(options, "depthwise.py", figures)


if __name__ == "__main__":
    main()

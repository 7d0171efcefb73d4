"""Extents under strides, kernels and padding."""

from __future__ import annotations

from rena_pl.architecture import Shape


def strided(extent: int, stride: int) -> int:
    """The extent after a stride: divided, rounded up."""
    return -(-extent // stride)


def strided_extent(shape: Shape, stride_height: int, stride_width: int) -> tuple[int, int]:
    """Height and width of a map after a stride in each."""
    return strided(shape[1], stride_height), strided(shape[2], stride_width)


def useful_kernel(kernel: int, extent: int, stride: int = 1, dilation: int = 1) -> int:
    """The part of a kernel that can ever see data, where every place has a window.

    That is at most `extent - 1` steps to either side, and the extent itself where a single window
    is left that could cover it. Without this cut, a wide kernel over a small map would hold
    parameters that only ever meet padding, and count them against the budget.
    """
    if one_window(kernel, extent, stride, dilation):
        return 1 + (extent - 1) // dilation
    return min(kernel, 2 * ((extent - 1) // dilation) + 1)


def padding(kernel: int, extent: int, stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    """Padding before and after, so that the output's extent is `strided(extent, stride)`.

    The padding before is a multiple of the dilation, so that one tap meets the place itself.
    """
    if one_window(kernel, extent, stride, dilation):
        return 0, 0
    steps = useful_kernel(kernel, extent, stride, dilation) - 1
    before = steps // 2 * dilation
    return before, steps * dilation - before


def one_window(kernel: int, extent: int, stride: int, dilation: int) -> bool:
    """Whether a single window, which covers the whole extent, is all there is."""
    return strided(extent, stride) == 1 and (kernel - 1) * dilation + 1 >= extent


def bands(height: int, most: int = 5) -> int:
    """Sub-bands of sub-spectral normalisation: the most, up to `most`, that divide the height."""
    return max(count for count in range(1, most + 1) if height % count == 0)

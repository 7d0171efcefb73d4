"""Reading images as pixels, and normalising pixels."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from rena_pl.data.front_end import FrontEnd, require_between

# Those that Pillow reads by itself: for some others it starts other programs.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
MOST_PIXELS = 50_000_000


class PixelFrontEnd(FrontEnd):
    """Pixels, normalised per channel.

    Args:
        channels: 3 for colours, 1 for grey.

    Raises:
        RenaError: They are none, or far too many.
    """

    kind = "image"

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        require_between(1, 1000, channels=channels)
        self.settings = {"channels": channels}
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("std", torch.ones(channels, 1, 1))

    def fit(self, pixels: Tensor) -> None:
        """Take the mean and deviation per channel from pixels `(images, channels, ...)`, uint8."""
        std, mean = torch.std_mean(pixels.float(), dim=(0, 2, 3))
        self.mean.copy_(mean[:, None, None])
        self.std.copy_(std[:, None, None].clamp(min=1.0))

    def forward(self, pixels: Tensor) -> Tensor:
        """Normalised features of pixels `(batch, channels, height, width)`, 0 to 255."""
        return self.normalise(pixels.float())


def read_pixels(path: Path, channels: int, height: int, width: int) -> NDArray[np.uint8]:
    """An image of any size as `(channels, height, width)`, upright, and white where transparent.

    Raises:
        ValueError: The file is no image that Pillow reads.
    """
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if prod(image.size) > MOST_PIXELS:
                raise ValueError(f"more than {MOST_PIXELS:,} pixels")
            opaque = _on_white(_in_bytes(ImageOps.exif_transpose(image)))
            converted = opaque.convert("RGB" if channels == 3 else "L")
    except Exception as error:  # what Pillow raises depends on the format and on the damage
        raise ValueError(str(error)) from error
    if converted.size != (width, height):
        converted = converted.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(converted, np.uint8).reshape(height, width, channels)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _on_white(image: Image.Image) -> Image.Image:
    """What a page shows of an image that is transparent in places; others as they are."""
    if not image.has_transparency_data:
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))


def _in_bytes(image: Image.Image) -> Image.Image:
    """Grey of 16 bits scaled to 8, where Pillow would clip it; others as they are.

    Raises:
        ValueError: The pixels are numbers of no known range.
    """
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode}, whose range is not known")
    return image

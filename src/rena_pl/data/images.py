"""What the image tasks share: normalised pixels, and flips, crops and cutout of batches."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from rena_pl.data.draw import uniform_integers
from rena_pl.data.pixels import PixelFrontEnd
from rena_pl.data.tensor_task import SPLITS, Batch, Split, TensorTask
from rena_pl.errors import RenaError


class ImageTask(TensorTask):
    """Image classification; a subclass says where the images come from.

    Args:
        flip: Mirror half of the training images.
        crop_padding: Training images are shifted by up to so many pixels each way; 0 for none.
        cutout: Side of a square blanked at a random place of each training image; 0 for none.
        batch_size: Examples in a training batch.
        seed: Seed of everything random in the data.
    """

    def __init__(
        self,
        flip: bool = True,
        crop_padding: int = 4,
        cutout: int = 0,
        batch_size: int = 100,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size=batch_size, seed=seed)
        if crop_padding < 0 or cutout < 0:
            raise RenaError("crop_padding and cutout: at least 0")
        self.flip = flip
        self.crop_padding = crop_padding
        self.cutout = cutout

    @abstractmethod
    def images(self) -> dict[str, Batch]:
        """Pixels `(images, channels, height, width)`, uint8, and classes of every split."""

    def load(self) -> dict[str, Split]:
        """The images of all splits, normalised per channel by the training split."""
        images = self.images()
        self.front_end = PixelFrontEnd(self.input_shape[0])
        self.front_end.fit(images["train"][0])
        return {
            name: Split(self.front_end(images[name][0])[:, None], images[name][1])
            for name in SPLITS
        }

    def augment(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Mirror, shift and cut out every image by its own draw."""
        count, channels, height, width = features.shape
        rows = torch.arange(height, device=features.device).expand(count, height)
        columns = torch.arange(width, device=features.device).expand(count, width)
        if self.flip:
            mirrored = uniform_integers(0, 1, (count, 1), features, generator).bool()
            columns = torch.where(mirrored, width - 1 - columns, columns)
        if self.crop_padding:
            reach = self.crop_padding
            rows = _reflect(
                rows + uniform_integers(-reach, reach, (count, 1), features, generator), height
            )
            columns = _reflect(
                columns + uniform_integers(-reach, reach, (count, 1), features, generator), width
            )
        if self.flip or self.crop_padding:
            source = (rows[:, :, None] * width + columns[:, None, :]).reshape(count, 1, -1)
            pixels = features.flatten(2).gather(2, source.expand(-1, channels, -1))
            features = pixels.reshape(count, channels, height, width)
        if self.cutout:
            middle = [
                uniform_integers(0, size - 1, (count, 1), features, generator)
                for size in (height, width)
            ]
            inside = [
                (torch.arange(size, device=features.device) - (centre - self.cutout // 2))
                for size, centre in zip((height, width), middle, strict=True)
            ]
            row, column = ((offset >= 0) & (offset < self.cutout) for offset in inside)
            hole = row[:, None, :, None] & column[:, None, None, :]
            features = features.masked_fill(hole, 0.0)
        return features


def _reflect(index: Tensor, size: int) -> Tensor:
    """Indices beyond the border, mirrored back into the image."""
    last = max(size - 1, 1)
    return (last - (last - index.abs()).abs()).clamp(0, size - 1)


def stratified_split(targets: Tensor, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of all but about `count` examples and of those, with equal shares of every class.

    Every class with two examples or more has at least one in either part.
    """
    generator = torch.Generator().manual_seed(seed)
    kept, held_out = [], []
    for label in range(int(targets.max()) + 1):
        members = (targets == label).nonzero()[:, 0]
        members = members[torch.randperm(len(members), generator=generator)]
        share = round(count * len(members) / len(targets))
        share = min(max(share, 1), len(members) - 1)
        held_out.append(members[:share])
        kept.append(members[share:])
    return torch.cat(kept).sort().values, torch.cat(held_out).sort().values

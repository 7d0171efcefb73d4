"""CIFAR-10."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision import datasets

from rena_pl.data.download import only_downloader
from rena_pl.data.image_folder import ImageFolder
from rena_pl.data.images import ImageTask, stratified_split
from rena_pl.data.tensor_task import Batch
from rena_pl.errors import RenaError

_LABELS = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


class CIFAR10(ImageTask):
    """CIFAR-10: 50,000 training and 10,000 test images of 32 x 32.

    Args:
        root: Folder that holds `cifar-10-batches-py` as torchvision stores it, or that it is
            downloaded to; or a folder of images, `train/<class>/<image>.png` and `test/...`.
        download: Download the data (170 MB) if they are not there.
        validation_examples: Training images put aside for validation, equally many of a class; of
            the published files, since of image folders a tenth is put aside.
        **settings: Everything else `ImageTask` takes.
    """

    def __init__(
        self,
        root: str | Path,
        download: bool = False,
        validation_examples: int = 5000,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        if not 10 <= validation_examples <= 40_000:
            raise RenaError(f"validation_examples: {validation_examples} is not 10 to 40000")
        self.root = root
        self.download = download
        self.validation_examples = validation_examples

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Three colours, 32 x 32 pixels."""
        return 3, 32, 32

    @property
    def labels(self) -> list[str]:
        """The ten classes."""
        return list(_LABELS)

    @cached_property
    def _as_images(self) -> ImageFolder | None:
        """The same data as image files, where the root holds them like that."""
        is_image_folder = (Path(self.root).expanduser() / "train").is_dir()
        return ImageFolder(self.root, seed=self.seed) if is_image_folder else None

    def listing(self) -> list[str]:
        """The image files; nothing for the published files, whose content is known."""
        return [] if self._as_images is None else self._as_images.listing()

    def images(self) -> dict[str, Batch]:
        """Read the batches, whose files torchvision checks first, or the images."""
        if self._as_images is not None:
            if tuple(self._as_images.labels) != _LABELS:
                raise RenaError(f"the folders in {self.root} are not the classes of CIFAR-10")
            return self._as_images.images()
        pixels, targets = self._read(train=True)
        train, val = stratified_split(targets, self.validation_examples, self.seed)
        return {
            "train": (pixels[train], targets[train]),
            "val": (pixels[val], targets[val]),
            "test": self._read(train=False),
        }

    def _read(self, train: bool) -> Batch:
        root = Path(self.root).expanduser()
        try:
            # torchvision unpickles these files. It compares their MD5 sums to those of the
            # published ones first, so nothing but the original content is ever unpickled.
            with only_downloader(root) if self.download else nullcontext():
                data = datasets.CIFAR10(root, train=train, download=self.download)
        except (OSError, RuntimeError) as error:
            raise RenaError(
                f"no complete CIFAR-10 in {root}, set data.root or download: true ({error})"
            ) from error
        pixels: Tensor = torch.from_numpy(data.data).permute(0, 3, 1, 2).contiguous()
        return pixels, torch.tensor(data.targets)

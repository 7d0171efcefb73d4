"""Images in a folder for every class."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from rena_pl.data.files import File, Skipped, files_in, is_note, read_all, report_skipped
from rena_pl.data.images import ImageTask, stratified_split
from rena_pl.data.pixels import read_pixels
from rena_pl.data.tensor_task import SPLITS, Batch
from rena_pl.errors import RenaError


class ImageFolder(ImageTask):
    """Your own images, as `train/<class>/<image>.png` and `test/<class>/<image>.png`.

    Without a folder `val`, a tenth of the training images of every class is put aside.

    Args:
        root: Folder that holds `train`, `test` and perhaps `val`.
        image_size: Height and width that images of another size are scaled to.
        channels: 3 for colours, 1 for grey.
        **settings: Everything else `ImageTask` takes.

    Attributes:
        skipped: Path and reason of every image that could not be used.
    """

    def __init__(
        self,
        root: str | Path,
        image_size: int = 32,
        channels: Literal[1, 3] = 3,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        if not 1 <= image_size <= 1024:
            raise RenaError(f"image_size: {image_size} is not between 1 and 1024")
        if channels not in (1, 3):
            raise RenaError(f"channels: {channels} is neither 1 nor 3")
        self.root = root
        self.image_size = image_size
        self.channels = channels
        self.skipped: Skipped = []

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels and the square images' size."""
        return self.channels, self.image_size, self.image_size

    @cached_property
    def labels(self) -> list[str]:
        """The folders in `train`, in the order of their names."""
        return sorted(self.files["train"])

    @cached_property
    def files(self) -> dict[str, dict[str, list[File]]]:
        """The images of every class of every split that has a folder."""
        root = Path(self.root).expanduser()
        for split in ("train", "test"):
            if not (root / split).is_dir():
                raise RenaError(f"no folder {root / split}, set data.root to the folder above it")
        files = {
            split: {
                folder.name: [file for file in files_in(folder) if not is_note(file.path)]
                for folder in sorted((root / split).iterdir())
                if folder.is_dir() and not folder.name.startswith(".")
            }
            for split in SPLITS
            if (root / split).is_dir()
        }
        if len(files["train"]) < 2:
            raise RenaError(f"fewer than two class folders in {root / 'train'}")
        for split, classes in files.items():
            if differing := sorted(classes.keys() ^ files["train"].keys()):
                raise RenaError(
                    f"class {differing[0]!r} is in only one of {root / 'train'} and {root / split}"
                )
        return files

    def listing(self) -> list[str]:
        """Split, class, name and size of every image."""
        return [
            f"{split} {file.line}"
            for split, classes in self.files.items()
            for files in classes.values()
            for file in files
        ]

    def images(self) -> dict[str, Batch]:
        """Read all images."""
        self.skipped = []
        images = {split: self._read_split(split) for split in self.files}
        total = sum(len(targets) for _, targets in images.values()) + len(self.skipped)
        report_skipped(self.skipped, total, "images")
        if "val" not in images:
            pixels, targets = images["train"]
            train, val = stratified_split(targets, len(targets) // 10, self.seed)
            images["train"] = pixels[train], targets[train]
            images["val"] = pixels[val], targets[val]
        return images

    def _read_split(self, split: str) -> Batch:
        chosen = [
            (file.path, target)
            for target, label in enumerate(self.labels)
            for file in self.files[split][label]
        ]
        pixels, usable, skipped = read_all([path for path, _ in chosen], self._read)
        self.skipped += skipped
        targets = torch.tensor([chosen[index][1] for index in usable], dtype=torch.int64)
        # Two for training where validation needs one of them.
        needed = 2 if split == "train" and "val" not in self.files else 1
        counts = torch.bincount(targets, minlength=self.num_classes).tolist()
        for label, count in zip(self.labels, counts, strict=True):
            if count < needed:
                folder = Path(self.root).expanduser() / split / label
                raise RenaError(f"{count} usable images in {folder}, at least {needed} are needed")
        return torch.from_numpy(np.stack(pixels)), targets

    def _read(self, path: Path) -> NDArray[np.uint8]:
        return read_pixels(path, *self.input_shape)

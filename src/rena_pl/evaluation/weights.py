"""The weights of evaluated children, one safetensors file each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from rena_pl.errors import StorageError
from rena_pl.whole_files import whole


def save_weights(weights: Mapping[str, Tensor], path: Path) -> None:
    """Write a state dict so that the file is there whole or not at all.

    Raises:
        StorageError: It cannot be written.
    """
    contiguous = {name: tensor.contiguous() for name, tensor in weights.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as unfinished:
            save_file(contiguous, unfinished)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"{path}: cannot be written: {error}") from error


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read a state dict; the format holds tensors only, and no code.

    Raises:
        StorageError: There is none, or it is damaged.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"{path}: holds no weights that can be read: {error}") from None


class WeightStore:
    """Weights by evaluation key, kept as long as the child can still be a parent.

    Args:
        folder: Where the files are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, key: str, weights: Mapping[str, Tensor]) -> None:
        """Keep the weights of an evaluation."""
        save_weights(weights, self._path(key))

    def load(self, key: str) -> dict[str, Tensor] | None:
        """The weights of an evaluation, if they are still kept.

        Raises:
            StorageError: They are damaged.
        """
        path = self._path(key)
        return load_weights(path) if path.is_file() else None

    def keep_only(self, keys: Collection[str]) -> None:
        """Delete all other weights."""
        for path in self.folder.glob("*"):
            if path.stem not in keys:
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

"""The run folder: what it holds, and that only one search lives in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from lightning.pytorch import Callback, LightningModule, Trainer

from rena_pl.errors import RenaError
from rena_pl.whole_files import write_whole

CONFIG = "config.yaml"
CHECKPOINTS = "checkpoints"
LAST = "last.ckpt"
SETTLED = ("seed_everything", "model", "data")
"""The parts of a config that decide a search's result; the trainer's may change on the way."""
MOVABLE = ("root", "cache_dir", "download")
"""Settings of a task that say where its data are, not what they are."""


class RunFolder(Callback):
    """The folder of one search; as a callback, it keeps config and policy.

    Args:
        path: Where it is.
        config: All settings of the search.
        option: The setting that says where it is.

    Raises:
        RenaError: The folder cannot be used, or holds a search with other settings.
    """

    def __init__(
        self, path: Path, config: Mapping[str, Any], option: str = "trainer.default_root_dir"
    ) -> None:
        self.path = path
        self.option = option
        self.config = dict(config)
        saved = path / CONFIG
        try:
            path.mkdir(parents=True, exist_ok=True)
            before = yaml.safe_load(saved.read_text()) if saved.is_file() else None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise RenaError(f"{path}: cannot be used as a run folder: {error}") from None
        if before is not None:
            self._compare(before)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the config down: not before, or a mistake in it would claim the folder."""
        if trainer.is_global_zero:
            self.claim()

    def claim(self) -> None:
        """Write the config down, so that the folder is this search's."""
        if not (self.path / CONFIG).is_file():
            write_whole(self.path / CONFIG, yaml.safe_dump(self.config, sort_keys=False))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the policy after every update.

        Lightning's own callback saves when its optimisers have stepped, which a policy that learns
        while its children are chosen does not show.
        """
        trainer.save_checkpoint(self.path / CHECKPOINTS / LAST)

    def last_checkpoint(self) -> str | None:
        """The checkpoint of the last finished update, if there is one."""
        path = self.path / CHECKPOINTS / LAST
        return str(path) if path.is_file() else None

    def _compare(self, before: Any) -> None:
        if not isinstance(before, dict):
            raise RenaError(f"{self.path / CONFIG}: holds no settings")
        was, is_now = dict(_settings(before)), dict(_settings(self.config))
        for name in sorted(was.keys() | is_now.keys()):
            if was.get(name) != is_now.get(name):
                raise RenaError(
                    f"{self.path} holds a search with {name} = {was.get(name)}, not "
                    f"{is_now.get(name)}; give another {self.option} or the same value"
                )


def _settings(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The settled values of a config by dotted name."""

    def flatten(name: str, item: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(item, dict) and item:
            if name == "model.space.layers":  # their order numbers what the policy reads
                yield name, list(item)
            for key, value in item.items():
                yield from flatten(f"{name}.{key}", value)
        else:
            yield name, item

    for part in SETTLED:
        for name, value in flatten(part, config.get(part)):
            if not (part == "data" and name.rsplit(".", 1)[-1] in MOVABLE):
                yield name, value

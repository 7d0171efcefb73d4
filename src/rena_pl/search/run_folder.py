"""The run folder: what it holds, and that only one search lives in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from rena_pl.errors import RenaError

CONFIG = "config.yaml"
CHECKPOINTS = "checkpoints"
SETTLED = ("seed_everything", "model", "data")
"""The parts of a config that decide a search's result; the trainer's may change on the way."""
MOVABLE = ("root", "cache_dir", "download")
"""Settings of a task that say where its data are, not what they are."""


class RunFolder:
    """The folder of one search.

    Args:
        path: Where it is; made when it is taken.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def take(self, config: Mapping[str, Any]) -> None:
        """Write the config down, or check that it is the one the folder's search began with.

        Raises:
            RenaError: The folder cannot be made, or holds a search with other settings.
        """
        saved = self.path / CONFIG
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if saved.is_file():
                self._compare(yaml.safe_load(saved.read_text()), config)
            else:
                saved.write_text(yaml.safe_dump(dict(config), sort_keys=False))
        except (OSError, yaml.YAMLError, AttributeError) as error:
            raise RenaError(f"{self.path}: cannot be used as a run folder: {error}") from None

    def last_checkpoint(self) -> str | None:
        """The checkpoint of the last finished update, if there is one."""
        path = self.path / CHECKPOINTS / "last.ckpt"
        return str(path) if path.is_file() else None

    def _compare(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        was, is_now = dict(_settings(before)), dict(_settings(now))
        for name in sorted(was.keys() | is_now.keys()):
            if was.get(name) != is_now.get(name):
                raise RenaError(
                    f"{self.path} holds a search with {name} = {was.get(name)}, not "
                    f"{is_now.get(name)}; give another trainer.default_root_dir or the same value"
                )


def _settings(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The settled values of a config by dotted name."""

    def flatten(prefix: str, item: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(item, dict) and item:
            for name, value in item.items():
                yield from flatten(f"{prefix}.{name}", value)
        else:
            yield prefix, item

    for part in SETTLED:
        for name, value in flatten(part, config.get(part)):
            if not (part == "data" and name.rsplit(".", 1)[-1] in MOVABLE):
                yield name, value

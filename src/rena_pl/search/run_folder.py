"""The run folder: what it holds, and that only one search lives in it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout
from lightning.pytorch import Callback, LightningModule, Trainer

from rena_pl.documents import read_settings
from rena_pl.errors import RenaError
from rena_pl.passwords import without_password
from rena_pl.search.checkpoint import CHECKPOINTS, LAST, read_checkpoint
from rena_pl.search.controller import Controller
from rena_pl.whole_files import write_whole

CONFIG = "config.yaml"
LOCK = "search.lock"
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
        self.begun = False
        self._lock = FileLock(path / LOCK, timeout=0)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RenaError(f"{path}: cannot be used as a run folder: {error}") from None
        self._compare()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other jobs out of the folder; the system lets go of it however this one ends.

        Raises:
            RenaError: Another job is running in it, or has begun another search there meanwhile.
        """
        try:
            self._lock.acquire()
        except Timeout:
            raise RenaError(f"{self.path}: another job is running in this folder") from None
        except NotImplementedError:  # a file system without locks
            warnings.warn(f"{self.path}: start no other job in this folder", stacklevel=2)
        try:
            self._compare()
            yield
        finally:
            self._lock.release()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the config down: not before, or a mistake in it would claim the folder."""
        self.begun = True
        if trainer.is_global_zero:
            self.claim()

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A search that had all its updates before begins with its end."""
        self.begun = True

    def claim(self) -> None:
        """Write the config down, so that the folder is this search's."""
        if not (self.path / CONFIG).is_file():
            write_whole(self.path / CONFIG, yaml.safe_dump(self.config, sort_keys=False))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the policy after every update, where there is one.

        A searcher without a policy is asked everything again, and told what stands in the ledger.
        Lightning's own callback saves when its optimisers have stepped, which a policy that learns
        while its children are chosen does not show.
        """
        assert isinstance(pl_module, Controller)
        if not pl_module.learns:
            return
        path = self.path / CHECKPOINTS / LAST
        unfinished = path.with_suffix(".part")
        trainer.save_checkpoint(unfinished)
        if trainer.is_global_zero:
            unfinished.replace(path)

    def last_checkpoint(self) -> str | None:
        """The checkpoint of the last finished update, if there is one that can be read.

        Without it, the search is made again from its ledger.
        """
        path = self.path / CHECKPOINTS / LAST
        if not path.is_file():
            return None
        try:
            read_checkpoint(path)
        except RenaError as error:
            warnings.warn(f"left out, the ledger is enough: {error}", stacklevel=2)
            return None
        return str(path)

    def _compare(self) -> None:
        saved = self.path / CONFIG
        if not saved.is_file():
            return
        was, is_now = dict(_settings(read_settings(saved))), dict(_settings(self.config))
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
        else:  # a password may change
            yield name, without_password(item) if isinstance(item, str) else item

    for part in SETTLED:
        for name, value in flatten(part, config.get(part)):
            if not (part == "data" and name.rsplit(".", 1)[-1] in MOVABLE):
                yield name, value

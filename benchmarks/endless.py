"""A search that goes on until a callback ends it, with nothing around it."""

from __future__ import annotations

import tempfile

from lightning.pytorch import Callback, Trainer

from rena_pl.search.controller import Controller


def run_until_stopped(controller: Controller, callback: Callback) -> None:
    """Run a search in this process and leave nothing behind."""
    with tempfile.TemporaryDirectory() as folder:
        Trainer(
            max_epochs=-1,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
            callbacks=[callback],
        ).fit(controller)

"""A search on N CPU workers, one thread each: `python -m tests.search.workers N FOLDER`."""

from __future__ import annotations

import sys

import torch
from lightning.pytorch import Trainer

from tests.search.test_fit import controller

if __name__ == "__main__":
    torch.set_num_threads(1)
    workers, folder = int(sys.argv[1]), sys.argv[2]
    Trainer(
        max_epochs=3,
        accelerator="cpu",
        devices=workers,
        strategy="ddp" if workers > 1 else "auto",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    ).fit(controller(seed=2))

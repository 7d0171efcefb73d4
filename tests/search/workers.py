"""A search on N CPU workers, one thread each: `python -m tests.search.workers N FOLDER`.

With `--disagree`, worker 1 searches in another way than worker 0. With `--latency`, a bound is on
what is measured.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import torch
from lightning.pytorch import Trainer

from tests.search.test_fit import controller
from tests.search.test_latency import controller as latency_controller

UPDATES, SEED = 3, 2

if __name__ == "__main__":
    torch.set_num_threads(1)
    workers, folder = int(sys.argv[1]), sys.argv[2]
    other: dict[str, Any] = {}
    if "--disagree" in sys.argv and os.environ.get("LOCAL_RANK") == "1":
        other = {"searcher": "paper"}
    make = latency_controller if "--latency" in sys.argv else controller
    Trainer(
        max_epochs=UPDATES,
        accelerator="cpu",
        devices=workers,
        strategy="ddp" if workers > 1 else "auto",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    ).fit(make(seed=SEED, **other))

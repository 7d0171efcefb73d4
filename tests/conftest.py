"""What the tests share: small spaces, and where real data are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from rena_pl.space import SearchSpace

REPOSITORY = Path(__file__).resolve().parents[1]

settings.register_profile("unhurried", deadline=None)  # a busy machine is no defect
settings.load_profile("unhurried")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Small tensors: threads that wait for each other cost more than they compute.

    The commands that tests give take it from the environment.
    """
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """W&B stays offline, and caches of features stay out of the user's home."""
    monkeypatch.setenv("WANDB_MODE", "offline")


@pytest.fixture
def small_space() -> SearchSpace:
    """A few choices of two layer types: cheap to build and quick to search."""
    return SearchSpace(
        {
            "temporal": {"channels": [8, 16], "kernel": [3, 5], "activation": ["relu"]},
            "dense": {"units": [8, 16], "activation": ["relu"]},
        },
        max_layers=4,
    )


@pytest.fixture
def configs() -> Path:
    """The folder of the shipped configs."""
    return REPOSITORY / "configs"


@pytest.fixture
def real_data() -> Path:
    """Real recordings and images, or a skip that says what is missing."""
    folder = Path(os.environ.get("RENA_DATA_ROOT", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is missing (RENA_DATA_ROOT names another folder)")
    return folder

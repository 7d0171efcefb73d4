"""How long an inference takes."""

from __future__ import annotations

import time

import pytest
import torch
from torch import Tensor

from rena_pl.deploy.trial import latency


def test_latency_is_the_median_of_what_comes_after_the_warm_up() -> None:
    waits = iter([0.05, 0.05, 0.001, 0.001, 0.02])

    def run(example: Tensor) -> Tensor:
        time.sleep(next(waits))
        return example

    measured = latency(run, torch.zeros(1), warm_up=2, runs=3)
    assert measured == pytest.approx(0.001, abs=0.009)

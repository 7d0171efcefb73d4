"""What random actions reach in the shipped search spaces builds, trains, profiles and exports.

`RENA_ACTIONS` sets how many actions are taken in all spaces together; 10,000 take from a
quarter of an hour to an hour.
"""

from __future__ import annotations

import io
import os
import random
import warnings
from copy import deepcopy
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
import yaml
from torch.nn import functional

from rena_pl.architecture import Architecture, Shape
from rena_pl.network import build, morph
from rena_pl.resources import profile
from rena_pl.resources.profile import thop_macs
from rena_pl.space import SearchSpace
from rena_pl.space.starts import RUDIMENTARY, start_architecture

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "configs").glob("*.yaml"))
ACTIONS = int(os.environ.get("RENA_ACTIONS", "250"))
CLASSES, STEPS_A_WALK, LARGEST = 10, 12, 30e6
BLURRED = 0.1
"""Where rounding alone changes logits by so much, an export cannot be held against anything."""


@pytest.mark.slow  # trains, counts and exports a network after every action: about half a second
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_reachable_architecture_is_sound(config: Path) -> None:
    """Walks begin anew at the start network, and where a network outgrows any budget."""
    model = yaml.safe_load(config.read_text())["model"]
    space = SearchSpace(**model["space"])
    shape = (3, 16, 16) if "cifar" in config.stem else (1, 40, 26)
    start = start_architecture(model.get("start", RUDIMENTARY), space)
    rng = random.Random(config.stem)
    torch.manual_seed(0)
    architecture, weights = start, build(start, shape, CLASSES).state_dict()
    roundings = []
    for number in range(ACTIONS // len(CONFIGS)):
        child = space.random_action(architecture, rng).apply(architecture)
        too_large = profile(child, shape, CLASSES).macs > LARGEST
        if number % STEPS_A_WALK == 0 or too_large:
            child = start
        if child == start:
            architecture, weights = start, build(start, shape, CLASSES).state_dict()
            continue
        network = build(child, shape, CLASSES)
        morph(architecture, weights, child, network, torch.randn(8, *shape))
        roundings.append(check(space, child, network, shape))
        architecture, weights = child, network.state_dict()
    blurred = sum(rounding > BLURRED for rounding in roundings)
    assert blurred <= len(roundings) // 100, "too few networks whose exports could be compared"


def check(space: SearchSpace, architecture: Architecture, network, shape: Shape) -> float:
    """Assert that a network is sound; gives by how much rounding changes its logits."""
    space.check(architecture, shape)
    assert Architecture.from_json(architecture.to_json()) == architecture
    features = torch.randn(4, *shape)
    loss = functional.cross_entropy(network(features), torch.tensor([0, 1, 2, 3]))
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is not None for p in network.parameters())
    network.eval()
    counted = profile(architecture, shape, CLASSES)
    assert counted.params == sum(p.numel() for p in network.parameters())
    assert counted.macs == thop_macs(build(architecture, shape, CLASSES), (features[:1],))
    return assert_exports(network, features[:1])


def assert_exports(network, features: torch.Tensor) -> float:
    file = io.BytesIO()
    with warnings.catch_warnings():  # the exporter's own deprecation, and batch-size advice
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (features,), file, dynamo=False, input_names=["features"])
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"features": features.numpy()})
    with torch.no_grad():
        computed = network(features).double()
        exact = deepcopy(network).double()(features.double())
    rounding = float((computed - exact).abs().max())  # much where a norm's variance is next to none
    np.testing.assert_allclose(logits, exact.numpy(), atol=1e-3 + 10 * rounding, rtol=1e-3)
    return rounding

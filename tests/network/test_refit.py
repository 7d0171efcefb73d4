from __future__ import annotations

import torch
from torch import Tensor, nn

from rena_pl.architecture import Architecture
from rena_pl.network import Network, build, morph
from rena_pl.space.actions import Action, Insert, Remove, Scale
from tests.network.networks import CLASSES, chain, features, layer, trained


def examples(count: int) -> Tensor:
    return features(count) + 2 * torch.randn(count, 2, 6, 1)


def settled(architecture: Architecture) -> Network:
    """A network whose norms have the statistics of `examples`."""
    network = trained(architecture).train()
    with torch.no_grad():
        for _ in range(60):
            network(examples(32))
    return network.eval()


def distances(parent: Architecture, action: Action) -> tuple[float, float]:
    """How far a child's logits are from its parent's, as morphed, and fitted besides."""
    before, child = settled(parent), action.apply(parent)
    sample, unseen = examples(256), examples(64)
    found = []
    for given in (None, sample):
        after = build(child, before.input_shape, CLASSES).double().eval()
        morph(parent, before.state_dict(), child, after, given)
        assert not after.training
        with torch.no_grad():
            found.append(float((after(unseen) - before(unseen)).square().mean()))
    return found[0], found[1]


def test_what_a_removed_linear_layer_did_is_done_by_the_next() -> None:
    plain = {"activation": "none", "norm": "none", "kernel_height": 1, "kernel_width": 1}
    parent = chain(
        layer("conv2d", 0, channels=8),
        layer("conv2d", 1, channels=8, **plain),
        layer("conv2d", 2, channels=8, **plain),
    )
    morphed, fitted = distances(parent, Remove(1))
    assert morphed > 1e-3
    assert fitted < 1e-3 * morphed


def test_a_network_with_a_layer_less_comes_nearer_its_parent() -> None:
    parent = chain(
        *(layer("conv2d", index, channels=8, activation="swish") for index in range(3)),
        layer("depthwise_separable", 3, channels=8),
    )
    for action in (Remove(0), Remove(1), Remove(3), Scale(1, "kernel_width", 1)):
        morphed, fitted = distances(parent, action)
        assert fitted < 0.5 * morphed, action


def test_other_strides_are_compared_place_by_place() -> None:
    parent = chain(*(layer("conv2d", index, channels=8) for index in range(3)))
    for action in (Scale(0, "stride_width", 2), Scale(1, "stride_height", 3)):
        morphed, fitted = distances(parent, action)
        assert fitted < 0.8 * morphed, action


def test_what_stands_before_the_change_stays() -> None:
    parent = chain(
        layer("conv2d", 0, channels=8),
        layer("broadcast_residual", 1, channels=8),
        layer("depthwise_separable", 2, channels=8),
        layer("gru", 3, units=6),
    )
    child = Scale(2, "activation", "swish").apply(parent)
    before = trained(parent)
    after = build(child, before.input_shape, CLASSES).double().eval()
    morph(parent, before.state_dict(), child, after, features(64))
    for index in (0, 1):
        for name, tensor in before.layers[index].state_dict().items():
            if "num_batches" not in name:
                assert torch.equal(after.layers[index].state_dict()[name], tensor), name
    assert not torch.equal(
        after.layers[2].pointwise.conv.weight, before.layers[2].pointwise.conv.weight
    )


def test_an_exact_child_is_not_fitted() -> None:
    parent = chain(*(layer("conv2d", index, channels=8) for index in range(2)))
    child = Insert(1, "conv2d", layer("conv2d", channels=12).hyper).apply(parent)
    before = trained(parent)
    after = build(child, before.input_shape, CLASSES).double().eval()
    assert morph(parent, before.state_dict(), child, after, features(64)).exact
    unseen = features()
    torch.testing.assert_close(after(unseen), before(unseen), rtol=1e-4, atol=1e-4)
    norms = [part for part in after.modules() if isinstance(part, nn.BatchNorm2d)]
    assert all(norm.running_mean.abs().max() > 0 for norm in norms)


def test_the_parent_is_left_alone() -> None:
    parent = chain(*(layer("temporal", index, channels=8) for index in range(2)))
    before = trained(parent)
    weights = {name: tensor.clone() for name, tensor in before.state_dict().items()}
    given = dict(weights)
    child = Remove(0).apply(parent)
    after = build(child, before.input_shape, CLASSES).double().eval()
    morph(parent, given, child, after, features(64))
    assert all(torch.equal(given[name], tensor) for name, tensor in weights.items())

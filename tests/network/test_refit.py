from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from rena_pl.architecture import Architecture
from rena_pl.network import Network, build, morph
from rena_pl.network.refit import CHUNK, LARGEST, _fit, _placed, _record, _rows, refit
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


def test_after_another_stride_a_place_is_compared_with_the_one_it_lies_at() -> None:
    for old, new, expected in ((101, 51, [0, 2, 4]), (6, 2, [0, 3]), (9, 5, [0, 2, 4])):
        places = torch.arange(old).view(1, 1, 1, old)
        assert _placed(places, new, 3).flatten()[: len(expected)].tolist() == expected
    assert _placed(torch.arange(2).view(1, 1, 2, 1), 4, 2).flatten().tolist() == [0, 0, 1, 1]
    parent = chain(*(layer("conv2d", index, channels=8) for index in range(3)))
    for action in (Scale(1, "stride_width", 2), Scale(1, "stride_height", 3)):
        morphed, fitted = distances(parent, action)
        assert fitted < 0.8 * morphed, action


def test_kept_channels_are_compared_with_those_they_stand_for() -> None:
    """The strongest of 8 channels stay; a depthwise convolution behind them keeps theirs."""
    parent = chain(
        layer("conv2d", 0, channels=8),
        layer("depthwise_separable", 1, channels=8),
        layer("inverted_residual", 2, channels=8),
    )
    for action in (Scale(0, "channels", 5), Scale(0, "activation", "crelu")):
        morphed, fitted = distances(parent, action)
        assert fitted < 0.7 * morphed, action


def test_a_convolution_that_takes_over_its_norm_gives_what_the_norm_gave() -> None:
    parent = chain(
        layer("conv2d", 0, channels=8, norm="sub_spectral"),
        layer("conv2d", 1, channels=8),
    )
    morphed, fitted = distances(parent, Scale(0, "norm", "none"))
    assert fitted < morphed


def test_a_branch_without_a_constant_is_fitted_without_one() -> None:
    parent = chain(layer("conv2d", 0, channels=8), layer("broadcast_residual", 1, channels=8))
    for action in (Scale(0, "channels", 4), Scale(1, "kernel_width", 1)):
        morphed, fitted = distances(parent, action)
        assert fitted < 0.7 * morphed, action


def test_what_carries_no_information_changes_no_weight() -> None:
    """Channels that are constant, in float32: nothing blows up."""
    for seed in range(20):
        torch.manual_seed(seed)
        part = nn.Conv2d(8, 8, (3, 1), groups=8, bias=False)
        before = part.weight.detach().clone()
        maps = (10 * torch.rand(8)).view(1, 8, 1, 1).expand(64, 8, 6, 9).contiguous()
        with torch.no_grad():
            _fit(part, maps, part(maps) + torch.randn(64, 8, 4, 9), None, shifted=True)
        assert (part.weight - before).abs().max() < 1e-3


def test_what_a_norm_left_of_nothing_is_not_blown_up() -> None:
    """Rounding, of which the padding makes a pattern that another one could be fitted to."""
    torch.manual_seed(0)
    part = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
    before = part.weight.detach().clone()
    maps = torch.full((64, 8, 5, 4), 2e-6)
    kernel = torch.rand(8, 1, 3, 3)
    wanted = nn.functional.conv2d(torch.ones_like(maps), kernel, padding=1, groups=8)
    with torch.no_grad():
        _fit(part, maps, wanted, None, shifted=True)
    assert (part.weight - before).abs().max() < 10


def test_a_fit_that_examples_held_out_contradict_is_dropped() -> None:
    """64 weights and 40 examples of nothing but noise."""
    part = nn.Linear(64, 4)
    before = part.weight.detach().clone()
    with torch.no_grad():
        _fit(part, torch.randn(40, 64), 100 * torch.randn(40, 4), None, shifted=False)
    assert torch.equal(part.weight, before)


def test_a_filter_with_too_many_weights_is_not_even_run(monkeypatch: pytest.MonkeyPatch) -> None:
    part = nn.Linear(LARGEST + 1, 4)
    monkeypatch.setattr(part, "forward", None)
    _fit(part, torch.randn(40, LARGEST + 1), torch.randn(40, 4), None, shifted=False)


FITTED = [
    nn.Conv2d(8, 4, 3, padding=1),
    nn.Conv2d(8, 8, (3, 1), groups=8, bias=False),
    nn.Linear(8, 4),
]


@pytest.mark.parametrize("part", FITTED, ids=str)
def test_a_fit_is_the_same_in_chunks(
    part: nn.Conv2d | nn.Linear, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    maps = torch.randn(64, 8, 6, 9) if isinstance(part, nn.Conv2d) else torch.randn(64, 8)
    fitted = []
    for chunk in (CHUNK, 1):
        monkeypatch.setattr("rena_pl.network.refit.CHUNK", chunk)
        ours = deepcopy(part).double()
        with torch.no_grad():
            wanted = ours(maps.double() + 1) * 2
            _fit(ours, maps.double(), wanted, None, shifted=True)
        assert not torch.equal(ours.weight, part.weight.double())
        fitted.append(ours.weight)
    torch.testing.assert_close(*fitted, rtol=0, atol=1e-12)


def test_what_a_fit_holds_at_once_is_bounded() -> None:
    part = nn.Conv2d(8, 4, 3, padding=1)
    maps = torch.randn(40, 8, 30, 50)
    span = range(12_345, 40 * 30 * 50)
    with torch.no_grad():
        given = part(maps)
        rows, values = zip(*_rows(part, maps, given, span), strict=True)
    assert max(chunk.numel() for chunk in rows) <= CHUNK
    places = given.permute(0, 2, 3, 1).reshape(-1, 4)
    assert torch.equal(torch.cat(values, dim=1)[0], places[span.start :].double())


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


def test_layers_before_the_change_are_not_worked_out_again(monkeypatch) -> None:
    residual = layer("broadcast_residual", 2, channels=8, kernel_height=3)
    first = [layer("conv2d", index, channels=8) for index in (0, 1)]
    parent = chain(*first, residual, layer("conv2d", 3, channels=8), layer("dense", 4, units=8))
    before, sample = settled(parent), examples(64)
    skipped = []

    def from_the_start(*arguments: object) -> None:
        *others, unchanged, features = arguments
        skipped.append(unchanged)
        refit(*others, 0, features)

    def heir(action: Action) -> dict[str, Tensor]:
        torch.manual_seed(0)
        child = build(action.apply(parent), before.input_shape, CLASSES).double()
        morph(parent, before.state_dict(), action.apply(parent), child, sample)
        return child.state_dict()

    actions = [Remove(0), Remove(2), Remove(4), Scale(3, "channels", 4)]
    quick = [heir(action) for action in actions]
    monkeypatch.setattr("rena_pl.network.morphism.refit", from_the_start)
    for action, weights in zip(actions, quick, strict=True):
        for name, tensor in heir(action).items():
            assert torch.equal(tensor, weights[name]), (action, name)
    assert skipped == [0, 2, 4, 3]


def test_of_a_parent_no_more_is_recorded_than_is_used() -> None:
    shape = (2, 40, 50)
    network = trained(chain(*(layer("conv2d", at, channels=4) for at in range(3))), 0, shape)
    parts = [part for part in network.modules() if isinstance(part, nn.Conv2d | nn.BatchNorm2d)]
    sample = features(64, shape)
    with torch.no_grad():
        outputs, read, given = _record(network, parts, 1, sample)
        assert len(outputs) == 2
        assert torch.equal(outputs[1], network.layers[0](sample))
    for tensor in (*read.values(), *given.values()):
        assert len(tensor) == 32
        assert tensor.untyped_storage().nbytes() == tensor.nbytes


def test_an_exact_child_is_not_fitted() -> None:
    parent = chain(*(layer("conv2d", index, channels=8) for index in range(2)))
    child = Insert(1, "conv2d", layer("conv2d", channels=12).hyper).apply(parent)
    before = trained(parent)
    networks = [build(child, before.input_shape, CLASSES).double().eval() for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    for network, given in zip(networks, (None, features(64)), strict=True):
        assert morph(parent, before.state_dict(), child, network, given).exact
    morphed, fitted = networks
    for name, weight in morphed.named_parameters():
        if "layers.1." not in name or "norm" not in name:  # the new norm gets statistics
            assert torch.equal(fitted.get_parameter(name), weight), name
    assert fitted.layers[1].norm.running_mean.abs().max() > 0


def test_the_parent_is_left_alone() -> None:
    parent = chain(*(layer("temporal", index, channels=8) for index in range(2)))
    before = trained(parent)
    given = before.state_dict()
    weights = {name: tensor.clone() for name, tensor in given.items()}
    child = Remove(0).apply(parent)
    after = build(child, before.input_shape, CLASSES).double().eval()
    morph(parent, given, child, after, features(64))
    assert all(torch.equal(given[name], tensor) for name, tensor in weights.items())

from __future__ import annotations

import torch
from torch import nn

from rena_pl.layers.modules.norm import SubSpectralNorm, give_statistics, make_neutral


def test_a_neutral_norm_with_statistics_changes_nothing_in_either_mode() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3), nn.BatchNorm2d(3))
    with torch.no_grad():  # the first norm is the parent's, the second one inserted
        network[0].weight.copy_(torch.tensor([0.5, 2.0, 1.5]))
        network[0].bias.copy_(torch.tensor([1.0, -3.0, 0.0]))
    make_neutral(network[1])
    maps = torch.randn(64, 3, 5, 7) * 2 + 1
    expected = network[0].eval()(maps)
    give_statistics(network, maps)
    assert torch.allclose(network(maps), expected, atol=1e-4)
    assert torch.allclose(network[1].train()(expected), expected, atol=1e-3)
    assert torch.equal(network[0].running_mean, torch.zeros(3))


def test_a_fresh_norm_keeps_its_statistics() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3))
    give_statistics(network, torch.randn(8, 3, 2, 2) + 5)
    assert torch.equal(network[0].running_mean, torch.zeros(3))
    assert torch.equal(network[0].weight, torch.ones(3))


def test_bands_have_statistics_of_their_own() -> None:
    norm = SubSpectralNorm(2, bands=2)
    maps = torch.randn(200, 2, 4, 6)
    maps[:, :, 2:] += 10  # the upper band
    assert norm(maps).mean(dim=(0, 3)).abs().max() < 0.1
    plain = nn.BatchNorm2d(2)(maps)
    assert plain.mean(dim=(0, 3)).abs().max() > 0.5

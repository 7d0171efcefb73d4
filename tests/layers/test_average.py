from __future__ import annotations

import pytest
import thop
import torch
from torch import nn

from rena_pl.layers.modules.average import Average, count_average

OVER = [(2,), (3,), (2, 3)]


@pytest.mark.parametrize("over", OVER)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_an_average_is_the_same_in_training(over, dtype) -> None:
    maps = (100 + torch.randn(2, 3, 20, 50)).to(dtype)
    average = Average(*over)
    assert torch.equal(average(maps), average.eval()(maps))
    assert average(maps).dtype == dtype


@pytest.mark.parametrize("over", OVER)
def test_the_gradient_of_an_average_is_that_of_a_mean(over) -> None:
    maps = torch.randn(2, 3, 5, 7, dtype=torch.float64, requires_grad=True)
    ours, plain = Average(*over)(maps), maps.mean(over, keepdim=True)
    weights = torch.randn_like(plain)
    (own,) = torch.autograd.grad(ours, maps, weights)
    (other,) = torch.autograd.grad(plain, maps, weights)
    assert torch.allclose(own, other, atol=1e-12)
    assert torch.autograd.gradgradcheck(Average(*over), (maps,))


def test_in_training_the_gradient_is_a_view_of_that_of_the_means() -> None:
    maps = torch.randn(2, 3, 5, 7, requires_grad=True)
    strides = []
    maps.register_hook(lambda gradient: strides.append(gradient.stride()[2:]))
    Average(2, 3)(maps).sum().backward()
    assert strides == [(0, 0)]


def test_an_average_is_counted_as_the_pool_that_thop_knows() -> None:
    maps = torch.randn(1, 3, 5, 7)
    ours, _ = thop.profile(
        Average(2, 3), (maps,), custom_ops={Average: count_average}, verbose=False
    )
    pool, _ = thop.profile(nn.AdaptiveAvgPool2d(1), (maps,), verbose=False)
    assert ours == pool

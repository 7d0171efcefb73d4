"""A changed network is fitted to what its parent computes, layer by layer and without gradients.

Every convolution and dense layer that continues one of the parent's is asked for what that one
gives on a batch; the change of its weights that comes nearest to it is the solution of a least
squares problem (as in channel pruning, arXiv 1707.06168, section 3.1). What stands before the
change has nothing to mend and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from rena_pl.layers.modules.norm import take_statistics
from rena_pl.network.build import Network

FITTED = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)
RIDGE = 0.01
"""How firmly weights are held, as a share of the mean variance of what they read."""
SAME = 1e-6
"""Up to this share of their mean square, two tensors are the same."""
CHUNK = 16
"""Examples that are unfolded at a time."""


@torch.no_grad()
def refit(child: Network, parent: Network, continues: Mapping[int, int], features: Tensor) -> None:
    """Fit a child's weights and norm statistics to its parent's function.

    Args:
        child: Set by `morph`; changed in place, left in evaluation mode.
        parent: With its weights.
        continues: For the numbers of the child's layers, those of the parent's they continue.
        features: A batch of the task.
    """
    parts = dict(_counterparts(child, parent, continues))
    read, given = _record(parent, list(parts.values()), features)

    def mend(part: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        maps, old = arguments[0], parts.get(part)
        if isinstance(part, nn.BatchNorm2d):
            if old not in read or not _same(maps, read[old]):
                take_statistics(part, maps)
        elif isinstance(part, nn.Conv2d | nn.Linear) and old in given:
            _fit(part, maps, given[old])

    hooks = [
        part.register_forward_pre_hook(mend) for part in child.modules() if isinstance(part, FITTED)
    ]
    child.eval()
    child(features)
    for hook in hooks:
        hook.remove()


def _counterparts(
    child: Network, parent: Network, continues: Mapping[int, int]
) -> Iterator[tuple[nn.Module, nn.Module]]:
    """The convolutions, dense layers and norms of the child that the parent has too."""
    pairs = [(child.layers[index], parent.layers[source]) for index, source in continues.items()]
    for module, old in (*pairs, (child.head, parent.head)):
        old_parts = dict(old.named_modules())
        for name, part in module.named_modules():
            if isinstance(part, FITTED) and isinstance(old_parts.get(name), type(part)):
                yield part, old_parts[name]


def _record(
    network: Network, parts: list[nn.Module], features: Tensor
) -> tuple[dict[nn.Module, Tensor], dict[nn.Module, Tensor]]:
    """What some parts of a network read and give."""
    read: dict[nn.Module, Tensor] = {}
    given: dict[nn.Module, Tensor] = {}

    def note(part: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        read[part], given[part] = arguments[0], output

    hooks = [part.register_forward_hook(note) for part in parts]
    network.eval()
    network(features)
    for hook in hooks:
        hook.remove()
    return read, given


def _fit(part: nn.Conv2d | nn.Linear, maps: Tensor, wanted: Tensor) -> None:
    """Move weights and bias to where the output comes nearest to what is wanted."""
    own: Tensor = part.forward(maps)  # not called, which would come back here
    if own.dim() == wanted.dim() == 4 and own.shape[1] == wanted.shape[1]:
        # After another stride, every place is compared with the one that lies where it does.
        wanted = functional.interpolate(wanted, size=own.shape[2:], mode="nearest")
    if own.shape != wanted.shape or _same(own, wanted):
        return
    squares = products = maps.new_zeros((), dtype=torch.float64)
    chunks = (torch.split(tensor, CHUNK) for tensor in (maps, wanted - own))
    for chunk, missing in zip(*chunks, strict=True):
        rows = functional.pad(_rows_read(part, chunk), (0, 1), value=1.0)
        squares = squares + rows.mT @ rows
        products = products + rows.mT @ _rows_given(part, missing)
    change, constant = _least_squares(squares, products)
    part.weight += change.mT.reshape(part.weight.shape)
    if part.bias is not None:  # without one, the norm behind takes the constant
        part.bias += constant.flatten()


def _least_squares(squares: Tensor, products: Tensor) -> tuple[Tensor, Tensor]:
    """The change of the weights, `(groups, weights, filters)`, and a constant that is held by none.

    Args:
        squares: R'R of rows R whose last column is 1.
        products: R'T with what the rows should give.
    """
    count = squares[:, -1:, -1:]
    mean, wanted = squares[:, :-1, -1:] / count, products[:, -1:] / count
    scatter = squares[:, :-1, :-1] - count * mean @ mean.mT
    spread = scatter.diagonal(dim1=1, dim2=2)
    spread += (RIDGE * spread.mean(1, keepdim=True)).clamp(min=1e-9)
    change = torch.linalg.solve(scatter, products[:, :-1] - count * mean @ wanted)
    return change, wanted - mean.mT @ change


def _rows_read(part: nn.Conv2d | nn.Linear, maps: Tensor) -> Tensor:
    """What each output value is made of, `(groups, values, weights of a filter)`."""
    if isinstance(part, nn.Linear):
        return maps.reshape(1, -1, part.in_features)
    assert not isinstance(part.padding, str)
    seen = functional.unfold(maps, part.kernel_size, part.dilation, part.padding, part.stride)
    examples, weights, places = seen.shape
    grouped = seen.reshape(examples, part.groups, weights // part.groups, places)
    return grouped.permute(1, 0, 3, 2).flatten(1, 2)


def _rows_given(part: nn.Conv2d | nn.Linear, maps: Tensor) -> Tensor:
    """Output values, `(groups, values, filters of a group)`."""
    if isinstance(part, nn.Linear):
        return maps.reshape(1, -1, part.out_features)
    grouped = maps.reshape(len(maps), part.groups, maps.shape[1] // part.groups, -1)
    return grouped.permute(1, 0, 3, 2).flatten(1, 2)


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors differ by no more than rounding."""
    if one.shape != other.shape:
        return False
    return bool((one - other).square().mean() <= SAME * other.square().mean())

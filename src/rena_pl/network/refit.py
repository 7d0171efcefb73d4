"""A changed network is fitted to what its parent computes, layer by layer and without gradients.

Every convolution and dense layer that continues one of the parent's is asked for what that one
gives on examples; the change of its weights that comes nearest to it is the solution of a least
squares problem (as in channel pruning, arXiv 1707.06168, section 3.1). What stands before the
change has nothing to mend and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from rena_pl.layers.modules.convolution import NormedConvolution
from rena_pl.layers.modules.norm import take_statistics
from rena_pl.network.build import Network
from rena_pl.network.transplant import Channels

RIDGE = 0.01
"""How firmly weights are held, as a share of the mean variance of what they read."""
SAME = 1e-6
"""Up to this share of their mean square, two tensors are the same."""
PLACES, EXAMPLES = 30_000, 32
"""A layer is fitted on so many places of maps, but on those of so many examples at least."""
HELD_OUT = 4
"""One example in so many is not fitted on, but decides whether the fit is kept."""
LARGEST = 2000
"""Filters with more weights are left as they are: their fit would cost more than an epoch."""
CHUNK = 1 << 20
"""So many values that a fit reads are held at once, but those of an example at least."""


@dataclass(frozen=True)
class Counterpart:
    """The parent's part that one of the child's continues.

    Attributes:
        module: The parent's part, whose output the child's should give.
        channels: Which of its channels each of the child's part stands for, or -1; none if that
            is the one of the same number.
    """

    module: nn.Module
    channels: Channels | None


@torch.no_grad()
def refit(
    child: Network,
    parent: Network,
    continues: Mapping[int, int],
    written: Mapping[nn.Module, Channels],
    unchanged: int,
    features: Tensor,
) -> None:
    """Fit a child's weights and norm statistics to its parent's function.

    Args:
        child: Set by `morph`; changed in place, left in evaluation mode.
        parent: With its weights.
        continues: For the numbers of the child's layers, those of the parent's they continue.
        written: For parts of the child, which of the parent's channels their outputs stand for.
        unchanged: How many of the child's first layers are the parent's: they have nothing to mend.
        features: Examples of the task.
    """
    parts = _counterparts(child, parent, continues, written)
    recorded = [part.module for part in parts.values()]
    outputs, read, given = _record(parent, recorded, unchanged, features)
    shifted = {
        module.convolution
        for module in child.modules()
        if isinstance(module, NormedConvolution) and module.convolution.bias is None
    }

    def mend(part: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        old = parts.get(part)
        if not arguments:
            return
        if isinstance(part, nn.BatchNorm2d):
            before = None if old is None else read.get(old.module)
            if before is None or not _same(arguments[0][: len(before)], before):
                take_statistics(part, arguments[0])
        elif isinstance(part, nn.Conv2d | nn.Linear) and old is not None and old.module in given:
            _fit(part, arguments[0], given[old.module], old.channels, part in shifted)

    hooks = [
        part.register_forward_pre_hook(mend)
        for part in child.modules()
        if _fittable(part) or isinstance(part, nn.BatchNorm2d)
    ]
    child.eval()
    child.head(child.outputs(outputs)[-1])
    for hook in hooks:
        hook.remove()


def _fittable(part: nn.Module) -> bool:
    """Whether the output is a plain product of weights and input."""
    if isinstance(part, nn.Linear):
        return isinstance(part.weight, nn.Parameter)  # not worked out from others
    return (
        isinstance(part, nn.Conv2d)
        and isinstance(part.weight, nn.Parameter)
        and part.padding_mode == "zeros"
        and not isinstance(part.padding, str)
    )


def _counterparts(
    child: Network,
    parent: Network,
    continues: Mapping[int, int],
    written: Mapping[nn.Module, Channels],
) -> dict[nn.Module, Counterpart]:
    """The convolutions, dense layers and norms of the child that the parent has too."""
    pairs = [(child.layers[index], parent.layers[source]) for index, source in continues.items()]
    found: dict[nn.Module, Counterpart] = {}
    for module, old in (*pairs, (child.head, parent.head)):
        parts, old_parts = dict(module.named_modules()), dict(old.named_modules())
        for name, part in parts.items():
            before = old_parts.get(name)
            if isinstance(part, nn.BatchNorm2d) and isinstance(before, nn.BatchNorm2d):
                found[part] = Counterpart(before, None)
            elif _fittable(part) and isinstance(before, nn.Conv2d | nn.Linear):
                norm = f"{name.removesuffix('conv')}norm"
                if isinstance(parts.get(norm), nn.Identity):  # it does the parent's norm too
                    before = old_parts.get(norm, before)
                    if isinstance(before, nn.Identity):
                        before = old_parts[name]
                found[part] = Counterpart(before, written.get(part))
    return found


def _record(
    network: Network, parts: list[nn.Module], first: int, features: Tensor
) -> tuple[list[Tensor], dict[nn.Module, Tensor], dict[nn.Module, Tensor]]:
    """What a network computes, as far as it is needed.

    That is what the first layers give, behind the features; what norms read on a few examples;
    and what parts give on as many as fits take.
    """
    read: dict[nn.Module, Tensor] = {}
    given: dict[nn.Module, Tensor] = {}
    calls = dict.fromkeys(parts, 0)

    def note(part: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        calls[part] += 1
        if isinstance(part, nn.BatchNorm2d) and arguments:
            read[part] = arguments[0][:EXAMPLES].clone()  # a view would keep all of it alive
        given[part] = output[: _enough(output)].clone()

    hooks = [part.register_forward_hook(note) for part in calls]
    outputs = [features]
    hooks += [
        layer.register_forward_hook(lambda *called: outputs.append(called[-1]))
        for layer in network.layers[:first]
    ]
    network.eval()
    network(features)
    for hook in hooks:
        hook.remove()
    for part, count in calls.items():
        if count > 1:  # what it does in one place says nothing of the other
            read.pop(part, None)
            given.pop(part, None)
    return outputs, read, given


def _enough(output: Tensor) -> int:
    """Examples whose places are enough for a fit."""
    places = output[0].numel() // output.shape[1 if output.dim() == 4 else -1]
    return max(EXAMPLES, PLACES // max(places, 1))


def _fit(
    part: nn.Conv2d | nn.Linear,
    maps: Tensor,
    wanted: Tensor,
    channels: Channels | None,
    shifted: bool,
) -> None:
    """Move weights and bias to where the output comes nearest to what is wanted.

    Args:
        part: What is fitted, if the examples held out say that it comes nearer so.
        maps: What it reads.
        wanted: What the parent's part gives, of the first examples.
        channels: Which of the parent's channels each of its own stands for.
        shifted: Whether a norm behind it takes any constant.
    """
    if part.weight[0].numel() > LARGEST:
        return
    maps = maps[: len(wanted)]
    own: Tensor = part.forward(maps)  # not called, which would come back here
    axis = 1 if isinstance(part, nn.Conv2d) else own.dim() - 1
    if own.dim() != wanted.dim():
        return
    if isinstance(part, nn.Conv2d):
        wanted = _placed(_placed(wanted, own.shape[2], 2), own.shape[3], 3)
    if channels is not None and len(channels) == own.shape[axis]:
        index = torch.tensor(channels, device=own.device)
        shape = [-1 if at == axis else 1 for at in range(own.dim())]
        picked = wanted.index_select(axis, index.clamp(min=0))
        wanted = (
            picked.where((index >= 0).view(shape), own) if picked.shape == own.shape else picked
        )
    if own.shape != wanted.shape or _same(own, wanted):
        return
    missing = wanted - own
    values = missing.numel() // len(part.weight)
    fitted = values - values // HELD_OUT
    constant = shifted or part.bias is not None
    change, shift = _least_squares(_rows(part, maps, missing, range(fitted)), constant)
    before = after = 0.0
    for rows, wanting in _rows(part, maps, missing, range(fitted, values)):
        before += float(wanting.square().sum())
        after += float((wanting - rows @ change - shift).square().sum())
    if not after < before:
        return
    part.weight += change.mT.reshape(part.weight.shape)
    if part.bias is not None:
        part.bias += shift.flatten()


def _least_squares(
    chunks: Iterable[tuple[Tensor, Tensor]], constant: bool
) -> tuple[Tensor, Tensor]:
    """The change of the weights, `(groups, weights, filters)`, and of the constant if there is one.

    The constant is not held.
    """
    values = 0
    squares = products = mean = level = torch.zeros(())
    for rows, wanted in chunks:
        values += rows.shape[1]
        squares = squares + rows.mT @ rows
        products = products + rows.mT @ wanted
        mean = mean + rows.sum(1, keepdim=True)
        level = level + wanted.sum(1, keepdim=True)
    mean, level = mean / values, level / values
    if not constant:
        mean, level = torch.zeros_like(mean), torch.zeros_like(level)
    squares = squares - values * mean.mT @ mean
    products = products - values * mean.mT @ level
    spread = squares.diagonal(dim1=1, dim2=2)
    # What varies by less than a thousandth of itself, or of 1, which norms scale to, is rounding.
    least = 1e-6 * values * (1 + mean.square().mean(2))
    spread += torch.maximum(RIDGE * spread.mean(1, keepdim=True), least)
    change = torch.linalg.solve(squares, products)
    return change, level - mean @ change


def _rows(
    part: nn.Conv2d | nn.Linear, maps: Tensor, missing: Tensor, span: range
) -> Iterator[tuple[Tensor, Tensor]]:
    """What output values are made of and what is missing from them, a few examples at a time.

    Args:
        part: What gives the values.
        maps: What it reads.
        missing: Of all values.
        span: Which of them, counted over the places of all examples.
    """
    places = missing[0].numel() // len(part.weight)
    count = max(1, CHUNK // (maps[0].numel() * part.weight[0, 0].numel()))
    for first in range(span.start // places, -(-span.stop // places), count):
        some = slice(first, first + count)
        inside = slice(max(0, span.start - first * places), span.stop - first * places)
        rows, given = _rows_read(part, maps[some]), _rows_given(part, missing[some])
        yield rows[:, inside], given[:, inside]


def _placed(maps: Tensor, extent: int, axis: int) -> Tensor:
    """Maps at the places that another stride visits along an axis."""
    old = maps.shape[axis]
    if extent == old:
        return maps
    place = torch.arange(extent, device=maps.device)
    place = place * round(old / extent) if extent < old else place * old // extent
    return maps.index_select(axis, place.clamp(max=old - 1))


def _rows_read(part: nn.Conv2d | nn.Linear, maps: Tensor) -> Tensor:
    """What each output value is made of, `(groups, values, weights of a filter)`, in float64."""
    if isinstance(part, nn.Linear):
        return maps.reshape(1, -1, part.in_features).double()
    assert not isinstance(part.padding, str)
    seen = functional.unfold(maps, part.kernel_size, part.dilation, part.padding, part.stride)
    examples, weights, places = seen.shape
    grouped = seen.reshape(examples, part.groups, weights // part.groups, places)
    return grouped.permute(1, 0, 3, 2).flatten(1, 2).double()


def _rows_given(part: nn.Conv2d | nn.Linear, maps: Tensor) -> Tensor:
    """Output values, `(groups, values, filters of a group)`, in float64."""
    if isinstance(part, nn.Linear):
        return maps.reshape(1, -1, part.out_features).double()
    grouped = maps.reshape(len(maps), part.groups, maps.shape[1] // part.groups, -1)
    return grouped.permute(1, 0, 3, 2).flatten(1, 2).double()


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors differ by no more than rounding."""
    if one.shape != other.shape:
        return False
    return bool((one - other).square().mean() <= SAME * other.square().mean())

"""One layer's weights from a parent's module into a child's, channel by channel.

A space is a set of channels that weights read or write: a layer's input, its output, or one
inside it. For each channel of the child's it says which of the parent's it is, or -1 for a new
one. Weights between two old channels are the parent's; what an old channel reads from a new one
is zero; a new channel's weights stay as they were initialised.
"""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import torch
from torch import Tensor, nn

from rena_pl.layers.modules.convolution import NormedConvolution
from rena_pl.layers.modules.norm import SubSpectralNorm, make_neutral

Channels: TypeAlias = list[int]
Weights: TypeAlias = Mapping[str, Tensor]
NORM_TENSORS = ("weight", "bias", "running_mean", "running_var")


class Spaces(UserDict[str, Channels]):
    """The spaces of one layer by name."""

    lost = False
    """Whether a space got smaller, so that channels of the parent are gone."""

    def settle(self, name: str, size: int, old: int, strength: Callable[[], Tensor]) -> Channels:
        """The channels of a space, chosen on the first call: all old ones, or the strongest."""
        if name not in self:
            self[name] = positional(size, old) if size >= old else strongest(strength(), size)
            self.lost |= size < old
        return self[name]


def positional(size: int, old: int) -> Channels:
    """Each channel is the one of its number."""
    return [channel if channel < old else -1 for channel in range(size)]


def strongest(strength: Tensor, count: int) -> Channels:
    """The `count` channels with the greatest strength, in their order."""
    return sorted(strength.topk(count).indices.tolist())


def transplant(
    module: nn.Module,
    old: nn.Module,
    weights: Weights,
    flows: Mapping[str, tuple[str, str]],
    spaces: Spaces,
) -> bool:
    """Set a module's weights from those of the module that it continues.

    Args:
        module: Freshly initialised; changed in place.
        old: The parent's module, whose weights are not looked at.
        weights: The parent's, under the names of `old`.
        flows: What the parts read and write, see `LayerType.flows`.
        spaces: Those of the inputs and, where it is settled, of the output; completed in place.

    Returns:
        Whether something of the parent was lost.
    """
    parts = dict(_parts(module))
    old_parts = dict(_parts(old))
    lost = any(name not in parts and name.removesuffix(".norm") not in parts for name in old_parts)
    # What the parent has settles the spaces; a projection that it lacks is set by them.
    for name in sorted(parts, key=lambda name: name not in old_parts):
        part, before = parts[name], old_parts.get(name)
        flow = flow_of(name, flows)
        tensors = (
            {n.removeprefix(f"{name}."): t for n, t in weights.items() if n.startswith(f"{name}.")}
            if name
            else dict(weights)
        )
        if flow is None:
            lost |= _overlap(part, tensors)
        elif before is None:
            _pass_on(part, *(spaces.get(space) for space in flow))
            lone_norm = old_parts.get(f"{name}.norm")
            if isinstance(part, NormedConvolution) and lone_norm is not None:
                norm = part.get_submodule("norm")
                if isinstance(norm, nn.Identity):
                    lost = True
                else:
                    _fill_norm(norm, lone_norm, _norm_tensors(tensors), spaces[flow[1]])
        else:
            _fill(part, before, tensors, *flow, spaces)
    return lost or spaces.lost


def _parts(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The parts that are set as one: normed convolutions, and leaves with weights elsewhere."""
    inside: tuple[str, ...] = ()
    for name, part in module.named_modules():
        if inside and name.startswith(inside):
            continue
        if isinstance(part, NormedConvolution):
            inside = (*inside, f"{name}." if name else "")
            yield name, part
        elif any(True for _ in part.parameters(recurse=False)):
            yield name, part


def flow_of(name: str, flows: Mapping[str, tuple[str, str]]) -> tuple[str, str] | None:
    """What the part of that name reads and writes."""
    known = [
        prefix
        for prefix in flows
        if name == prefix or name.startswith(f"{prefix}." if prefix else "")
    ]
    return flows[max(known, key=len)] if known else None


def _fill(
    part: nn.Module, old: nn.Module, tensors: Weights, reads: str, writes: str, spaces: Spaces
) -> None:
    if isinstance(part, NormedConvolution) and isinstance(old, NormedConvolution):
        _fill_convolution(part, old, tensors, reads, writes, spaces)
    elif isinstance(part, nn.RNNBase):
        _fill_recurrent(part, tensors, reads, writes, spaces)
    elif isinstance(part, nn.BatchNorm2d):
        channels = spaces.settle(
            writes, part.num_features, len(tensors["weight"]), tensors["weight"].abs
        )
        for name in NORM_TENSORS:
            _rows(getattr(part, name), tensors[name], channels)
    elif isinstance(part, nn.Conv2d | nn.Linear):
        _fill_matrix(part.weight, tensors["weight"], reads, writes, spaces)
        if part.bias is not None:
            _rows(part.bias, tensors["bias"], spaces[writes])
    else:
        spaces.lost |= _overlap(part, tensors)


def _fill_convolution(
    part: NormedConvolution,
    old: NormedConvolution,
    tensors: Weights,
    reads: str,
    writes: str,
    spaces: Spaces,
) -> None:
    conv, norm, old_norm = part.convolution, part.get_submodule("norm"), old.get_submodule("norm")
    kernel, bias = tensors["conv.weight"], tensors.get("conv.bias")
    gain = _norm_tensors(tensors)
    if isinstance(norm, nn.Identity) and gain:
        kernel, bias = _folded(kernel, gain)
    kernel = _recentred(kernel, conv.weight.shape[2:], part.centre, old.centre)
    strength = (
        torch.unflatten(gain["weight"], 0, (len(kernel), -1)).abs().mean(1)
        if gain
        else kernel.flatten(1).norm(dim=1)
    )
    depthwise = reads == writes and kernel.shape[1] == conv.weight.shape[1] == 1
    channels = spaces.settle(writes, conv.out_channels, len(kernel), lambda: strength)
    if depthwise:
        _rows(conv.weight, kernel, channels)
    else:
        _fill_matrix(conv.weight, kernel, reads, writes, spaces)
    if conv.bias is not None and bias is not None:
        _rows(conv.bias, bias, channels)
    if isinstance(norm, nn.Identity):
        return
    if not gain:
        make_neutral(norm)
        assert bias is not None
        gain = {"bias": bias}
    _fill_norm(norm, old_norm, gain, channels)


def _fill_norm(norm: nn.Module, old: nn.Module, gain: Weights, channels: Channels) -> None:
    """A norm's tensors, band by band; where the number of bands changed, from the nearest."""
    bands, old_bands = (getattr(module, "bands", 1) for module in (norm, old))
    rows = [
        -1 if channel < 0 else channel * old_bands + band * old_bands // bands
        for channel in channels
        for band in range(bands)
    ]
    batch_norm = norm.norm if isinstance(norm, SubSpectralNorm) else norm
    for name, tensor in gain.items():
        _rows(getattr(batch_norm, name), tensor, rows)


def _norm_tensors(tensors: Weights) -> dict[str, Tensor]:
    """The tensors of a normed convolution's norm, plain or sub-spectral."""
    return {
        name: tensors[f"{prefix}.{name}"]
        for prefix in ("norm", "norm.norm")
        for name in NORM_TENSORS
        if f"{prefix}.{name}" in tensors
    }


def _folded(kernel: Tensor, gain: Weights, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
    """A kernel and a bias that do what a bias-free convolution and its norm did."""
    by_band = {
        name: torch.unflatten(tensor, 0, (len(kernel), -1)).mean(1) for name, tensor in gain.items()
    }
    scale = by_band["weight"] / (by_band["running_var"] + eps).sqrt()
    return kernel * scale[:, None, None, None], by_band["bias"] - by_band["running_mean"] * scale


def _recentred(
    kernel: Tensor, size: torch.Size, centre: tuple[int, int], old_centre: tuple[int, int]
) -> Tensor:
    """A kernel cut or filled up with zeros, so that every tap still meets the value it met."""
    fitted = kernel.new_zeros(*kernel.shape[:2], *size)
    to, have = [], []
    for axis in (0, 1):
        shift = centre[axis] - old_centre[axis]
        first, last = max(0, shift), min(size[axis], kernel.shape[2 + axis] + shift)
        to.append(slice(first, max(first, last)))
        have.append(slice(first - shift, max(first, last) - shift))
    fitted[:, :, to[0], to[1]] = kernel[:, :, have[0], have[1]]
    return fitted


def _fill_matrix(target: Tensor, source: Tensor, reads: str, writes: str, spaces: Spaces) -> None:
    """Weights `(writes, reads, ...)`."""
    rows = spaces.settle(
        writes, target.shape[0], source.shape[0], lambda: source.flatten(1).norm(dim=1)
    )
    columns = spaces.settle(
        reads,
        target.shape[1],
        source.shape[1],
        lambda: source.transpose(0, 1).flatten(1).norm(dim=1),
    )
    _cells(target, source, rows, columns)


def _fill_recurrent(
    cell: nn.RNNBase, tensors: Weights, reads: str, writes: str, spaces: Spaces
) -> None:
    """Weights of all gates, one below the other."""
    old = tensors["weight_hh_l0"].shape[1]
    units = cell.hidden_size

    def gates(tensor: Tensor, size: int) -> Tensor:
        return torch.unflatten(tensor, 0, (-1, size))

    channels = spaces.settle(
        writes, units, old, lambda: gates(tensors["weight_ih_l0"], old).norm(dim=(0, 2))
    )
    for name, columns in (("weight_ih_l0", spaces[reads]), ("weight_hh_l0", channels)):
        target, source = gates(getattr(cell, name), units), gates(tensors[name], old)
        for gate in range(len(target)):
            _cells(target[gate], source[gate], channels, columns)
    for name in ("bias_ih_l0", "bias_hh_l0"):
        target, source = gates(getattr(cell, name), units), gates(tensors[name], old)
        for gate in range(len(target)):
            _rows(target[gate], source[gate], channels)


def _cells(target: Tensor, source: Tensor, rows: Channels, columns: Channels) -> None:
    """Old rows take old columns and have zero in new ones; new rows stay."""
    row, column = (torch.tensor(numbers, device=target.device) for numbers in (rows, columns))
    taken = source[row[row >= 0]][:, column.clamp(min=0)]
    is_old = (column >= 0).reshape(1, -1, *[1] * (target.dim() - 2))
    target[row >= 0] = taken * is_old


def _rows(target: Tensor, source: Tensor, rows: Channels) -> None:
    """Old rows are taken; new ones stay."""
    row = torch.tensor(rows, device=target.device)
    target[row >= 0] = source[row[row >= 0]]


def _pass_on(part: nn.Module, reads: Channels | None, writes: Channels | None) -> None:
    """A projection that the parent did without joins the channels that are the same."""
    make_neutral(part)
    if not isinstance(part, NormedConvolution) or reads is None or writes is None:
        return
    conv = part.convolution
    if conv.groups > 1:
        return
    row, column = (torch.tensor(c, device=conv.weight.device) for c in (writes, reads))
    same = (row[:, None] == column[None, :]) & (row[:, None] >= 0)
    conv.weight[row >= 0] = 0
    conv.weight[row >= 0, :, part.centre[0], part.centre[1]] = same[row >= 0].to(conv.weight.dtype)
    if conv.bias is not None:
        conv.bias.zero_()


def _overlap(part: nn.Module, tensors: Weights) -> bool:
    """Without flows: what both have of every tensor; whether that is less than all."""
    lost = False
    for name, target in part.state_dict(keep_vars=True).items():
        source = tensors.get(name)
        if source is None or source.dim() != target.dim():
            lost = True
            continue
        lost |= source.shape != target.shape
        shared = tuple(slice(min(a, b)) for a, b in zip(source.shape, target.shape, strict=True))
        target[shared] = source[shared]
    return lost

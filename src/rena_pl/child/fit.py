"""The fast lane: train and evaluate a child with nothing around it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import cache
from itertools import chain
from math import inf
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from rena_pl.child.data import ChildData
from rena_pl.child.graph import GraphStep, Step
from rena_pl.child.module import Child
from rena_pl.data.tensor_task import Batch
from rena_pl.heap import keep_freed_memory
from rena_pl.layers.modules.convolution import NormedConvolution
from rena_pl.layers.modules.norm import SubSpectralNorm
from rena_pl.network.build import Network


class TrainingError(Exception):
    """The child cannot be scored, for the stated reason."""


def train(
    child: Child,
    data: ChildData,
    epochs: int,
    generator: torch.Generator,
    graph: bool = True,
    seconds: float | None = None,
) -> None:
    """Train a child in place, on the device it is on.

    The loss is looked at once an epoch, so that nothing waits for the device in between.

    Args:
        child: The network; left in evaluation mode.
        data: Its task.
        epochs: Passes over the training split.
        generator: Of order, views and augmentation; on the child's device.
        graph: Whether steps are replayed as a CUDA graph, where the device is one of CUDA.
        seconds: How long it may take; looked at after every step.

    Raises:
        TrainingError: The loss is no longer finite, or it takes too long.
    """
    deadline = inf if seconds is None else time.monotonic() + seconds
    keep_freed_memory()
    lay_out(child)
    child.train()
    graph = graph and child.device.type == "cuda"
    optimizer, schedule = child.optimizer(epochs * data.batches_per_epoch, capturable=graph)
    step = plain_step(child, optimizer)
    if graph:
        step = GraphStep(step)
    for epoch in range(epochs):
        total = torch.zeros((), device=child.device)
        for features, targets in data.epoch(generator):
            total += step(features, targets)
            schedule.step()
            if time.monotonic() > deadline:
                raise TrainingError(f"it took longer than {seconds} s, in epoch {epoch + 1}")
        if not torch.isfinite(total):
            raise TrainingError(f"the loss was not finite in epoch {epoch + 1}")
    child.eval()


def plain_step(child: Child, optimizer: Optimizer) -> Step:
    """The step of a child in training mode, in its fastest type."""

    def step(features: Tensor, targets: Tensor) -> Tensor:
        with autocast(features.device):
            loss = child.loss(features, targets)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        return loss.detach()

    return step


def lay_out(model: nn.Module) -> None:
    """Let the weights of every network in a model lie as its layers compute fastest on a CPU.

    A convolution computes in the layout of its weights: channels last, unless bands are cut of the
    layer's maps; of such a layer, only 1x1 convolutions with another norm.
    """
    networks = (module for module in model.modules() if isinstance(module, Network))
    for layer in chain.from_iterable(network.layers for network in networks):
        for part in filter(_is_1x1, layer.modules()) if _cuts_bands(layer) else [layer]:
            part.to(memory_format=torch.channels_last)


def _cuts_bands(part: nn.Module) -> bool:
    return any(isinstance(module, SubSpectralNorm) for module in part.modules())


def _is_1x1(part: nn.Module) -> bool:
    if not isinstance(part, NormedConvolution) or _cuts_bands(part):
        return False
    return part.convolution.kernel_size == (1, 1)


@torch.inference_mode()
def predict(child: nn.Module, batches: Iterable[Batch]) -> tuple[Tensor, Tensor]:
    """Predicted and true classes of all batches, `(examples,)` each, on the CPU.

    In float32, so that whoever loads the weights elsewhere finds the same accuracy.
    """
    child.eval()
    predicted, true = [], []
    for features, targets in batches:
        logits = child(features)
        predicted.append(logits.argmax(1))
        true.append(targets)
    return torch.cat(predicted).cpu(), torch.cat(true).cpu()


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """Autocast to bfloat16 where the hardware computes in it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=computes_bfloat16(device.type))


@cache
def computes_bfloat16(device_type: str) -> bool:
    """Whether bfloat16 is the faster type on this kind of device."""
    if device_type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return device_type == "cpu" and any(map(capabilities.get, ("avx512_bf16", "amx_bf16")))

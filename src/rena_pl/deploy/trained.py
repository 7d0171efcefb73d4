"""The network of a finished run, loaded from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rena_pl.architecture import Architecture, Shape
from rena_pl.data.described import front_end_from
from rena_pl.data.front_end import FrontEnd
from rena_pl.errors import RenaError
from rena_pl.evaluation.weights import load_weights
from rena_pl.network.build import build
from rena_pl.search.final import ARCHITECTURE, SUMMARY, WEIGHTS, read_summary
from rena_pl.search.run_folder import CONFIG


class Trained(nn.Module):
    """A trained network with what one needs to use it, in evaluation mode.

    Attributes:
        network: Maps features `(batch, channels, height, width)` to logits `(batch, classes)`.
        front_end: Maps raw input to features: waveforms `(batch, samples)` in -1..1 at 16 kHz, or
            pixels `(batch, channels, height, width)` from 0 to 255. None where the task does not
            say how its features are made.
        architecture: The network as data.
        input_shape: `(channels, height, width)` of an example's features.
        labels: The classes, in the order of the logits.
        summary: Everything in the run's `summary.json`.
    """

    def __init__(
        self,
        network: nn.Module,
        front_end: FrontEnd | None,
        architecture: Architecture,
        summary: dict[str, Any],
    ) -> None:
        super().__init__()
        self.network = network
        self.front_end = front_end
        self.architecture = architecture
        self.summary = summary
        channels, height, width = summary["input_shape"]
        self.input_shape: Shape = (channels, height, width)
        self.labels: list[str] = summary["labels"] or [
            str(number) for number in range(summary["num_classes"])
        ]
        self.eval()

    def forward(self, features: Tensor) -> Tensor:
        """Features `(batch, channels, height, width)` to logits `(batch, classes)`."""
        logits: Tensor = self.network(features)
        return logits

    @torch.inference_mode()
    def probabilities(self, raw: Tensor) -> Tensor:
        """Raw input, as the front end takes it, to probabilities `(batch, classes)`.

        Raises:
            RenaError: The task does not say how its features are made.
        """
        if self.front_end is None:
            raise RenaError("the run's task does not say how its features are made of raw input")
        logits: Tensor = self(self.front_end(raw))
        return logits.softmax(1)


def load(run: str | Path) -> Trained:
    """The best network of a finished run.

    Reads plain values and tensors only: no code comes from the folder.

    Args:
        run: The run folder.

    Raises:
        RenaError: There is no such run, it has not ended, or its files do not fit together.
    """
    run = Path(run)
    summary = finished(run)
    architecture = Architecture.load(run / ARCHITECTURE)
    try:
        channels, height, width = summary["input_shape"]
        network = build(architecture, (channels, height, width), summary["num_classes"])
        described = summary.get("front_end")
        front_end = None if described is None else front_end_from(described)
        trained = Trained(network, front_end, architecture, summary)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RenaError(f"{run / SUMMARY}: does not describe a network: {error!r}") from None
    weights = load_weights(run / WEIGHTS)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise RenaError(f"{run / WEIGHTS}: not the weights of this network: {reason}") from None
    return trained


def finished(run: Path) -> dict[str, Any]:
    """The summary of a finished run.

    Raises:
        RenaError: There is no such run, or it has not ended.
    """
    summary = read_summary(run)
    if summary is not None:
        return summary
    if (run / CONFIG).is_file():
        raise RenaError(
            f"{run}: the run has not ended; `rena fit --config {run / CONFIG}` goes on with it"
        )
    raise RenaError(f"{run}: not a run folder: no {SUMMARY} in it")

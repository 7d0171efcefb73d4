"""The network of a finished run, loaded from its folder."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from rena_pl.architecture import Architecture
from rena_pl.data.described import front_end_from
from rena_pl.data.front_end import SAMPLE_RATE, FrontEnd, SpeechFrontEnd
from rena_pl.errors import RenaError
from rena_pl.evaluation.weights import load_weights
from rena_pl.network.build import build
from rena_pl.search.final import ARCHITECTURE, WEIGHTS
from rena_pl.search.run_folder import CONFIG
from rena_pl.search.summary import SUMMARY, Summary, read_summary


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
        summary: What the run came to.
    """

    def __init__(
        self,
        network: nn.Module,
        front_end: FrontEnd | None,
        architecture: Architecture,
        summary: Summary,
    ) -> None:
        super().__init__()
        self.network = network
        self.front_end = front_end
        self.architecture = architecture
        self.summary = summary
        self.input_shape = summary.input_shape
        self.labels = summary.labels
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
    if architecture.arch_id != summary.arch_id:
        raise RenaError(
            f"{run / ARCHITECTURE}: is {architecture.arch_id}, but {SUMMARY} is of "
            f"{summary.arch_id}; the same command as before ends the run again"
        )
    network = _network(run, architecture, summary)
    return Trained(network, _front_end(run, summary), architecture, summary)


def finished(run: Path) -> Summary:
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


def _network(run: Path, architecture: Architecture, summary: Summary) -> nn.Module:
    """The network with its weights.

    Whether they fit is found out without room for them: a few words in the folder of a stranger
    may be a network larger than any machine.
    """
    weights = load_weights(run / WEIGHTS)
    try:
        with torch.device("meta"):
            described = build(architecture, summary.input_shape, summary.num_classes)
        described.load_state_dict(weights, assign=True)
        network = build(architecture, summary.input_shape, summary.num_classes)
        network.load_state_dict(weights)
    except RenaError as error:
        raise RenaError(f"{run / ARCHITECTURE}: {error}") from None
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise RenaError(f"{run / WEIGHTS}: not the weights of this network: {reason}") from None
    return network


def _front_end(run: Path, summary: Summary) -> FrontEnd | None:
    """The front end, which gives what the network takes."""
    if summary.front_end is None:
        return None
    try:
        front_end = front_end_from(summary.front_end)
        raw = (SAMPLE_RATE,) if isinstance(front_end, SpeechFrontEnd) else summary.input_shape
        given = tuple(front_end(torch.zeros(1, *raw)).shape[1:])
    except RenaError as error:
        raise RenaError(f"{run / SUMMARY}: front_end: {error}") from None
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise RenaError(f"{run / SUMMARY}: does not describe a front end: {error!r}") from None
    if given != summary.input_shape:
        raise RenaError(
            f"{run / SUMMARY}: the front end gives {given}, the network takes {summary.input_shape}"
        )
    return front_end

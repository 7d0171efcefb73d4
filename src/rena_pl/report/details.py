"""What the page tells of a network when a point is asked, as plain values for its script."""

from __future__ import annotations

from typing import Any

from rena_pl.checks import printable
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.report.best import output_shapes
from rena_pl.report.facts import changes_of
from rena_pl.report.run import Run
from rena_pl.report.words import (
    bound_in_words,
    headed,
    in_words,
    resource,
    written_shape,
)


def details(run: Run) -> dict[str, Any]:
    """Every evaluation that is drawn, and its network.

    Texts that occur often are numbers of the list `words`, since a search has thousands of
    networks with few different layers.
    """
    words: dict[str, int] = {}

    def word(text: str) -> int:
        return words.setdefault(printable(text), len(words))

    networks: dict[str, Any] = {}
    shown = [*run.searched, *run.in_full]
    for evaluation in shown:
        architecture = evaluation.architecture
        if architecture.arch_id in networks:
            continue
        shapes = run.summary and output_shapes(architecture, run.summary.input_shape)
        networks[architecture.arch_id] = {
            "skeleton": _skeleton(evaluation),
            "layers": [
                [
                    word(layer.kind),
                    word(in_words(layer)),
                    list(layer.inputs),
                    word(shapes[index]) if shapes else -1,
                ]
                for index, layer in enumerate(architecture.layers)
            ],
        }
    entries = list(shown[0].profile) if shown else []
    return {
        "metric": run.metric_in_words,
        "entries": [headed(resource(entry)) for entry in entries],
        "bounds": [bound_in_words(bound) if (bound := run.bound(e)) else "" for e in entries],
        "input": written_shape(run.summary.input_shape) if run.summary else "",
        "classes": run.summary.num_classes if run.summary else 0,
        "networks": networks,
        "evaluations": {e.key: _evaluation(run, e, entries) for e in shown},
        "words": list(words),
    }


def when(evaluation: Evaluation) -> str:
    """Where in the search a network was met, in words."""
    if evaluation.part == "start":
        return "start network"
    if evaluation.part == "full":
        return "trained in full at the end"
    update, episode, step = evaluation.place
    return f"update {update + 1}, episode {episode + 1}, step {step + 1}"


def _evaluation(run: Run, evaluation: Evaluation, entries: list[str]) -> dict[str, Any]:
    return {
        "network": evaluation.architecture.arch_id,
        "when": when(evaluation),
        "status": evaluation.status,
        "accuracy": evaluation.accuracy,
        "reward": evaluation.reward,
        "epochs": evaluation.budget,
        "trained": evaluation.trained,
        "profile": [evaluation.profile.get(entry) for entry in entries],
        "reason": printable(evaluation.reason),
        "changes": [printable(change.text) for change in changes_of(run, evaluation) or ()],
    }


def _skeleton(evaluation: Evaluation) -> str:
    skeleton = evaluation.architecture.skeleton
    values = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in skeleton.hyper)
    if skeleton.kind == "chain":
        return ""
    return printable(f"{skeleton.kind}: {values}" if values else skeleton.kind)

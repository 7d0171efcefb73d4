"""What a search goes for: a number, the higher the better, from predicted and true classes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isfinite
from pkgutil import resolve_name

from torch import Tensor
from torchmetrics.functional.classification import multiclass_accuracy

from rena_pl.errors import RenaError

Metric = Callable[[Tensor, Tensor, int], Tensor | float]
"""Takes predicted and true classes, `(examples,)` each, and the number of classes.

The functions of `torchmetrics.functional.classification` are such; its classes are not, since their
objects would average over the different children of all ranks as soon as a process group exists.
"""

METRICS: dict[str, Metric] = {
    "accuracy": partial(multiclass_accuracy, average="micro"),
    "balanced_accuracy": partial(multiclass_accuracy, average="macro"),
}


def find_metric(name: str) -> Metric:
    """A metric by its name, or by the path of a function, such as `my_module.my_metric`.

    Raises:
        RenaError: There is none.
    """
    if name in METRICS:
        return METRICS[name]
    known = f"known are {', '.join(METRICS)} and functions as package.module.function"
    try:
        found = resolve_name(name) if "." in name else None
    except Exception as error:  # finding it imports, and so runs, a module of the user's
        raise RenaError(f"unknown metric '{name}' ({error}); {known}") from error
    if not callable(found):
        raise RenaError(f"unknown metric '{name}'; {known}")
    metric: Metric = found
    return metric


def metric_in_words(name: str) -> str:
    """A metric as people call it: `balanced accuracy`, or `my metric` of `my_module.my_metric`."""
    return name.rpartition(".")[2].replace("_", " ")


def measured(metric: str, predicted: Tensor, true: Tensor, num_classes: int) -> float:
    """The metric of some predictions.

    Raises:
        ValueError: It is not a finite number, or there is none.
    """
    function = find_metric(metric)
    try:
        value = float(function(predicted, true, num_classes))
    except Exception as error:  # anybody's function
        raise ValueError(f"{metric} fails: {type(error).__name__}: {error}") from error
    if not isfinite(value):
        raise ValueError(f"{metric} is {value}")
    return value

"""Front ends from their descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from rena_pl.data.front_end import FrontEnd, SpeechFrontEnd
from rena_pl.data.pixels import PixelFrontEnd

FRONT_ENDS: dict[str, type[FrontEnd]] = {
    front_end.kind: front_end for front_end in (SpeechFrontEnd, PixelFrontEnd)
}


def front_end_from(description: Mapping[str, Any]) -> FrontEnd:
    """The front end that `FrontEnd.describe` describes, in evaluation mode.

    Raises:
        RenaError, KeyError, TypeError, ValueError, RuntimeError: It describes none.
    """
    settings = dict(description)
    kind, mean, std = (settings.pop(name) for name in ("kind", "mean", "std"))
    if not (np.isfinite(mean).all() and np.isfinite(std).all() and np.min(std) > 0):
        raise ValueError(f"mean {mean} and deviation {std} normalise nothing")
    front_end = FRONT_ENDS[kind](**settings)
    front_end.mean.copy_(torch.tensor(mean).view_as(front_end.mean))
    front_end.std.copy_(torch.tensor(std).view_as(front_end.std))
    return front_end.eval()

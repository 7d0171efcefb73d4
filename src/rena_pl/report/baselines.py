"""Published networks to hold a search's networks against."""

from __future__ import annotations

from rena_pl.architecture import Shape
from rena_pl.errors import RenaError
from rena_pl.resources.profile import profile
from rena_pl.space.named import NAMED

INPUT_CHANNELS = {
    "bc_resnet_1": 1,
    "bc_resnet_2": 1,
    "ds_cnn_s": 1,
    "tc_resnet8": 1,
    "resnet20": 3,
    "nasnet_like": 3,
}
"""What the papers feed each: one map of speech features, or the three colours of an image."""


def baselines(input_shape: Shape, num_classes: int) -> dict[str, dict[str, float]]:
    """The resource use, on a task, of the published networks for its kind of input."""
    found = {}
    for name, channels in INPUT_CHANNELS.items():
        if channels == input_shape[0]:
            try:
                found[name] = profile(NAMED[name](), input_shape, num_classes).as_dict()
            except RenaError:
                continue  # too small an input for it
    return found

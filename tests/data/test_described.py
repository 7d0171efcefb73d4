"""Front ends go through JSON."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rena_pl.data.described import front_end_from
from rena_pl.data.front_end import SpeechFrontEnd
from rena_pl.data.pixels import PixelFrontEnd


@settings(max_examples=10)
@given(
    st.sampled_from(["mfcc", "log_mel"]),
    st.integers(1, 60),
    st.integers(5, 60),
    st.integers(5, 40),
    st.integers(0, 2**30),
)
def test_a_speech_front_end_comes_back_to_the_last_bit(features, count, window, hop, seed):
    waveforms = torch.randn(3, 16_000, generator=torch.Generator().manual_seed(seed)) * 0.1
    front_end = SpeechFrontEnd(features, count, window, hop)
    front_end.fit(front_end.raw(waveforms))
    again = front_end_from(json.loads(json.dumps(front_end.describe())))
    assert torch.equal(again(waveforms), front_end(waveforms))


@pytest.mark.parametrize(
    ("name", "value"), [("std", 0.0), ("std", float("nan")), ("mean", float("inf"))]
)
def test_what_normalises_nothing_is_refused(name, value):
    described = PixelFrontEnd(1).describe()
    described[name] = torch.full((1, 1, 1), value).tolist()
    with pytest.raises(ValueError, match="normalise nothing"):
        front_end_from(described)


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_become_standard_and_come_back(channels):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (20, channels, 8, 6), generator=generator, dtype=torch.uint8)
    front_end = PixelFrontEnd(channels)
    front_end.fit(pixels)
    std, mean = torch.std_mean(front_end(pixels), dim=(0, 2, 3))
    assert torch.allclose(mean, torch.zeros(channels), atol=1e-5)
    assert torch.allclose(std, torch.ones(channels), atol=1e-5)
    again = front_end_from(json.loads(json.dumps(front_end.describe())))
    assert torch.equal(again(pixels), front_end(pixels))

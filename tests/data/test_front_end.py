import pytest
import torch

from rena_pl.data.front_end import SpeechFrontEnd

WAVEFORMS = torch.randn(6, 16_000, generator=torch.Generator().manual_seed(0)) * 0.1


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({}, (40, 101)),
        ({"features": "log_mel", "n_features": 80}, (80, 101)),
        ({"n_features": 10, "hop_ms": 20, "window_ms": 40}, (10, 51)),
    ],
)
def test_shape(settings, shape):
    front_end = SpeechFrontEnd(**settings)
    features = front_end(WAVEFORMS)
    assert features.shape == (6, 1, *shape)
    assert features.dtype == torch.float32
    assert front_end.frames() == shape[1]


def test_features_of_a_clip_do_not_depend_on_the_batch():
    loud = torch.cat([WAVEFORMS[:1] * 1e-3, WAVEFORMS[1:] * 10])
    front_end = SpeechFrontEnd()
    assert torch.allclose(front_end(loud)[:1], front_end(loud[:1]), atol=1e-3)


def test_fit_makes_features_standard():
    front_end = SpeechFrontEnd()
    front_end.fit(front_end.raw(WAVEFORMS))
    std, mean = torch.std_mean(front_end(WAVEFORMS), dim=(0, 1, 3))
    assert torch.allclose(mean, torch.zeros(40), atol=1e-4)
    assert torch.allclose(std, torch.ones(40), atol=1e-3)


def test_statistics_are_part_of_the_state():
    front_end = SpeechFrontEnd()
    front_end.fit(front_end.raw(WAVEFORMS))
    other = SpeechFrontEnd()
    other.load_state_dict(front_end.state_dict())
    assert torch.equal(other(WAVEFORMS), front_end(WAVEFORMS))


def test_digital_silence_is_finite():
    assert SpeechFrontEnd()(torch.zeros(1, 16_000)).isfinite().all()


def test_a_tone_lights_its_band():
    time = torch.arange(16_000) / 16_000
    tones = torch.stack([torch.sin(2 * torch.pi * pitch * time) for pitch in (300.0, 3000.0)])
    low, high = SpeechFrontEnd("log_mel")(tones)[:, 0].mean(-1).argmax(-1).tolist()
    assert low < 12 < 25 < high

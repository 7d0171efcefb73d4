from __future__ import annotations

import torch

from rena_pl.data.speed import change_speed


def tone(hertz: float) -> torch.Tensor:
    return torch.sin(2 * torch.pi * hertz * torch.arange(16_000) / 16_000)[None]


def pitch(waveforms: torch.Tensor) -> torch.Tensor:
    middle = waveforms[:, 2_000:14_000] * torch.hann_window(12_000)
    return torch.fft.rfft(middle).abs().argmax(1) * 16_000 / 12_000


def test_pitch_changes_within_the_range_and_differs_between_clips() -> None:
    changed = change_speed(tone(440).repeat(50, 1), 0.2, torch.Generator().manual_seed(0))
    pitches = pitch(changed)
    assert 440 * 0.79 < pitches.min() < 440 * 0.9
    assert 440 * 1.1 < pitches.max() < 440 * 1.21


def test_no_change_is_no_change() -> None:
    waveforms = torch.randn(3, 500)
    assert torch.allclose(
        change_speed(waveforms, 0.0, torch.Generator().manual_seed(0)), waveforms, atol=1e-5
    )


def test_the_middle_stays_and_the_ends_are_silent_when_faster() -> None:
    impulse = torch.zeros(100, 1001)
    impulse[:, 500] = 1.0
    changed = change_speed(impulse, 0.3, torch.Generator().manual_seed(0))
    assert torch.equal(changed.argmax(1), torch.full((100,), 500))
    loud = change_speed(torch.ones(100, 1001), 0.3, torch.Generator().manual_seed(0))
    assert (loud[:, 0] == 0).any()
    assert (loud[:, 0] == 1).any()


def test_the_same_generator_gives_the_same_speeds() -> None:
    waveforms = torch.randn(4, 300)
    same = [change_speed(waveforms, 0.2, torch.Generator().manual_seed(5)) for _ in range(2)]
    assert torch.equal(*same)

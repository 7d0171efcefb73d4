import pytest
import torch

from rena_pl.data.noise import NoiseBank, coloured_noise, part_for_split, synthetic_backgrounds


def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_the_power_of_coloured_noise_falls_with_frequency(exponent):
    power = torch.fft.rfft(coloured_noise(1 << 17, exponent, generator())).abs().square()
    octave = [power[1 << n : 2 << n].mean().log2() for n in (8, 13)]
    assert (octave[0] - octave[1]) / 5 == pytest.approx(exponent, abs=0.15)


def test_segments_come_from_every_recording_and_never_straddle_two():
    recordings = [torch.full((length,), value) for length, value in
                  [(16_000, 1.0), (40_000, 2.0), (5, 3.0)]]  # fmt: skip
    segments = NoiseBank(recordings).segments(100, generator())
    assert segments.shape == (100, 16_000)
    assert (segments == segments[:, :1]).all()
    assert set(segments[:, 0].tolist()) == {1.0, 2.0, 3.0}


def test_the_distance_of_the_noise_is_as_asked():
    bank = NoiseBank([torch.randn(32_000, generator=generator()) * 0.01])
    speech = torch.sin(torch.arange(16_000) / 10).expand(50, -1) * 0.1
    noise = bank.mix_into(speech, 1.0, (10.0, 10.0), generator()) - speech
    snr = 10 * torch.log10(speech.square().mean(1) / noise.square().mean(1))
    assert torch.allclose(snr, torch.full((50,), 10.0), atol=0.1)


def test_the_share_of_noisy_clips_is_as_asked():
    bank = NoiseBank([torch.randn(32_000, generator=generator())])
    speech = torch.sin(torch.arange(16_000) / 10).expand(400, -1) * 0.1
    noisy = (bank.mix_into(speech, 0.3, (5.0, 5.0), generator()) != speech).any(1)
    assert 0.2 < noisy.float().mean() < 0.4
    assert torch.equal(bank.mix_into(speech, 0.0, (5.0, 5.0), generator()), speech)


def test_silence_has_all_volumes_and_zeros():
    silence = NoiseBank([torch.ones(16_000)]).silence(300, generator())
    volume = silence.amax(1)
    assert 10 <= (volume == 0).sum() <= 60
    assert volume.max() > 0.9
    assert ((volume > 0) & (volume < 0.2)).any()


def test_no_noise_is_in_two_splits():
    recording = torch.arange(30 * 16_000)
    parts = [part_for_split([recording], split)[0] for split in ("train", "val", "test")]
    assert torch.equal(torch.cat(parts), recording)
    short = torch.arange(16_000)
    assert torch.equal(part_for_split([short], "val")[0], short)


def test_synthetic_backgrounds_are_audible_and_bounded():
    for noise in synthetic_backgrounds(generator(), seconds=2):
        assert len(noise) == 32_000
        assert 0.01 < noise.square().mean().sqrt() < 0.7
        assert noise.abs().max() <= 1

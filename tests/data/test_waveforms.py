import numpy as np
import pytest
import soundfile

from rena_pl.data.waveforms import fit_to_a_second, read_mono, resample, to_int16

from .conftest import tone, write_wav


def test_short_recordings_are_padded_on_both_sides():
    second = fit_to_a_second(np.ones(4001, np.float32))
    assert len(second) == 16_000
    assert np.flatnonzero(second).tolist() == list(range(5999, 10_000))


def test_long_recordings_are_cut_at_the_start_or_around_the_loudest_second():
    recording = np.zeros(64_000, np.float32)
    recording[30_000:46_000] = 1
    assert not fit_to_a_second(recording).any()
    assert fit_to_a_second(recording, loudest=True).all()


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_resampling_keeps_length_and_pitch(rate):
    resampled = resample(tone("yes", rate=rate), rate)
    assert abs(len(resampled) - 16_000) <= 1
    expected = np.abs(np.fft.rfft(tone("yes"))).argmax()
    assert abs(np.abs(np.fft.rfft(resampled)).argmax() - expected) <= 1


def test_stereo_becomes_the_mean_of_both(tmp_path):
    stereo = np.stack([np.full(100, 0.5), np.full(100, -0.25)], axis=1)
    samples, rate = read_mono(write_wav(tmp_path / "stereo.wav", stereo, 8_000))
    assert rate == 8_000
    assert np.allclose(samples, 0.125, atol=1e-3)


def test_what_is_no_recording_is_refused_with_the_reason(tmp_path):
    noise = tmp_path / "text.wav"
    noise.write_text("not a recording")
    with pytest.raises(ValueError, match=r"(?i)format"):
        read_mono(noise)
    with pytest.raises(ValueError, match="empty"):
        read_mono(write_wav(tmp_path / "empty.wav", np.zeros(0)))
    soundfile.write(tmp_path / "nan.wav", np.full(10, np.nan), 16_000, subtype="FLOAT")
    with pytest.raises(ValueError, match="not numbers"):
        read_mono(tmp_path / "nan.wav")


def test_a_file_without_a_header_is_refused(tmp_path):
    (tmp_path / "headless.raw").write_bytes(bytes(1000))
    with pytest.raises(ValueError, match="samplerate"):
        read_mono(tmp_path / "headless.raw")


def test_int16_clips_instead_of_wrapping():
    assert to_int16(np.array([-2, -1, 0, 0.5, 1, 2], np.float32)).tolist() == [
        -32768, -32768, 0, 16384, 32767, 32767
    ]  # fmt: skip

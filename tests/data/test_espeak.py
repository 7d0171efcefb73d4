import subprocess
import sys
import threading

import numpy as np
import pytest

from rena_pl.data import espeak
from rena_pl.data.espeak import Utterance, speak, speak_all
from rena_pl.errors import RenaError


def test_speech_has_a_plausible_length_and_volume():
    samples = speak(Utterance("left", "en-us"))
    assert samples.dtype == np.int16
    assert 0.2 < len(samples) / espeak.SPOKEN_RATE < 0.8
    assert np.abs(samples).max() > 2000


def test_speed_and_pitch_are_heard():
    slow, fast = (speak(Utterance("stop", "en", speed=speed)) for speed in (100, 300))
    assert len(slow) > 1.4 * len(fast)
    low, high = (speak(Utterance("aah", "en", pitch=pitch)) for pitch in (0, 99))
    crossings = [np.count_nonzero(np.diff(np.sign(s.astype(int)))) / len(s) for s in (low, high)]
    assert crossings[1] > 1.1 * crossings[0]


def test_the_same_utterances_sound_the_same_however_much_was_said_before():
    utterances = [Utterance(w, f"en+{v}") for w in ("go", "up") for v in ("f1", "croak", "whisper")]
    first = speak_all(utterances)
    speak(Utterance("something else", "en+f1"))
    second = speak_all(utterances)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert len({samples.tobytes() for samples in first}) == 6


def test_threads_take_turns():
    lengths = []

    def talk():
        lengths.extend(len(speak(Utterance("right", "en"))) for _ in range(10))

    threads = [threading.Thread(target=talk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lengths) == 40
    assert max(lengths) < 1.3 * min(lengths)


@pytest.mark.parametrize(
    ("utterance", "message"),
    [
        (Utterance("yes", "xx-nowhere"), "no voice 'xx-nowhere'"),
        (Utterance("", "en"), "cannot say"),
    ],
)
def test_what_cannot_be_said_is_an_error(utterance, message):
    with pytest.raises(RenaError, match=message):
        speak(utterance)
    with pytest.raises(RenaError, match=message):
        speak_all([Utterance("yes", "en"), utterance])


def test_without_espeak_the_error_says_what_to_install():
    code = (
        "import sys; sys.modules['espeakng_loader'] = None\n"
        "from rena_pl.data.espeak import Utterance, speak\n"
        "from rena_pl.errors import RenaError\n"
        "try: speak(Utterance('yes', 'en'))\n"
        "except RenaError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'rena-pl[speech]'" in done.stdout

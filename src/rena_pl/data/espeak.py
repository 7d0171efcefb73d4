"""eSpeak NG through its C library: texts in, arrays of samples out."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rena_pl.errors import RenaError

SPOKEN_RATE = 22_050  # samples a second of everything eSpeak NG says

# From speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_RATE, _PITCH = 1, 3

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)

# The library has one global state and cannot be used from two threads at once.
_lock = threading.Lock()
_spoken: list[NDArray[np.int16]] = []


@_Callback  # type: ignore[untyped-decorator]
def _collect(samples: Any, count: int, events: int | None) -> int:
    if samples and count > 0:
        _spoken.append(np.ctypeslib.as_array(samples, (count,)).copy())
    return 0


class Utterance(NamedTuple):
    """What to say and how.

    Attributes:
        text: What to say.
        voice: A language, and a variant of the voice after a plus sign: `en-us+f2`.
        pitch: 0 to 99.
        speed: Words per minute, 80 to 450.
    """

    text: str
    voice: str
    pitch: int = 50
    speed: int = 175


def speak(utterance: Utterance) -> NDArray[np.int16]:
    """The samples of `utterance`.

    They differ a little from call to call: the voices tremble, and the library remembers where in
    the trembling it was. `speak_all` does not have this memory.

    Raises:
        RenaError: eSpeak NG is not installed, does not know the voice or cannot say the text.
    """
    with _lock:
        library = _start()
        if library.espeak_SetVoiceByName(utterance.voice.encode()) != 0:
            raise RenaError(f"eSpeak NG has no voice {utterance.voice!r}")
        library.espeak_SetParameter(_PITCH, utterance.pitch, 0)
        library.espeak_SetParameter(_RATE, utterance.speed, 0)
        _spoken.clear()
        text = utterance.text.encode()
        status = library.espeak_Synth(
            text, len(text) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        if status != 0 or not any(samples.any() for samples in _spoken):
            raise RenaError(f"eSpeak NG cannot say {utterance.text!r} as {utterance.voice}")
        return np.concatenate(_spoken)


def speak_all(utterances: Sequence[Utterance]) -> list[NDArray[np.int16]]:
    """The samples of all `utterances`, the same for the same utterances wherever it runs.

    They are spoken by a process of their own, because only a freshly started library with a known
    seed says the same thing in the same way.

    Raises:
        RenaError: As `speak`.
    """
    # Not `-m`: that would import the package, and torch with it, just to talk.
    command = [sys.executable, __file__]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        command, input=json.dumps(utterances).encode(), capture_output=True, env=environment
    )
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise RenaError(lines[-1] if lines else f"eSpeak NG died with code {done.returncode}")
    lengths = np.frombuffer(done.stdout, np.int64, len(utterances))
    samples = np.frombuffer(done.stdout, np.int16, offset=lengths.nbytes)
    return np.split(samples, np.cumsum(lengths)[:-1])


@lru_cache(maxsize=1)
def _start() -> Any:
    try:
        import espeakng_loader
    except ImportError as error:
        raise RenaError("spoken keywords need eSpeak NG: pip install 'rena-pl[speech]'") from error
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path()
    except (OSError, RuntimeError) as error:
        raise RenaError(f"eSpeak NG cannot be loaded: {error}") from error
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    rate = library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data.encode(), _DONT_EXIT)
    if rate != SPOKEN_RATE:
        raise RenaError(f"eSpeak NG does not start with the data in {data}")
    library.espeak_SetSynthCallback(_collect)
    library.espeak_ng_SetRandSeed(ctypes.c_long(0))
    return library


def _speak_for_parent() -> None:
    utterances = [Utterance(*values) for values in json.load(sys.stdin)]
    spoken = [speak(utterance) for utterance in utterances]
    lengths = np.array([len(samples) for samples in spoken], np.int64)
    sys.stdout.buffer.write(lengths.tobytes())
    for samples in spoken:
        sys.stdout.buffer.write(samples.tobytes())


if __name__ == "__main__":
    try:
        _speak_for_parent()
    except RenaError as error:
        sys.exit(str(error))

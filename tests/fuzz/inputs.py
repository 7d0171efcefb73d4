"""Inputs that nearly are what a parser expects."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from tests.fuzz.doors import Door

TOKENS = (
    *(b"", b"\x00", b"\xff\xfe", b"\n", b'"', b"null", b"true", b"NaN", b"Infinity", b"-1", b"0"),
    *(b"1e999", b"-1e-999", b"9" * 25, b"9" * 5000, b"[" * 3000, b"{" * 50, b'{"a":' * 1000),
    *(b"../" * 8 + b"tmp/outside", b"/etc/passwd", b"2001-99-99", b"&a [*a, *a]", b"<<: *a"),
    *(b"!!python/object/apply:os.system [touch x]", b"__import__('os')", b"1:9:9", b"- " * 60),
    *(b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff" * 8, b"\x00" * 64),
)  # fmt: skip


def mutated(samples: tuple[bytes, ...], rng: random.Random) -> bytes:
    """A sound file with up to eight changes: bytes, slices, numbers, pieces of other files."""
    content = bytearray(rng.choice(samples))
    for _ in range(rng.randint(1, 8)):
        at = rng.randint(0, len(content))
        upto = min(len(content), at + rng.choice((1, 1, 2, 4, 16, 200)))
        kind = rng.randrange(7)
        if kind == 0:
            content[at:upto] = rng.randbytes(upto - at)
        elif kind == 1:
            del content[at:upto]
        elif kind == 2:
            content[at:at] = content[at:upto] * rng.choice((1, 2, 50))
        elif kind == 3:
            content[at:upto] = rng.choice(TOKENS)
        elif kind == 4:
            del content[at:]
        elif kind == 5:
            other = rng.choice(samples)
            cut = rng.randint(0, len(other))
            content[at:upto] = other[cut : cut + 100]
        else:
            content[at:upto] = _other_number(content, at, rng)
    return bytes(content)


def _other_number(content: bytearray, at: int, rng: random.Random) -> bytes:
    """What stands in place of the next digit."""
    while at < len(content) and not chr(content[at]).isdigit():
        at += 1
    return rng.choice((b"-7", b"0", b"1.5", b"1000000", b"999999999999", b"'x'", b"[1]", b"true"))


def inputs(door: Door) -> st.SearchStrategy[bytes]:
    """Mostly changed sound files, and some bytes of any kind."""
    changed = st.randoms(use_true_random=False).map(lambda rng: mutated(door.samples, rng))
    return st.one_of(changed, changed, changed, st.binary(max_size=400))

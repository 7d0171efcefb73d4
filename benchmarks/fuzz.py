"""Many more of the inputs that tests/fuzz brings to the parsers of files.

    python benchmarks/fuzz.py --json benchmarks/results/fuzz.json

100,000 of them, most of them sound files with a few changes; with `--quick`, 1,000. Counts what was
neither read nor refused in a sentence, took more than 5 s, wrote outside the folder, or ran code.
"""

from __future__ import annotations

import logging
import random
import sys
import time
from collections import Counter
from math import ceil
from pathlib import Path

from report import arguments, finish

sys.path.append(str(Path(__file__).resolve().parents[1]))

from tests.fuzz.doors import DOORS
from tests.fuzz.inputs import mutated
from tests.fuzz.test_doors import try_door

INPUTS, QUICK = 100_000, 1_000
SHARES = {
    "config, whole parser": 0.1,
    "settings of a run folder": 0.3,
    "summary": 0.3,
    "summary of a network to predict with": 0.3,
    "network to predict with": 0.3,
}
"""Of the slower doors, beside 1 for each of the others."""


def main() -> None:
    options = arguments(__doc__)
    inputs = QUICK if options.quick else INPUTS
    shares = {name: SHARES.get(name, 1.0) for name in DOORS}
    rng = random.Random(options.seed)
    logging.disable(logging.WARNING)
    counts: dict[str, float] = {}
    failures: dict[str, float] = {}
    slowest: dict[str, float] = {}
    for name, door in DOORS.items():
        counts[name] = ceil(inputs * shares[name] / sum(shares.values()))
        found: Counter[str] = Counter()
        slowest[name] = 0.0
        for number in range(int(counts[name])):
            if number % 10:
                content = mutated(door.samples, rng)
            else:
                content = rng.randbytes(rng.randint(0, 400))
            started = time.perf_counter()
            try:
                try_door(name, content)
            except Exception as error:
                found[f"{type(error).__name__}: {error}"[:150]] += 1
            slowest[name] = max(slowest[name], round(time.perf_counter() - started, 2))
        for what, times in found.most_common():
            print(f"{name}: {times} times {what}")
        failures[name] = sum(found.values())
        print(f"{name}: {counts[name]} inputs", flush=True)
    counts["all"], failures["all"] = sum(counts.values()), sum(failures.values())
    slowest["all"] = max(slowest.values())
    figures = {"inputs": counts, "neither read nor refused": failures, "slowest, s": slowest}
    finish(options, "fuzz.py", figures)


if __name__ == "__main__":
    main()

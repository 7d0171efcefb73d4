"""Peak memory of a search on as many clips as the full Speech Commands has.

    python benchmarks/memory.py --json benchmarks/results/memory.json

`rena fit` itself, cut down to one child: once without a cache of features, once writing one, once
reading it. The recordings are made up: links to one file for each word, in the official layout.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from rena_pl.data.front_end import SAMPLE_RATE
from rena_pl.data.speech_commands import STANDARD_KEYWORDS
from report import CONFIGS, arguments, finish

CLIPS = {"train": 7070, "val": 832, "test": 917}
"""Of each of 12 classes: 105,828 in all, shared out like the 105,829 recordings of version 0.02."""

SMALLEST_SEARCH = [
    *("--trainer.max_epochs", "1"),
    *("--model.budget.episodes", "1"),
    *("--model.budget.steps", "1"),
    *("--model.budget.child_epochs", "1"),
    *("--model.budget.start_epochs", "1"),
    *("--model.budget.final_epochs", "1"),
    *("--model.budget.final_candidates", "1"),
]


def make_recordings(root: Path, share: int, seed: int) -> None:
    """Ten keywords and another word, with a `share`-th of the recordings; no silence."""
    draw = np.random.default_rng(seed)
    lists: dict[str, list[str]] = {name: [] for name in CLIPS}
    for word in (*STANDARD_KEYWORDS, "bed"):
        folder = root / word
        folder.mkdir(parents=True)
        original = root / f"{word}.wav"
        soundfile.write(original, draw.normal(0, 0.1, SAMPLE_RATE), SAMPLE_RATE, subtype="PCM_16")
        for split, count in CLIPS.items():
            for number in range(count // share):
                name = f"{split}{number}_nohash_0.wav"
                (folder / name).hardlink_to(original)
                lists[split].append(f"{word}/{name}")
    (root / "validation_list.txt").write_text("\n".join(lists["val"]))
    (root / "testing_list.txt").write_text("\n".join(lists["test"]))


def search(recordings: Path, cache: str, folder: Path, threads: int, seed: int) -> dict[str, Any]:
    """Run the search in a process of its own; its peak resident memory and how long it took."""
    command = [sys.executable, "-m", "rena_pl", "fit"]
    command += ["--config", str(CONFIGS / "kws_tight.yaml"), *SMALLEST_SEARCH]
    command += ["--data.init_args.root", str(recordings), "--data.init_args.cache_dir", cache]
    command += ["--trainer.default_root_dir", str(folder), "--seed_everything", str(seed)]
    started = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit("the search failed")
    return {
        "peak memory, GB": round(usage.ru_maxrss * 1024 / 1e9, 2),
        "seconds": round(time.perf_counter() - started),
    }


def main() -> None:
    options = arguments(__doc__)
    share = 50 if options.quick else 1
    clips = (len(STANDARD_KEYWORDS) + 2) * sum(count // share for count in CLIPS.values())
    figures = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_recordings(folder / "recordings", share, options.seed)
        cache = str(folder / "cache")
        ways = {"without a cache": "null", "writes the cache": cache, "reads the cache": cache}
        for way, cache_dir in ways.items():
            run = folder / way
            figures[way] = {
                "clips": clips,
                **search(folder / "recordings", cache_dir, run, options.threads, options.seed),
            }
    finish(options, "memory.py", figures)


if __name__ == "__main__":
    main()

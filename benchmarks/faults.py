"""A search on two workers that is killed again and again, and continued each time.

    python benchmarks/faults.py --json benchmarks/results/faults.json

At random moments, from the start of the command on, one worker or both get SIGKILL; then the same
command is given again. What comes of it is compared with a search that was left alone. A search
that comes to its end before all kills are spent is begun again in another folder. With `--quick`,
three kills.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.ledger import Ledger, mend_journal
from report import arguments, finish
from watched_search import trainings

KILLS = 20
SEARCH = {
    "trainer": {"max_epochs": 6, "accelerator": "cpu", "devices": 2, "strategy": "ddp"},
    "model": {
        "space": {
            "max_layers": 4,
            "layers": {"temporal": {"channels": [8, 16, 24], "kernel": [3, 5], "stride": [1]}},
        },
        "objective": {"constraints": [{"entry": "params", "max": 3000}]},
        "budget": {
            "episodes": 4,
            "steps": 2,
            "child_epochs": 1,
            "halvings": 1,
            "start_epochs": 2,
            "final_epochs": 4,
            "final_candidates": 3,
        },
    },
    "data": {"class_path": "watched_search.MadeUp"},
}


@dataclass
class Search:
    """A run folder, and the command that works in it."""

    folder: Path
    config: Path
    process: subprocess.Popen[str] | None = None
    began: float = field(default_factory=time.monotonic)

    def start(self) -> None:
        """Give the command."""
        script = Path(__file__).with_name("watched_search.py")
        command = [sys.executable, str(script), "--config", str(self.config)]
        command += ["--trainer.default_root_dir", str(self.folder)]
        environment = {**os.environ, "WANDB_MODE": "disabled", "OMP_NUM_THREADS": "1"}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment, cwd=script.parent
        )

    def workers(self) -> list[int]:
        """The processes of the workers that are there by now, worker 0 first."""
        assert self.process is not None
        first = self.process.pid
        return [first, *children_of(first)]

    def end(self) -> tuple[int, str]:
        """Wait until all workers are gone; the exit code of the first, and what they said."""
        assert self.process is not None
        _, said = self.process.communicate(timeout=600)  # the pipe is shared by all of them
        return self.process.returncode, said

    def evaluations(self) -> list[Evaluation]:
        """What the ledger holds; while nobody works in it."""
        journal = self.folder / "ledger.journal"
        mend_journal(journal)
        return Ledger(journal).evaluations() if journal.is_file() else []


def children_of(process: int) -> list[int]:
    """The processes that a process has started."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True
    )
    return [int(word) for word in listed.stdout.split()]


def kill_and_count(search: Search, after: float, draw: random.Random) -> Counter[str]:
    """Start a search, kill some of it after a while, and count what that did."""
    begun_before = len(trainings(search.folder))
    recorded_before = {evaluation.key for evaluation in search.evaluations()}
    search.start()
    assert search.process is not None
    try:
        search.process.wait(after)
    except subprocess.TimeoutExpired:
        pass
    else:
        return Counter({"came to the end": 1})
    chosen = draw.choice(("worker 0", "worker 1", "both"))
    workers = search.workers()
    if chosen == "worker 1":
        workers = workers[1:] or workers
    elif chosen == "worker 0":
        workers = workers[:1]
    killed = time.monotonic()
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    _, said = search.end()
    took = time.monotonic() - killed
    recorded = {evaluation.key for evaluation in search.evaluations()}
    begun = trainings(search.folder)[begun_before:]
    print(f"{after:.1f} s: {chosen} killed, gone after {took:.1f} s, {len(recorded)} recorded")
    return Counter(
        {
            "kills": 1,
            f"kills of {chosen}": 1,
            "slowest end": took,
            "in flight": sum(key not in recorded for key in begun),
            "lost": len(recorded_before - recorded),
            "recorded and trained again": sum(key in recorded_before for key in begun),
            "named": int("rena: worker" in said),
        }
    )


def network(search: Search) -> bytes:
    """The best network's weights and architecture."""
    best = search.folder / "best"
    return (best / "model.safetensors").read_bytes() + (best / "architecture.json").read_bytes()


def main() -> None:
    options = arguments(__doc__)
    kills = 3 if options.quick else KILLS
    draw = random.Random(options.seed)
    counts: Counter[str] = Counter()
    same_ledger = same_network = True
    twice, slowest = 0, 0.0
    with tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch) / "search.yaml"
        config.write_text(yaml.safe_dump({"seed_everything": options.seed, **SEARCH}))
        alone = Search(Path(scratch) / "alone", config)
        alone.start()
        while not trainings(alone.folder) and alone.process and alone.process.poll() is None:
            time.sleep(0.1)
        start_up = time.monotonic() - alone.began
        code, said = alone.end()
        if code:
            sys.exit(f"the search failed: {said}")
        whole = time.monotonic() - alone.began
        print(f"left alone: {whole:.0f} s, {start_up:.0f} s of them until the first training")
        expected, searches = alone.evaluations(), 0
        while counts["kills"] < kills:
            searches += 1
            search = Search(Path(scratch) / f"killed{searches}", config)
            ended = False
            while counts["kills"] < kills and not ended:
                after = draw.uniform(0, start_up + (whole - start_up) / 3)
                found = kill_and_count(search, after, draw)
                slowest = max(slowest, found.pop("slowest end", 0.0))
                counts += found
                ended = bool(found["came to the end"])
            if not ended:
                search.start()
                code, said = search.end()
                if code:
                    sys.exit(f"the search could not be continued: {said}")
            begun = trainings(search.folder)
            twice += len(begun) - len(set(begun))
            same_ledger = same_ledger and search.evaluations() == expected
            same_network = same_network and network(search) == network(alone)
    figures = {
        "searches killed": searches,
        "kills": counts["kills"],
        "of worker 0, worker 1, both": ", ".join(
            str(counts[f"kills of {name}"]) for name in ("worker 0", "worker 1", "both")
        ),
        "evaluations of a search": len(expected),
        "evaluations lost": counts["lost"],
        "in flight at the kills": counts["in flight"],
        "trained twice": twice,
        "recorded and trained again": counts["recorded and trained again"],
        "same ledger as one left alone": same_ledger,
        "same best network": same_network,
        "slowest end after a kill, s": round(slowest, 1),
        "kills whose worker was named": counts["named"],
    }
    finish(options, "faults.py", {"killed": figures})


if __name__ == "__main__":
    main()

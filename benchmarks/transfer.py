"""How much of a cold search's training one needs that began from an earlier search.

    rena compare --config CONFIG --searchers rena --folder cold
    rena compare --config CONFIG --searchers rena --folder warm --model.init_from RUN
    python benchmarks/transfer.py cold/compare.json warm/compare.json --json FILE

Reads the best accuracies within the bounds by child-epoch, means over the same seeds.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from machine import machine


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cold", type=Path)
    parser.add_argument("warm", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cold, warm = (json.loads(file.read_text()) for file in (options.cold, options.warm))
    figures = compared(cold["searchers"]["rena"], warm["searchers"]["rena"])
    commands = [cold["command"], warm["command"]]
    text = json.dumps({"commands": commands, "machine": machine(), **figures}, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


def compared(cold: dict[str, Any], warm: dict[str, Any]) -> dict[str, Any]:
    """When each has what the cold search ends with; none if never."""
    if cold["seeds"] != warm["seeds"]:
        raise SystemExit("the two have other seeds")
    end = cold["curve"]["mean"][-1]
    by_search = {"cold": cold, "warm": warm}
    return {
        "seeds": cold["seeds"],
        "child-epochs": len(cold["curve"]["mean"]),
        "cold search ends with": end,
        "child-epochs until then": {
            name: _reached(of["curve"], end) for name, of in by_search.items()
        },
        "best of each seed": {name: of["best"] for name, of in by_search.items()},
    }


def _reached(curve: dict[str, Any], accuracy: float) -> int | None:
    at = zip(curve["child_epochs"], curve["mean"], strict=True)
    return next((epoch for epoch, mean in at if mean is not None and mean >= accuracy), None)


if __name__ == "__main__":
    main()

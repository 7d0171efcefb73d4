"""What the timing benchmarks share: arguments, a table, a file of figures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from machine import machine

CONFIGS = Path(__file__).resolve().parents[1] / "configs"


def arguments(doc: str | None, data: bool = False) -> argparse.Namespace:
    """`--quick`, `--seed`, `--threads` and `--json`, which every timing benchmark takes.

    With `data`, it takes the folder of Speech Commands too, as `--root`.
    """
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="less than a minute, less exact")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    if data:
        parser.add_argument("--root", type=Path, required=True, help="folder of Speech Commands")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    return options


def finish(
    options: argparse.Namespace, script: str, figures: Mapping[str, Mapping[str, Any]]
) -> None:
    """Print the figures as a table, a column for each name, and write them down if asked to."""
    table = Table("", *figures)
    for figure in next(iter(figures.values())):
        table.add_row(figure, *(str(of_one[figure]) for of_one in figures.values()))
    Console().print(table)
    if options.json:
        words = (" --root PATH" if "root" in options else "") + " --quick" * options.quick
        command = f"python benchmarks/{script}{words} --seed {options.seed}"
        result = {
            "command": f"{command} --threads {options.threads}",
            "machine": machine(),
            "figures": figures,
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=2) + "\n")

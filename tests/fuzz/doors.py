"""Every file that somebody else may have written, and what reads it."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from functools import cache as once
from pathlib import Path

import numpy as np
import soundfile
import torch
import yaml
from PIL import Image

from rena_pl.architecture import Architecture
from rena_pl.cli import main
from rena_pl.commands.yaml_words import check_configs
from rena_pl.data import ImageFolder, KeywordFolder, cache
from rena_pl.data.front_end import SpeechFrontEnd
from rena_pl.deploy.trained import load
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.ledger import Ledger, mend_journal
from rena_pl.evaluation.weights import WeightStore, save_weights
from rena_pl.layers import layer_types
from rena_pl.network.build import build
from rena_pl.resources.latency_file import LatencyFile, Part
from rena_pl.resources.profile import profile
from rena_pl.search.checkpoint import CHECKPOINTS, LAST, read_checkpoint
from rena_pl.search.final import ARCHITECTURE, WEIGHTS
from rena_pl.search.run_folder import CONFIG, RunFolder
from rena_pl.search.summary import Summary
from rena_pl.space.named import NAMED
from rena_pl.tabular import Table
from tests.conftest import REPOSITORY

SCRATCH = "input"


@dataclass(frozen=True)
class Door:
    """A parser of files.

    Attributes:
        samples: Sound files of its kind.
        file: Where such a file lies in an otherwise sound folder.
        enter: Reads it, given the folder; what is wrong with the file is a `RenaError`, or one of
            the errors that are `expected`.
        prepare: Makes that folder.
        expected: Errors that mean no more than that the file is left out.
    """

    samples: tuple[bytes, ...]
    file: str
    enter: Callable[[Path], object]
    prepare: Callable[[Path], object] = lambda folder: None
    expected: tuple[type[Exception], ...] = ()


@once
def architectures() -> tuple[bytes, ...]:
    made = [
        Architecture((layer_types()[kind]().as_layer(0),)) for kind in ("conv2d", "gru", "dense")
        if kind in layer_types()
    ]  # fmt: skip
    made += [NAMED[name]() for name in ("bc_resnet_1", "nasnet_like")]
    return tuple(architecture.to_json().encode() for architecture in made)


@once
def configs() -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted((REPOSITORY / "configs").glob("*.yaml")))


def journal() -> bytes:
    """That of two evaluations."""
    import tempfile

    layers = (layer_types()["temporal"](channels=8, kernel=3).as_layer(0),)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger", "setting")
        for number in range(2):
            key = f"{number:016x}"
            ledger.record(
                Evaluation(
                    key, Architecture(layers), None, 1, (number, 0, 0), {"params": 9.0}, "done",
                    0.5, 0.5,
                )
            )  # fmt: skip
        return (Path(folder) / "ledger").read_bytes()


def written(write: Callable[[Path], object]) -> bytes:
    """What a function that writes a file has written."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write(path)
        return path.read_bytes()


def recordings() -> tuple[bytes, ...]:
    noise = np.random.default_rng(0).normal(0, 0.1, 4000)
    formats = [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")]
    return tuple(
        written(lambda p, f=f, s=s: soundfile.write(p, noise, 22050, format=f, subtype=s))
        for f, s in formats
    )


@once
def images() -> tuple[bytes, ...]:
    pixels = np.random.default_rng(0).integers(0, 255, (12, 12, 3), dtype=np.uint8)
    return tuple(
        written(lambda path, f=f: Image.fromarray(pixels).save(path, f))
        for f in ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
    )


def image_folder(folder: Path) -> None:
    """One sound image of every class and split, beside the one that is not."""
    for split in ("train", "val", "test"):
        for label in ("a", "b"):
            (folder / split / label).mkdir(parents=True)
            (folder / split / label / "sound.png").write_bytes(images()[0])


TABLE = b"one,two,params,accuracy\nx,p,1.0,0.5\nx,q,2.0,0.6\ny,p,3.0,0.7\ny,q,4.0,0.8\n"
LATENCIES = b"".join(
    json.dumps({"layer": name, "inputs": [[1, 40, 101]], "ms": 0.25}).encode() + b"\n"
    for name in ("pool(height=2)", "dense(units=8)")
)
UNKNOWN = Part("call", ((1, 1, 1),), torch.nn.Identity)


@once
def summary() -> bytes:
    """Of a run whose best network is the first of `architectures`."""
    shape, classes = (1, 40, 101), 3
    best = Architecture.from_json(architectures()[0].decode())
    use = profile(best, shape, classes).as_dict()
    made = Summary(
        arch_id=best.arch_id, start_arch_id="a", metric="accuracy", val_accuracy=0.9,
        test_accuracy=0.8, test_confusion=[[2, 0, 0], [0, 1, 1], [0, 0, 1]],
        start_test_accuracy=0.5, profile=use, start_profile=use, constraints=["params <= 9,000"],
        constraints_met=True, child_epochs=9, evaluations=4, seconds=1.5, input_shape=shape,
        num_classes=classes, labels=["yes", "no", "unknown"],
        front_end=SpeechFrontEnd().describe(),
    )  # fmt: skip
    return json.dumps(asdict(made)).encode()


def give(*command: str) -> None:
    """Run a command, which either has nothing to say against its files or refuses them.

    Raises:
        RenaError: It refuses them as commands do: with exit code 2 and one sentence.
    """
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as errors:
        try:
            main(command)
            code = 0
        except SystemExit as exit_:
            code = exit_.code
    said = errors.getvalue()
    if code == 0:
        assert said == ""
        return
    assert code == 2, f"exit code {code}: {said}"
    assert said.startswith("rena: "), said
    raise RenaError(said.removeprefix("rena: ").removesuffix("\n"))


def print_config(folder: Path) -> None:
    """The whole parser of `rena fit`, which goes on to print what it has read."""
    give("fit", "--config", str(folder / "config.yaml"), "--print_config")


def print_profile(folder: Path) -> None:
    give("profile", str(folder / "best" / "architecture.json"), "--json")


def best_network(folder: Path) -> None:
    (folder / "best").mkdir()
    (folder / "best" / "architecture.json").write_bytes(architectures()[0])


def ended_run(folder: Path) -> None:
    best_network(folder)
    (folder / "summary.json").write_bytes(summary())
    network = build(Architecture.load(folder / ARCHITECTURE), (1, 40, 101), 3)
    save_weights(network.state_dict(), folder / WEIGHTS)


def read_ledger(folder: Path) -> None:
    mend_journal(folder / "ledger.journal")
    Ledger(folder / "ledger.journal", "setting").evaluations()


DOORS = {
    "architecture": Door(
        architectures(),
        "architecture.json",
        lambda folder: profile(Architecture.load(folder / "architecture.json"), (1, 40, 101), 12),
    ),
    "config": Door(
        configs(), "config.yaml", lambda f: check_configs(["--config", str(f / "config.yaml")])
    ),
    "config, whole parser": Door(configs(), "config.yaml", print_config),
    "settings of a run folder": Door(
        configs()[:1],
        CONFIG,
        lambda folder: RunFolder(folder, yaml.safe_load(configs()[0])),
    ),
    "ledger": Door((journal(),), "ledger.journal", read_ledger),
    "checkpoint": Door(
        (written(lambda p: torch.save({"epoch": 3, "state_dict": {"w": torch.ones(2)}}, p)),),
        f"{CHECKPOINTS}/{LAST}",
        lambda folder: read_checkpoint(folder / CHECKPOINTS / LAST),
        lambda folder: (folder / CHECKPOINTS).mkdir(),
    ),
    "weights": Door(
        (written(lambda p: save_weights({"w": torch.ones(3), "b": torch.zeros(1)}, p)),),
        "0123456789abcdef.safetensors",
        lambda folder: WeightStore(folder).load("0123456789abcdef"),
    ),
    "recording": Door(
        recordings(),
        "yes/one.wav",
        lambda folder: KeywordFolder(folder).read(folder / "yes" / "one.wav"),
        lambda folder: (folder / "yes").mkdir(),
        (ValueError, OSError),
    ),
    "image": Door(
        images(), "train/a/fuzzed", lambda f: ImageFolder(f, image_size=8).images(), image_folder
    ),
    "table": Door(
        (TABLE,),
        "table.csv",
        lambda f: Table(f / "table.csv", ["one", "two"], ["params"], "accuracy"),
    ),
    "packed table": Door(
        (gzip.compress(TABLE, mtime=0),),
        "table.csv.gz",
        lambda f: Table(f / "table.csv.gz", ["one", "two"], ["params"], "accuracy"),
    ),
    "summary": Door((summary(),), "summary.json", print_profile, best_network),
    "summary of a network to predict with": Door((summary(),), "summary.json", load, ended_run),
    "network to predict with": Door(architectures()[:1], str(ARCHITECTURE), load, ended_run),
    "latencies": Door(
        (LATENCIES,),
        "latency.jsonl",
        lambda folder: LatencyFile(folder / "latency.jsonl", lambda _: 1.0).of([UNKNOWN]),
    ),
    "cached features": Door(
        (written(lambda path: cache.write(path, {"x": torch.ones(3)}, {"note": "1"})),),
        "cached.safetensors",
        lambda folder: cache.read(folder / "cached.safetensors"),
    ),
}

"""Searches with a bound on the latency, which is measured."""

from __future__ import annotations

import json
import random
import shutil
from itertools import product
from pathlib import Path
from statistics import median

import pytest
import torch
import yaml

from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import FINAL, Evaluation
from rena_pl.layers import layer_types
from rena_pl.objective import Constraint, Objective
from rena_pl.report.write import read_runs, write_report
from rena_pl.resources import NetworkResources
from rena_pl.resources.latency import FILE, LATENCY, Latencies, TimedResources
from rena_pl.resources.latency_file import Part
from rena_pl.search.budget import Budget
from rena_pl.search.compare import search
from rena_pl.search.controller import Controller
from rena_pl.search.searchers.rena import Imagination
from rena_pl.search.searchers.searcher import Ground
from rena_pl.space import SearchSpace
from rena_pl.space.starts import rudimentary
from tests.command_line import fails_with, rena
from tests.search import synthetic
from tests.tasks import CLASSES, INPUT, TinyTask
from tests.test_cli import TINY

CPU = torch.device("cpu")

BUDGET = Budget(episodes=2, steps=2, child_epochs=1, start_epochs=1, final_epochs=2)
CHANNELS, KERNELS = (8, 16), (3, 5)


def space() -> SearchSpace:
    hyper = {"channels": CHANNELS, "kernel": KERNELS, "stride": [1], "norm": ["batch"]}
    hyper["activation"] = ["relu"]
    return SearchSpace({"temporal": hyper}, max_layers=4)


def controller(seed: int = 0, bound: float = 1000.0, **settings) -> Controller:
    objective = Objective([Constraint("params", max=5000), Constraint(LATENCY, max=bound)])
    imagination = Imagination(first=2, warm_up=2, episodes=1, candidates=30)
    settings = {"imagination": imagination, **settings}
    made = Controller(space(), objective, budget=BUDGET, seed=seed, **settings)
    made.task = TinyTask()
    return made


def write_made_up(folder: Path) -> None:
    """The file of a machine on which wide layers and long kernels take long; all layers in it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [{"layer": "call", "inputs": [[1, 1, 1]], "ms": 0.5}]
    read = [list(INPUT), *([channels, 1, INPUT[2]] for channels in CHANNELS)]
    for channels, kernel, shape in product(CHANNELS, KERNELS, read):
        temporal = layer_types()["temporal"](channels=channels, kernel=kernel, activation="relu")
        ms = 0.5 + kernel + channels / 8
        lines.append({"layer": str(temporal.as_layer()), "inputs": [shape], "ms": ms})
    head = f"classifier(num_classes={CLASSES})"
    lines += [{"layer": head, "inputs": [shape], "ms": 0.75} for shape in read[1:]]
    (folder / FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))


SLOWEST = 16.0
"""Milliseconds on that machine, where four layers take at least 16.75."""


def keeps(evaluations: list[Evaluation], bound: float) -> bool:
    """Whether nothing was trained that breaks the bound."""
    return all(e.profile[LATENCY] <= bound for e in evaluations if e.budget > 0)


def test_nothing_is_measured_of_what_breaks_a_counted_bound() -> None:
    def measure(part: Part) -> float:
        raise AssertionError(f"{part.layer} was measured")

    bounds = Objective([Constraint(LATENCY, max=1.0), Constraint("params", max=10)])
    resources = TimedResources(NetworkResources(INPUT, CLASSES), Latencies(measure=measure))
    ground = Ground(space(), bounds, resources)
    assert not ground.feasible(rudimentary(space()))
    assert ground.violation(rudimentary(space())) > 1


@pytest.mark.parametrize("name", ["rena", "paper", "random", "evolution", "hill", "tpe", "nsga2"])
def test_every_searcher_keeps_the_bound_and_goes_on(name: str, tmp_path: Path) -> None:
    for folder in ("whole", "parts"):
        write_made_up(tmp_path / folder)
    before = (tmp_path / "whole" / FILE).read_bytes()
    whole = search(controller(bound=SLOWEST), TinyTask(), name, 9, tmp_path / "whole", CPU)
    assert len(whole) > 4
    assert keeps(whole, SLOWEST)
    assert max(e.profile[LATENCY] for e in whole) > 0.75 * SLOWEST
    search(controller(bound=SLOWEST), TinyTask(), name, 4, tmp_path / "parts", CPU)
    assert search(controller(bound=SLOWEST), TinyTask(), name, 9, tmp_path / "parts", CPU) == whole
    assert (tmp_path / "whole" / FILE).read_bytes() == before, "measured what was known"


def test_a_broken_bound_leaves_a_child_untrained(tmp_path: Path) -> None:
    """The policy gradient keeps its last draw, whatever it is."""
    write_made_up(tmp_path)
    made = controller(bound=SLOWEST, searcher="paper")
    made.budget = Budget(
        episodes=4, steps=2, draws=1, child_epochs=1, start_epochs=1, final_epochs=1
    )
    synthetic.trainer(3, tmp_path).fit(made)
    evaluations = made.ledger.evaluations()
    slow = [e for e in evaluations if e.profile[LATENCY] > SLOWEST]
    assert slow
    assert {e.status for e in slow} == {"infeasible"}
    assert all(f"latency_ms <= {SLOWEST:.0f} is broken by" in e.reason for e in slow)


def test_what_is_measured_holds_for_the_whole_run(tmp_path: Path) -> None:
    """A search that is cut goes on to the end of one that was not, on the same numbers."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    drawn = [space().draw(rudimentary(space()), random.Random(n)) for n in range(20)]
    latencies = Latencies(whole / FILE)
    bound = median(latencies.network(network, INPUT, CLASSES) for network in drawn)
    made = controller(bound=bound)
    synthetic.trainer(3, whole).fit(made)
    assert keeps(made.ledger.evaluations(), bound)

    parts.mkdir()
    shutil.copy(whole / FILE, parts)
    first = controller(bound=bound)
    trainer = synthetic.trainer(1, parts)
    trainer.fit(first)
    trainer.save_checkpoint(parts / "last.ckpt")
    rest = controller(bound=bound)
    synthetic.trainer(3, parts).fit(rest, ckpt_path=parts / "last.ckpt", weights_only=True)

    def searched(made: Controller) -> list[Evaluation]:
        return [e for e in made.ledger.evaluations() if e.place[0] < FINAL]

    assert searched(rest) == searched(made)
    assert made.summary.profile[LATENCY] <= bound
    assert made.summary.constraints_met is True


def test_a_soft_bound_cuts_the_reward(tmp_path: Path) -> None:
    write_made_up(tmp_path)
    made = controller()
    made.objective = Objective([Constraint(LATENCY, max=1.0, penalty=0.5)])
    synthetic.trainer(1, tmp_path).fit(made)
    for evaluation in made.ledger.evaluations():
        over = evaluation.profile[LATENCY] - 1
        assert evaluation.reward == pytest.approx(evaluation.accuracy * 0.5**over)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    settings = json.loads(json.dumps(TINY))
    bounds = [{"entry": "params", "max": 5000}, {"entry": LATENCY, "max": 50.0}]
    settings["model"]["objective"] = {"constraints": bounds}
    file = tmp_path / "timed.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


def test_the_latency_is_in_the_summary_the_report_and_the_profile(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    rena("fit", "--config", config, "--trainer.default_root_dir", folder)
    assert "latency_ms <= 50" in capsys.readouterr().out
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["profile"][LATENCY] > 0
    write_report(read_runs([folder]), tmp_path / "report.html")
    assert "against latency (ms)" in (tmp_path / "report.html").read_text()
    rena("export", folder)
    assert "The sum over its layers, as the search has it: " in capsys.readouterr().out
    best = folder / "best" / "architecture.json"
    rena("profile", best, "--latency", "--json")
    assert json.loads(capsys.readouterr().out)[LATENCY] > 0
    rena("profile", best, "--latency")
    assert "latency_ms" in capsys.readouterr().out
    rena("profile", best, "--json")
    assert LATENCY not in json.loads(capsys.readouterr().out)
    trained = tmp_path / "trained"
    rena("train", best, "--config", config, "--epochs", 1, "--folder", trained)
    rena("report", trained)


def test_a_bad_file_of_latencies_is_refused(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / FILE).write_text('{"layer": "call", "inputs": [[1, 1, 1]], "ms": "fast"}\n')
    said = fails_with(capsys, "fit", "--config", config, "--trainer.default_root_dir", folder)
    assert f"{FILE}: line 1: ms must be a number of milliseconds" in said


def test_without_such_a_bound_nothing_is_measured(tmp_path: Path) -> None:
    made = controller()
    made.objective = Objective([Constraint("params", max=5000)])
    synthetic.trainer(1, tmp_path).fit(made)
    assert not (tmp_path / FILE).exists()
    assert all(LATENCY not in e.profile for e in made.ledger.evaluations())


def test_an_unknown_entry_is_told_of_before_anything_is_prepared() -> None:
    bound = Objective([Constraint("latency", max=1.0)])
    with pytest.raises(RenaError, match=r"unknown constraint entry 'latency'; .* latency_ms$"):
        Controller(synthetic.space(), bound)

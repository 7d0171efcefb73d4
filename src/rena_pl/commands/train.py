"""`rena train`: one architecture trained in full, in a folder like that of a search."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from lightning.pytorch import LightningDataModule

from rena_pl.architecture import Architecture
from rena_pl.child.metric import metric_in_words
from rena_pl.commands.options import Options
from rena_pl.commands.search_settings import search_settings
from rena_pl.commands.surroundings import quiet
from rena_pl.console import plain_console
from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import FINAL, Candidate
from rena_pl.evaluation.evaluator import ChildTrainer, Evaluator
from rena_pl.evaluation.ledger import JOURNAL, Ledger, mend_journal
from rena_pl.evaluation.weights import WeightStore
from rena_pl.objective import Objective
from rena_pl.resources.latency import FILE as LATENCY_FILE
from rena_pl.search.controller import Controller
from rena_pl.search.final import conclude, summary_before, write_outcome
from rena_pl.search.prepare import resources_of
from rena_pl.search.run_folder import RunFolder
from rena_pl.search.setting import setting_of
from rena_pl.search.summary import Summary


def run_train(arguments: list[str]) -> None:
    """Train with the config's recipe, test once, and write the folder; once, not again.

    Raises:
        RenaError: The architecture, the config, the data or the folder are not usable, the folder
            is another network's, or training failed.
    """
    parser = Options(
        prog="rena train",
        description="Train an architecture in full. All options of `rena fit` are options too; "
        "the bounds do not count.",
    )
    parser.add_argument("architecture", type=Path, help="an architecture's JSON file")
    parser.add_argument(
        "--epochs", type=int, help="default: `model.budget.final_epochs` of the config"
    )
    parser.add_argument(
        "--folder", type=Path, help="default: `train/ARCH_ID` in the config's run folder"
    )
    options, config = parser.parse_with_changes(arguments, "the architecture")
    architecture = Architecture.load(options.architecture)
    quiet()
    settings = search_settings("rena train", config)
    budget = settings.controller.budget
    epochs = budget.final_epochs if options.epochs is None else options.epochs
    if epochs < 1:
        raise RenaError(f"--epochs {epochs}: must be at least 1")
    values = settings.values
    root = Path(values["trainer"]["default_root_dir"])
    folder = options.folder or root / "train" / architecture.arch_id
    values["model"]["start"] = str(options.architecture.resolve())
    values["model"]["budget"]["final_epochs"] = epochs
    run_folder = RunFolder(folder, values, option="--folder")
    status = plain_console(stderr=True).status(
        f"training {architecture.arch_id} for {epochs} epochs"
    )
    with run_folder.locked(), status:
        candidate = Candidate(architecture, None, epochs, (FINAL, 0, 0))
        summary = _train(candidate, settings.controller, settings.task, settings.device, run_folder)
    print(f"test {metric_in_words(summary.metric)} {summary.test_accuracy:.2%}")
    print(f"run folder: {folder}")


def _train(
    candidate: Candidate,
    controller: Controller,
    task: LightningDataModule,
    device: torch.device,
    folder: RunFolder,
) -> Summary:
    """Evaluate a candidate as a search does its full trainings; the summary."""
    began = time.monotonic()
    torch.set_num_threads(controller.threads)
    task.prepare_data()
    task.setup("fit")
    recipe, metric, path = controller.recipe, controller.metric, folder.path
    weights = WeightStore(path / "weights")
    trainer = ChildTrainer(task, recipe, metric, weights, device)
    folder.claim()
    mend_journal(path / JOURNAL)
    objective = Objective()
    setting = setting_of(controller.seed, task, objective, recipe, metric, inherit=False)
    evaluator = Evaluator(
        resources_of(task, controller.objective, path / LATENCY_FILE),
        objective,
        Ledger(path / JOURNAL, setting),
        trainer,
        setting,
    )
    for evaluation in evaluator.ledger.evaluations():
        if evaluation.architecture != candidate.architecture:
            other = evaluation.architecture.arch_id
            raise RenaError(f"{path} holds the training of {other}; give another --folder")
    before = summary_before(path, evaluator.ledger)
    if before is not None and evaluator.find(candidate) is not None:
        return before
    trained = evaluator.evaluate(candidate)
    task.setup("test")
    outcome = conclude([trained], evaluator)
    return write_outcome(outcome, evaluator, task, time.monotonic() - began, path)

"""The ledger: every evaluation of a search, durable, shared by all workers, an Optuna study."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from rena_pl.errors import RenaError
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.interrupts import interrupts_held

STUDY = "rena"
STATES = {
    "done": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
    "infeasible": TrialState.PRUNED,
}


class Ledger:
    """Evaluations by key, in memory and in an Optuna study.

    An evaluation is written once, when its child has ended, by the worker that trained it. Its
    trial has the accuracy as value and everything else as user attributes, so that Optuna's
    plots and dashboard work on it.

    Args:
        storage: A journal file, or the URL of any Optuna storage.
        setting: What its evaluations have in common (see `Candidate.key`), to be compared with
            what is there; not compared when left out.
        study: The study's name in the storage.

    Raises:
        RenaError: The storage cannot be read, or holds evaluations of another setting.
    """

    def __init__(self, storage: str | Path, setting: str | None = None, study: str = STUDY) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            self._study = optuna.create_study(
                storage=_open(storage), study_name=study, direction="maximize", load_if_exists=True
            )
        except Exception as error:
            raise RenaError(f"{storage}: the ledger cannot be opened: {error}") from error
        if setting is not None:
            if self._study.user_attrs.get("setting", setting) != setting:
                raise RenaError(
                    f"{storage} holds a search on other data or with other settings; give another "
                    "trainer.default_root_dir"
                )
            self._study.set_user_attr("setting", setting)
        self._evaluations: dict[str, Evaluation] = {}
        self._read = 0
        self.refresh()

    def __len__(self) -> int:
        return len(self._evaluations)

    def find(self, key: str) -> Evaluation | None:
        """The evaluation of that name, if this worker knows of it."""
        return self._evaluations.get(key)

    def record(self, evaluation: Evaluation) -> None:
        """Write an evaluation down; returns when it is on disk."""
        with interrupts_held():
            self._study.add_trial(
                optuna.create_trial(
                    state=STATES[evaluation.status],
                    value=evaluation.accuracy,
                    user_attrs=evaluation.as_dict(),
                )
            )
        self._evaluations[evaluation.key] = evaluation

    def refresh(self) -> None:
        """Take in what other workers, or an earlier run, have written."""
        trials = self._study.get_trials(deepcopy=False)
        for trial in trials[self._read :]:
            evaluation = _evaluation(trial)
            self._evaluations.setdefault(evaluation.key, evaluation)
        self._read = len(trials)

    def evaluations(self) -> list[Evaluation]:
        """All evaluations in the order of the search, whoever trained them and when."""
        return in_order(self._evaluations.values())

    @property
    def child_epochs(self) -> int:
        """What the search has cost so far."""
        return sum(evaluation.budget for evaluation in list(self._evaluations.values()))


def _open(storage: str | Path) -> str | JournalStorage:
    if isinstance(storage, str) and "://" in storage:
        return storage
    Path(storage).parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(storage)))


def read_journal(path: Path) -> list[Evaluation]:
    """The evaluations of a journal as they were written; another process may be at it.

    Their values are as the file has them: whoever takes files from others checks them.

    Args:
        path: An existing journal file; nothing is written to it.

    Raises:
        RenaError: It is no ledger; the sentence names the file.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.load_study(study_name=STUDY, storage=_open(path))
        trials = study.get_trials(deepcopy=False)
    except Exception as error:  # whatever Optuna dies of on a file that is no journal
        raise RenaError(f"{path}: is no ledger: {type(error).__name__}: {error}") from None
    try:
        return [_evaluation(trial) for trial in trials]
    except RenaError as error:
        raise RenaError(f"{path}: {error}") from None


def in_order(evaluations: Iterable[Evaluation]) -> list[Evaluation]:
    """Evaluations in the order of the search, whoever trained them and when."""
    return sorted(evaluations, key=lambda evaluation: (evaluation.place, evaluation.rung))


def mend_journal(path: Path) -> None:
    """Cut off a last line that was not written to its end; nobody else may write meanwhile.

    Optuna does not read such a line, but would write the next one behind it.
    """
    if path.is_file():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with path.open("r+b") as file:
                file.truncate(whole)


def _evaluation(trial: FrozenTrial) -> Evaluation:
    try:
        return Evaluation.from_dict(trial.user_attrs)
    except (KeyError, TypeError, ValueError, RenaError) as error:
        raise RenaError(f"ledger: trial {trial.number} is not an evaluation: {error}") from None

"""The ledger: every evaluation of a search, durable, shared by all workers, an Optuna study."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from os import SEEK_END
from pathlib import Path
from time import sleep

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import DBAPIError

from rena_pl.errors import RenaError, StorageError
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.interrupts import interrupts_held
from rena_pl.passwords import without_password

JOURNAL = "ledger.journal"
"""Where a run folder has its ledger."""
STUDY = "rena"
MAX_JOURNAL_BYTES = 2**30
"""About half a million evaluations."""
PAUSES = (0.2, 0.5, 1.0, 2.0)
"""Seconds before a database is asked once more."""
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
        search: What sets its search apart from others of that setting, compared likewise.

    Raises:
        RenaError: The storage cannot be read, or holds evaluations of another setting or search.
    """

    def __init__(
        self,
        storage: str | Path,
        setting: str | None = None,
        study: str = STUDY,
        search: str | None = None,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._name = without_password(str(storage))
        known = {"setting": setting, "search": search}
        own = {name: value for name, value in known.items() if value is not None}
        try:
            self._study = _study(_open(storage), study)
            written = self._study.user_attrs
            differs = any(written.get(name, value) != value for name, value in own.items())
            for name, value in own.items():
                if not differs and name not in written:
                    self._study.set_user_attr(name, value)
        except Exception as error:  # what a journal that is none, or a database, raises
            raise RenaError(f"{self._name}: the ledger cannot be opened: {_line(error)}") from error
        if differs:
            raise RenaError(
                f"{self._name} holds a search on other data or with other settings (have files "
                "been added, changed or taken away?); give another trainer.default_root_dir"
            )
        self._evaluations: dict[str, Evaluation] = {}
        self._read = 0
        self.refresh()

    def __len__(self) -> int:
        return len(self._evaluations)

    def find(self, key: str) -> Evaluation | None:
        """The evaluation of that name, if this worker knows of it."""
        return self._evaluations.get(key)

    def record(self, evaluation: Evaluation) -> None:
        """Write an evaluation down; returns when it is on disk.

        Raises:
            StorageError: It cannot be written.
        """
        trial = optuna.create_trial(
            state=STATES[evaluation.status],
            value=evaluation.accuracy,
            user_attrs=evaluation.as_dict(),
        )
        with interrupts_held():
            try:
                self._study.add_trial(trial)
            except Exception as error:  # a full disk, a database that is gone
                raise StorageError(f"{self._name}: cannot be written: {_line(error)}") from error
        self._evaluations[evaluation.key] = evaluation

    def refresh(self) -> None:
        """Take in what other workers, or an earlier run, have written.

        Raises:
            RenaError: Something there is not an evaluation.
        """
        try:
            trials = self._study.get_trials(deepcopy=False)
        except Exception as error:  # what a database that is gone raises, or a broken journal
            raise RenaError(f"{self._name}: cannot be read: {_line(error)}") from error
        for trial in trials[self._read :]:
            evaluation = _evaluation(trial, self._name)
            self._evaluations.setdefault(evaluation.key, evaluation)
        self._read = len(trials)

    def evaluations(self) -> list[Evaluation]:
        """All evaluations in the order of the search, whoever trained them and when."""
        return in_order(self._evaluations.values())

    def since(self, count: int) -> list[Evaluation]:
        """All but the first `count`, in the order in which this worker learnt of them."""
        return list(self._evaluations.values())[count:]

    @property
    def child_epochs(self) -> int:
        """What the search has cost so far."""
        return sum(evaluation.budget for evaluation in list(self._evaluations.values()))


def _study(storage: str | JournalStorage, name: str) -> optuna.Study:
    """The study of that name.

    Of several workers that make the tables of a new database at once all but one are refused;
    they ask again.
    """
    for pause in PAUSES:
        with suppress(DBAPIError, StorageInternalError):
            return _load_or_create(storage, name)
        sleep(pause)
    return _load_or_create(storage, name)


def _load_or_create(storage: str | JournalStorage, name: str) -> optuna.Study:
    """The study of that name; made where there is none, so that reading writes nothing."""
    if name in optuna.get_all_study_names(storage):
        return optuna.load_study(study_name=name, storage=storage)
    return optuna.create_study(
        storage=storage, study_name=name, direction="maximize", load_if_exists=True
    )


def _open(storage: str | Path) -> str | JournalStorage:
    if isinstance(storage, str) and "://" in storage:
        return storage
    path = Path(storage)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and path.stat().st_size > MAX_JOURNAL_BYTES:
        raise RenaError(f"it holds more than {MAX_JOURNAL_BYTES:,} bytes")
    lock = _JournalLock(str(path.resolve()))  # a link, which points nowhere from a relative path
    return JournalStorage(JournalFileBackend(str(path), lock))


class _JournalLock(JournalFileSymlinkLock):
    """Optuna's lock for shared file systems; whoever gets it begins on a whole line.

    What a full disk or a kill left of a line would else make one with the next writer's.
    """

    def __init__(self, journal: str) -> None:
        super().__init__(journal)
        self._journal = Path(journal)

    def acquire(self) -> bool:
        acquired = super().acquire()
        try:
            _cut_torn_line(self._journal)
        except BaseException:
            self.release()
            raise
        return acquired


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
    return [_evaluation(trial, path) for trial in trials]


def in_order(evaluations: Iterable[Evaluation]) -> list[Evaluation]:
    """Evaluations in the order of the search, whoever trained them and when."""
    return sorted(evaluations, key=lambda evaluation: evaluation.turn)


def mend_journal(path: Path) -> None:
    """Put a journal right whose writers were killed; nobody else may write meanwhile.

    Optuna waits half a minute for a lock that nobody holds any more.
    """
    path.with_name(path.name + ".lock").unlink(missing_ok=True)
    if path.is_file():
        _cut_torn_line(path)


def _cut_torn_line(path: Path) -> None:
    """Cut off a last line that was not written to its end."""
    with path.open("r+b") as file:
        end = file.seek(0, SEEK_END)
        if end == 0 or (file.seek(end - 1) and file.read(1) == b"\n"):
            return
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _evaluation(trial: FrozenTrial, storage: str | Path) -> Evaluation:
    try:
        return Evaluation.from_dict(trial.user_attrs)
    except (RenaError, KeyError, TypeError, ValueError) as error:
        raise RenaError(
            f"{storage}: trial {trial.number} is not an evaluation: {_line(error)}"
        ) from None


def _line(error: Exception) -> str:
    """What an error says, on one line."""
    return without_password(" ".join(str(error).split())) or type(error).__name__

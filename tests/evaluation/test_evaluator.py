"""From candidates to evaluations, with real children on a small task."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch
from lightning.pytorch import LightningDataModule

from rena_pl.architecture import Architecture
from rena_pl.child.module import Recipe
from rena_pl.errors import RenaError, StorageError
from rena_pl.evaluation.evaluation import FINAL, START, Candidate, Evaluation
from rena_pl.evaluation.evaluator import ChildTrainer, Evaluator, Scored
from rena_pl.evaluation.ledger import Ledger, mend_journal
from rena_pl.evaluation.lineage import descendants
from rena_pl.evaluation.weights import WeightStore
from rena_pl.layers import layer_types
from rena_pl.objective import Constraint, Objective
from rena_pl.resources import NetworkResources
from tests.disk import full_disk
from tests.tasks import TinyTask, WithoutSplits


def chain(*channels: int) -> Architecture:
    temporal = layer_types()["temporal"]
    return Architecture(
        tuple(temporal(channels=c, kernel=3).as_layer(i) for i, c in enumerate(channels))
    )


def evaluator(
    folder: Path, task: LightningDataModule | None = None, recipe: Recipe = Recipe(), **settings
) -> Evaluator:
    task = task or TinyTask()
    task.setup("fit")
    store = WeightStore(folder / "weights")
    trainer = ChildTrainer(task, recipe, "accuracy", store, torch.device("cpu"), **settings)
    objective = Objective([Constraint("params", max=2000)])
    return Evaluator(
        NetworkResources((1, 6, 8), 3), objective, Ledger(folder / "ledger"), trainer, "setting"
    )


def test_a_child_is_trained_recorded_and_found_again(tmp_path: Path) -> None:
    first = evaluator(tmp_path).evaluate(Candidate(chain(8), None, 4, START))
    assert first.status == "done"
    assert first.accuracy > 0.8
    assert first.budget == 4
    assert first.seconds > 0

    def never(*_):
        raise AssertionError("trained twice")

    again = evaluator(tmp_path)
    again.scorer = never
    assert again.evaluate(Candidate(chain(8), None, 4, (3, 0, 0))) == first
    assert again.ledger.child_epochs == 4


def test_heirs_of_a_parent_see_the_same_examples_in_the_same_order() -> None:
    one, other = (Candidate(chain(c), "parent", 2, START) for c in (8, 12))
    assert one.key("setting") != other.key("setting")
    assert one.seed("setting") == other.seed("setting")
    assert one.seed("setting") != one.seed("another")
    assert one.seed("setting") != Candidate(chain(8), "another", 2, START).seed("setting")


def test_the_same_candidate_gives_the_same_evaluation(tmp_path: Path) -> None:
    candidate = Candidate(chain(8), None, 2, START)
    torch.manual_seed(1)
    one = evaluator(tmp_path / "one").evaluate(candidate)
    torch.manual_seed(2)
    two = evaluator(tmp_path / "two").evaluate(candidate)
    assert one == two
    weights = [WeightStore(tmp_path / n / "weights").load(one.key) for n in ("one", "two")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_training_a_child_leaves_torchs_generator_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    evaluator(tmp_path).evaluate(Candidate(chain(8), None, 1, START))
    assert torch.equal(torch.rand(1), expected)


def test_inheritance_gives_a_child_a_start(tmp_path: Path) -> None:
    worker = evaluator(tmp_path)
    parent = worker.evaluate(Candidate(chain(8), None, 6, START))
    child = worker.evaluate(Candidate(chain(8, 8), parent.key, 1, (0, 0, 0)))
    orphan = worker.evaluate(Candidate(chain(8, 8), None, 1, (0, 0, 1)))
    assert child.inherited == 1
    assert orphan.inherited == 0
    assert child.key != orphan.key


def test_from_scratch_it_does_not_matter_what_a_child_was_made_of(tmp_path: Path) -> None:
    worker = evaluator(tmp_path)
    one, other = (worker.evaluate(Candidate(chain(c), None, 1, START)) for c in (8, 12))
    made = [Candidate(chain(8, 8), e.key, 2, (0, 0, 0), heir=False) for e in (one, other)]
    child = worker.evaluate(made[0])
    assert (child.parent, child.inherited, child.trained) == (one.key, 0, 2)
    assert worker.evaluate(made[1]) == child
    alike = Candidate(chain(12, 8), other.key, 2, (0, 1, 0), heir=False)
    assert worker.evaluate(alike).seed == child.seed


def test_an_infeasible_candidate_costs_nothing_and_says_why(tmp_path: Path) -> None:
    evaluation = evaluator(tmp_path).evaluate(Candidate(chain(96, 96), None, 4, START))
    assert evaluation.status == "infeasible"
    assert evaluation.budget == 0
    assert evaluation.accuracy is None
    assert evaluation.reason.startswith("params <= 2,000 is broken by")
    assert not (tmp_path / "weights").exists()


def test_a_child_that_turns_nan_is_a_failed_evaluation(tmp_path: Path) -> None:
    worker = evaluator(tmp_path, recipe=Recipe(learning_rate=1e12))
    evaluation = worker.evaluate(Candidate(chain(8, 8), None, 3, (0, 0, 0)))
    assert evaluation.status == "failed"
    assert "the loss was not finite in epoch" in evaluation.reason
    assert evaluation.reward == worker.objective.failure_reward
    with pytest.raises(RenaError, match="the start network cannot be trained: TrainingError"):
        worker.evaluate(Candidate(chain(8), None, 3, START))
    assert len(worker.ledger) == 1  # it can be tried again


def test_an_interrupt_that_ends_as_an_error_is_no_failure_of_the_child(tmp_path: Path) -> None:
    worker = evaluator(tmp_path)

    def interrupted(*_):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("a callback failed") from None

    worker.scorer = interrupted
    with pytest.raises(KeyboardInterrupt):
        worker.evaluate(Candidate(chain(8), None, 1, (0, 0, 0)))
    assert len(worker.ledger) == 0


def test_the_shortest_training_has_a_schedule(tmp_path: Path) -> None:
    """A cycle of a few steps once divided by zero."""
    for batch_size in (30, 40, 60, 120):
        worker = evaluator(tmp_path / str(batch_size), TinyTask(batch_size))
        assert worker.evaluate(Candidate(chain(8), None, 1, START)).status == "done"


def test_a_journal_torn_by_a_kill_is_mended(tmp_path: Path) -> None:
    worker = evaluator(tmp_path)
    first = worker.evaluate(Candidate(chain(8), None, 1, START))
    worker.evaluate(Candidate(chain(16), None, 1, (0, 0, 0)))
    journal = tmp_path / "ledger"
    journal.write_bytes(journal.read_bytes()[:-300])
    mend_journal(journal)
    assert Ledger(journal).evaluations() == [first]
    again = evaluator(tmp_path).evaluate(Candidate(chain(16), None, 1, (0, 0, 0)))
    assert Ledger(journal).evaluations() == [first, again]


def test_a_ledger_of_another_setting_is_refused(tmp_path: Path) -> None:
    Ledger(tmp_path / "ledger", "one")
    Ledger(tmp_path / "ledger", "one")
    with pytest.raises(RenaError, match="holds a search on other data or with other settings"):
        Ledger(tmp_path / "ledger", "two")


def test_any_lightning_data_module_is_a_task(tmp_path: Path) -> None:
    evaluation = evaluator(tmp_path, WithoutSplits()).evaluate(Candidate(chain(8), None, 4, START))
    assert evaluation.accuracy > 0.8
    again = evaluator(tmp_path / "again", WithoutSplits())
    assert again.evaluate(Candidate(chain(8), None, 4, START)) == evaluation


def test_everything_that_decides_an_outcome_is_in_its_key() -> None:
    base = Candidate(chain(8), None, 2, START)
    others = [
        Candidate(chain(16), None, 2, START),
        Candidate(chain(8), "parent", 2, START),
        Candidate(chain(8), None, 3, START),
    ]
    keys = {candidate.key("setting") for candidate in [base, *others]} | {base.key("other")}
    assert len(keys) == 5
    assert Candidate(chain(8), None, 2, (4, 4, 4)).key("setting") == base.key("setting")


def test_the_ledger_keeps_evaluations_in_the_order_of_the_search(tmp_path: Path) -> None:
    worker = evaluator(tmp_path)
    late = worker.evaluate(Candidate(chain(96, 96), None, 1, (2, 0, 0)))
    early = worker.evaluate(Candidate(chain(96, 48), None, 1, (1, 5, 0)))
    other = Ledger(tmp_path / "ledger")
    assert other.evaluations() == [early, late]
    another = worker.evaluate(Candidate(chain(96, 32), None, 1, (0, 0, 0)))
    assert len(other) == 2
    other.refresh()
    assert other.evaluations() == [another, early, late]


def test_the_ledger_is_an_optuna_study(tmp_path: Path) -> None:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    worker = evaluator(tmp_path)
    done = worker.evaluate(Candidate(chain(8), None, 1, START))
    worker.evaluate(Candidate(chain(96, 96), None, 1, (0, 0, 0)))
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "ledger")))
    study = optuna.load_study(study_name="rena", storage=storage)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED"]
    assert study.best_value == done.accuracy
    assert study.best_trial.user_attrs["profile"]["params"] == done.profile["params"]
    assert study.best_trial.user_attrs["arch_id"] == done.architecture.arch_id


def test_descendants_are_found_through_generations() -> None:
    def child(key: str, parent: str | None) -> Evaluation:
        return Evaluation(key, chain(8), parent, 1, START, {}, "done", 0.5, 0.5)

    family = [child("a", None), child("b", "a"), child("c", "b"), child("d", None), child("e", "d")]
    assert descendants(family, "a") == {"a", "b", "c"}
    assert descendants(family, "b") == {"b", "c"}
    assert descendants(reversed(family), "a") == {"a", "b", "c"}


def test_weights_are_whole_or_not_there(tmp_path: Path) -> None:
    store = WeightStore(tmp_path)
    store.save("one", {"w": torch.ones(3)})
    store.save("two", {"w": torch.zeros(3)})
    (tmp_path / "three.safetensors.99.part").write_bytes(b"half")
    assert store.load("three") is None
    store.keep_only({"one"})
    assert [path.name for path in tmp_path.iterdir()] == ["one.safetensors"]
    assert torch.equal(store.load("one")["w"], torch.ones(3))


def test_a_child_that_takes_too_long_is_a_failed_evaluation(tmp_path: Path) -> None:
    worker = evaluator(tmp_path, seconds=1e-6)
    evaluation = worker.evaluate(Candidate(chain(8), None, 3, (0, 0, 0)))
    assert evaluation.status == "failed"
    assert evaluation.reason == "TrainingError: it took longer than 1e-06 s, in epoch 1"
    assert worker.evaluate(Candidate(chain(8), None, 2, START)).status == "done"
    assert worker.evaluate(Candidate(chain(8), None, 4, (FINAL, 0, 0))).status == "done"


def test_a_full_disk_is_no_fault_of_the_child(tmp_path: Path) -> None:
    worker = evaluator(tmp_path)
    candidate = Candidate(chain(16), None, 1, (0, 0, 0))
    with full_disk(100), pytest.raises(StorageError, match=r"safetensors: cannot be written: "):
        worker.evaluate(candidate)
    assert len(worker.ledger) == 0
    assert list((tmp_path / "weights").iterdir()) == []
    assert worker.evaluate(candidate).status == "done"


def test_damaged_weights_of_a_parent_are_named(tmp_path: Path) -> None:
    worker = evaluator(tmp_path)
    parent = worker.evaluate(Candidate(chain(8), None, 1, START))
    path = tmp_path / "weights" / f"{parent.key}.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    heir = Candidate(chain(16), parent.key, 1, (0, 0, 0))
    with pytest.raises(StorageError, match=f"{path}: holds no weights that can be read"):
        worker.evaluate(heir)
    path.unlink()
    with pytest.raises(StorageError, match=f"the weights of {parent.key} are gone"):
        worker.evaluate(heir)
    assert len(worker.ledger) == 1, "it was recorded as if it had failed"


def test_what_is_no_fault_of_the_child_is_not_recorded(tmp_path: Path) -> None:
    worker = evaluator(tmp_path)

    def scorer(*_: object) -> Scored:
        raise OSError("the data are on a disk that is gone")

    worker.scorer = scorer
    with pytest.raises(RenaError, match="on this machine: the data are on a disk that is gone"):
        worker.evaluate(Candidate(chain(8), None, 1, (0, 0, 0)))
    assert len(worker.ledger) == 0

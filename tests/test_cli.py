"""The command, as people use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import yaml
from filelock import FileLock
from lightning.pytorch import Trainer

from rena_pl.architecture import Architecture, Layer
from rena_pl.evaluation.evaluation import Evaluation
from rena_pl.evaluation.ledger import Ledger, mend_journal
from rena_pl.layers import layer_types
from rena_pl.objective import Constraint
from rena_pl.search.run_folder import LOCK
from tests.command_line import fails_with, rena
from tests.conftest import REPOSITORY
from tests.disk import full_disk
from tests.tasks import TinyTask

CONFIGS = sorted((REPOSITORY / "configs").glob("*.yaml"))
TINY = {
    "seed_everything": 4,
    "trainer": {"max_epochs": 4, "accelerator": "cpu"},
    "model": {
        "space": {
            "max_layers": 3,
            "layers": {"temporal": {"channels": [8, 16], "kernel": [3], "stride": [1]}},
        },
        "objective": {"constraints": [{"entry": "params", "max": 1000}]},
        "budget": {
            "episodes": 3,
            "steps": 2,
            "child_epochs": 1,
            "start_epochs": 1,
            "final_epochs": 3,
            "final_candidates": 2,
        },
    },
    "data": {"class_path": "tests.tasks.TinyTask"},
}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY))
    return path


@pytest.fixture(autouse=True)
def _no_wandb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from rena_pl.cli import main; main(['--help']); "
        "heavy = {'torch', 'lightning', 'optuna', 'wandb', 'rich'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "fit" in done.stdout
    assert "profile" in done.stdout


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    rena("--version")
    assert capsys.readouterr().out.startswith("rena 0.")


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_parses(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        rena("fit", "--config", config, "--print_config")
    assert exit_.value.code == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    shipped = yaml.safe_load(config.read_text())
    assert printed["data"]["class_path"] == shipped["data"]["class_path"]
    assert printed["model"]["budget"] == {
        **printed["model"]["budget"],
        **shipped["model"]["budget"],
    }
    assert printed["trainer"]["max_epochs"] == shipped["trainer"]["max_epochs"]
    assert printed["trainer"]["default_root_dir"] == f"runs/{config.stem}"


def test_there_is_a_config_for_every_task_of_the_readme() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    assert all(f"`{config.name}`" in readme for config in CONFIGS)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--modell.seed", "1"], "--modell.seed"),
        (["--model.objectiv.x", "1"], "--model.objectiv.x"),
        (["--model.metric", "f17"], "unknown metric 'f17'"),
        (["--model.budget.steps", "0"], "budget.steps must be at least 1"),
        (["--model.budget.steps", "many"], "model.budget.steps"),
        (["--model.space.layers", "{warp: {}}"], "unknown layer type 'warp'"),
        (["--model.space.layers", "{pool: {size: [2]}}"], "pool has no hyper-parameter 'size'"),
        (["--model.objective.constraints", '[{"entry": "speed", "max": 1}]'], "'speed'"),
        (["--model.start", "nowhere.json"], "no start network 'nowhere.json'"),
        (["--data", "rena_pl.data.Nothing"], "rena_pl.data.Nothing"),
        (["--data", "no.such.Module"], "data: no.such.Module: No module named 'no'"),
        (["--data", "rena_pl.data.SpeechCommands", "--data.init_args.roott", "x"], "roott"),
        (
            ["--data", "rena_pl.data.SpeechCommands", "--data.init_args.root", "/not/there"],
            "no folder /not/there",
        ),
        (["--trainer.max_epochs", "soon"], "trainer.max_epochs: expected int but got soon"),
        (["--trainer.max_epochs", "0"], "trainer.max_epochs must be at least 1 update, not 0"),
        (["--trainer.max_epochs", "null"], "at least 1 update, not None"),
        (["--trainer.default_root_dir", "null"], "trainer.default_root_dir: name the run folder"),
        (["--trainer.accelerator", "abacus"], "abacus"),
        (["--model.gradient.gradient_clip", "-1"], "gradient.gradient_clip must be at least 0"),
        (["--model.gradient.discount", "2"], "gradient.discount must be from 0 to 1, not 2"),
        (["--model.gradient.learning_rate", ".nan"], "learning_rate must be at least 0, not nan"),
        (["--model.objective.failure_reward", ".nan"], "failure_reward: nan is no finite number"),
        (["--model.budget.step", "1"], "unrecognized arguments: --model.budget.step 1"),
        (["--seed_everything", "-1"], "seed_everything must be from 0 to 4294967295, not -1"),
        (["--trainer.gradient_clip_val", "1"], "Automatic gradient clipping is not supported"),
        (["--trainer.accelerator", "tpu"], "torch_xla"),
        (["--config", "nothing.yaml"], "rena: config nothing.yaml: No such file or directory"),
        (["--model.child_device", "rocm"], "model.child_device: expected 'cuda' but got rocm"),
        (
            ["--model.objective.constraints", '[{"entry": "params", "penalty": "soft"}]'],
            "penalty: expected float or 'hard' but got soft",
        ),
    ],
)
def test_a_mistake_is_one_sentence_that_names_it(
    arguments, sentence, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["fit", "--config", tiny, "--trainer.default_root_dir", tmp_path / "run"]
    assert sentence in fails_with(capsys, *common, *arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["compare", "--seeds", "x"], "argument --seeds: invalid int value: 'x'; `rena compare"),
        (["compare"], "give --config FILE (see configs/) or --data CLASS"),
        (["compare", "--config", "TINY", "--trainer.max_epochs", "null"], "at least 1 update"),
        (["profile"], "arguments are required: architecture; `rena profile --help` lists"),
        (["export", "run", "--format", "tape"], "argument --format: invalid choice: 'tape'"),
        (["train"], "arguments are required: architecture"),
        (["report"], "the following arguments are required"),
    ],
)
def test_so_is_one_of_the_other_commands(
    arguments: list[str], sentence: str, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(tiny) if word == "TINY" else word for word in arguments]
    assert sentence in fails_with(capsys, *given)


def test_a_wrong_value_is_named_without_all_that_it_stands_in(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = yaml.safe_load(tiny.read_text())
    config["model"]["space"]["max_layers"] = "five"
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(yaml.safe_dump(config))
    said = fails_with(capsys, "fit", "--config", wrong)
    assert said.endswith("max_layers: expected int. Got value: five")


def test_a_wrong_word_in_a_config_is_named_without_what_stands_around_it(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "wrong.yaml"
    config.write_text("model: {space: {max_layrs: 3, layers: {conv2d: {}}}}")
    message = fails_with(capsys, "fit", "--config", tiny, "--config", config)
    assert message.strip().endswith("Option 'max_layrs' is not accepted")


def test_bounds_on_the_command_line_take_the_place_of_the_config_s(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "soft.yaml"
    soft = {"entry": "intensity", "min": 100, "penalty": 0.5}
    config.write_text(yaml.safe_dump({**TINY, "model": {"objective": {"constraints": [soft]}}}))
    bounds = ["--model.objective.constraints", "[{entry: params, max: 2}]"]
    with pytest.raises(SystemExit):
        rena("fit", "--config", config, *bounds, "--print_config")
    printed = yaml.safe_load(capsys.readouterr().out)
    (constraint,) = printed["model"]["objective"]["constraints"]
    assert Constraint(**constraint) == Constraint("params", max=2)


def test_text_of_a_file_does_nothing_to_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Architecture((Layer("\x1b[2Jdense"),)).save(tmp_path / "hostile.json")
    said = fails_with(capsys, "profile", tmp_path / "hostile.json")
    assert "unknown layer type '\ufffd[2Jdense'" in said


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "unknown command 'fitt'" in fails_with(capsys, "fitt")


def test_a_file_that_is_no_config_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.yaml").write_text("model: [")
    assert "broken.yaml" in fails_with(capsys, "fit", "--config", tmp_path / "broken.yaml")


def test_yes_and_no_are_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "words.yaml"
    words = "data: {class_path: rena_pl.data.SpokenKeywords, init_args: {keywords: [yes, no, on]}}"
    config.write_text(yaml.safe_dump({"model": TINY["model"]}) + words)
    with pytest.raises(SystemExit):
        rena("fit", "--config", config, "--print_config")
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["data"]["init_args"]["keywords"] == ["yes", "no", "on"]
    with pytest.raises(SystemExit):
        rena(
            *["fit", "--config", config],
            *["--data.init_args.keywords", "[off, no]", "--print_config"],
        )
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["data"]["init_args"]["keywords"] == ["off", "no"]


def test_a_search_leaves_its_run_folder_and_is_not_run_twice(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    command = ["fit", "--config", tiny, "--trainer.default_root_dir", folder]
    rena(*command)
    assert f"run folder: {folder}" in capsys.readouterr().out
    for name in (
        "config.yaml",
        "ledger.journal",
        "summary.json",
        "report.html",
        "best/architecture.json",
        "best/model.safetensors",
        "logs/version_0/metrics.csv",
    ):
        assert (folder / name).stat().st_size > 0, name
    checkpoint = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["epoch"] == 3
    capsys.readouterr()
    rena("profile", folder / "best" / "architecture.json", "--json")
    assert (
        json.loads(capsys.readouterr().out)["params"]
        == json.loads((folder / "summary.json").read_text())["profile"]["params"]
    )  # with the shapes of the run
    ledger = trials(folder)
    summary = json.loads((folder / "summary.json").read_text())

    rena("fit", "--config", folder / "config.yaml")
    assert trials(folder) == ledger
    assert json.loads((folder / "summary.json").read_text()) == summary


def test_wandb_keeps_the_run_offline_without_an_account(tiny: Path, tmp_path: Path) -> None:
    """In a process of its own, with nothing said about W&B."""
    folder = tmp_path / "run"
    arguments = ["fit", "--config", tiny, "--trainer.default_root_dir", folder]
    arguments += ["--trainer.max_epochs", 1]
    environment = {name: value for name, value in os.environ.items() if "WANDB" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "rena_pl", *map(str, arguments)],
        cwd=REPOSITORY,
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "wandb:" not in done.stderr
    assert list(folder.glob("wandb/offline-run-*/run-*.wandb"))


def trials(folder: Path) -> list[str]:
    """The numbers and times of all trials in a run's ledger."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(folder / "ledger.journal")))
    study = optuna.load_study(study_name="rena", storage=storage)
    return [f"{trial.number} {trial.datetime_start}" for trial in study.trials]


def test_a_folder_with_another_search_is_refused(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fit", "--config", tiny, "--trainer.default_root_dir", tmp_path / "run"]
    rena(*command, "--trainer.max_epochs", 1)
    sentence = fails_with(capsys, *command, "--model.budget.steps", 3)
    assert "model.budget.steps = 2, not 3" in sentence
    rena(*command, "--trainer.max_epochs", 2)  # more updates are the same search


def test_a_task_in_the_current_folder_is_found_by_its_class_path(tiny: Path) -> None:
    """The installed command, in a process whose folder holds the module."""
    (tiny.parent / "my_task.py").write_text(
        "from rena_pl.data.image_folder import ImageFolder\nclass MyTask(ImageFolder): pass\n"
    )
    command = Path(sys.executable).parent / "rena"
    tiny.write_text(yaml.safe_dump({"model": TINY["model"]}))
    arguments = ["fit", "--config", tiny, "--data", "my_task.MyTask", "--data.init_args.root", "x"]
    done = subprocess.run(
        [command, *arguments, "--print_config"], cwd=tiny.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "class_path: my_task.MyTask" in done.stdout


def test_a_mistake_does_not_claim_the_run_folder(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fit", "--config", tiny, "--trainer.default_root_dir", tmp_path / "run"]
    fails_with(capsys, *command, "--model.metric", "acuracy")
    fails_with(capsys, *command, "--model.objective.constraints", '[{"entry": "params", "max": 2}]')
    rena(*command, "--trainer.max_epochs", 1)
    assert (tmp_path / "run" / "summary.json").is_file()


def test_the_order_of_layer_types_is_a_setting(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fit", "--config", tiny, "--trainer.default_root_dir", tmp_path / "run"]
    one, other = ({"temporal": {"channels": [8]}, "pool": {}}, {"pool": {}, "temporal": {}})
    for layers in (one, other):
        model = {**TINY["model"], "space": {"max_layers": 3, "layers": layers}}
        tiny.write_text(yaml.safe_dump({**TINY, "model": model}, sort_keys=False))
        if layers is one:
            rena(*command, "--trainer.max_epochs", 1)
    assert "model.space.layers" in fails_with(capsys, *command)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_search_says_how_to_go_on(
    number: signal.Signals, tiny: Path, tmp_path: Path
) -> None:
    """A real process that gets a real Ctrl-C, or is asked to end."""
    folder = tmp_path / "run"
    arguments = ["fit", "--config", tiny, "--trainer.default_root_dir", folder]
    arguments += ["--trainer.max_epochs", "10000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rena_pl", *map(str, arguments)],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_lines(folder / "ledger.journal", 8, process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "the same command goes on where this one was left" in errors


def test_a_full_disk_is_said_and_the_same_command_goes_on(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fit", "--config", tiny, "--trainer.default_root_dir"]
    rena(*command, tmp_path / "whole")
    for limit in (1_500, 6_000, 12_000):  # of the ledger, of a checkpoint, of a later ledger
        with full_disk(limit):
            assert "File too large" in fails_with(capsys, *command, tmp_path / "full")
    rena(*command, tmp_path / "full")
    whole, full = (
        Ledger(tmp_path / name / "ledger.journal").evaluations() for name in ("whole", "full")
    )
    assert full == whole


def test_a_damaged_checkpoint_of_its_own_is_left_out(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fit", "--config", tiny, "--trainer.default_root_dir"]
    rena(*command, tmp_path / "whole")
    rena(*command, tmp_path / "run", "--trainer.max_epochs", 2)
    checkpoint = tmp_path / "run" / "checkpoints" / "last.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="left out, the ledger is enough: .*last.ckpt"):
        rena(*command, tmp_path / "run")
    whole, run = (
        [e for e in Ledger(tmp_path / name / "ledger.journal").evaluations() if e.part == "child"]
        for name in ("whole", "run")
    )
    assert run == whole


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"state_dict": {}, "epoch": 1},
        {"state_dict": {"policy.w": torch.ones(1)}, "loops": [], "epoch": "x", "global_step": []},
        [1, 2],
        b"torn",
    ],
)
def test_a_checkpoint_of_something_else_is_named(
    content, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.ckpt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    command = ["fit", "--config", tiny, "--trainer.default_root_dir", tmp_path / "run"]
    sentence = fails_with(capsys, *command, "--ckpt_path", path)
    assert f"{path}: " in sentence
    assert "no search can go on from it" in sentence or "checkpoint" in sentence


def test_a_folder_that_another_job_works_in_is_refused(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fit", "--config", tiny, "--trainer.default_root_dir", tmp_path / "run"]
    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run" / LOCK):
        sentence = fails_with(capsys, *command)
    assert f"{tmp_path / 'run'}: another job is running in this folder" in sentence
    assert not (tmp_path / "run" / "logs").exists()  # no logger was opened
    rena(*command, "--trainer.max_epochs", 1)
    rena(*command, "--trainer.max_epochs", 2)  # what has ended lets others in


def test_an_error_of_the_task_is_not_blamed_on_the_checkpoint(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["fit", "--config", tiny, "--trainer.default_root_dir", tmp_path / "run"]
    rena(*command, "--trainer.max_epochs", 1)

    def mistaken(task: TinyTask) -> None:
        raise KeyError("of the user's own")

    monkeypatch.setattr(TinyTask, "load", mistaken)
    with pytest.raises(KeyError, match="of the user's own"):
        rena(*command, "--trainer.max_epochs", 2)


def test_nor_is_one_that_comes_after_the_last_update(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["fit", "--config", tiny, "--trainer.default_root_dir", tmp_path / "run"]

    def mistaken(*_: object) -> None:
        raise KeyError("of the user's own")

    monkeypatch.setattr("rena_pl.search.controller.conclude", mistaken)
    for _ in range(2):
        with pytest.raises(KeyError, match="of the user's own"):
            rena(*command, "--trainer.max_epochs", 1)


@pytest.mark.parametrize("strategy", ["ddp", "auto"])
def test_workers_wait_for_each_other_for_days(strategy: str, tiny: Path) -> None:
    """Lightning's own half an hour is less than a child may take."""
    with pytest.raises(SystemExit):
        rena("fit", "--config", tiny, "--print_config")
    trainer = Trainer(accelerator="cpu", devices=2, strategy=strategy, logger=False)
    assert trainer.strategy._timeout == timedelta(days=7)


def test_a_searcher_whose_extra_is_missing_names_it(
    tiny: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    command = ["fit", "--config", tiny, "--trainer.default_root_dir", tmp_path / "run"]
    sentence = fails_with(capsys, *command, "--model.searcher", "gp")
    assert "the searcher gp needs the package scipy: pip install 'rena-pl[compare]'" in sentence


def wait_for_lines(path: Path, lines: int, process: subprocess.Popen) -> None:
    """Wait until a running process has written so many lines."""
    deadline = time.monotonic() + 120
    while not path.is_file() or path.read_bytes().count(b"\n") < lines:
        assert process.poll() is None, "the process ended before it had written them"
        assert time.monotonic() < deadline, "the process has not written them in two minutes"
        time.sleep(0.01)


def took(trained: list[Evaluation]) -> set[tuple[str, float]]:
    """What each was and how long it took: another training of the same takes another time."""
    return {(evaluation.key, evaluation.seconds) for evaluation in trained}


@pytest.mark.slow
def test_a_killed_search_goes_on_and_ends_the_same(tiny: Path, tmp_path: Path) -> None:
    """Real processes that import torch each: one left alone, one killed and continued."""

    def start(folder: Path) -> subprocess.Popen[bytes]:
        arguments = ["fit", "--config", str(tiny), "--trainer.default_root_dir", str(folder)]
        return subprocess.Popen([sys.executable, "-m", "rena_pl", *arguments], cwd=REPOSITORY)

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert start(whole).wait(120) == 0
    for lines in (4, 9):
        process = start(parts)
        wait_for_lines(parts / "ledger.journal", lines, process)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    mend_journal(parts / "ledger.journal")
    known = Ledger(parts / "ledger.journal").evaluations()
    assert start(parts).wait(120) == 0
    ended = Ledger(parts / "ledger.journal").evaluations()
    assert ended == Ledger(whole / "ledger.journal").evaluations()
    assert took(known) <= took(ended)  # else they were trained anew
    networks = [(folder / "best" / "model.safetensors").read_bytes() for folder in (whole, parts)]
    assert networks[0] == networks[1]


def test_profile_prints_a_table_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.json"
    Architecture((layer_types()["conv2d"](channels=16).as_layer(0),)).save(path)
    rena("profile", path, "--num-classes", "10", "--json")
    use = json.loads(capsys.readouterr().out)
    assert use["params"] == 16 * 9 + 2 * 16 + 16 * 10 + 10
    rena("profile", path, "--input-shape", "3,32,32")
    table = capsys.readouterr().out
    assert "conv2d" in table
    assert "FLOPs/byte" in table
    assert "--input-shape 3,x" in fails_with(capsys, "profile", path, "--input-shape", "3,x")
    assert "gone.json" in fails_with(capsys, "profile", tmp_path / "gone.json")
    (tmp_path / "summary.json").write_text("{}")
    deep = tmp_path / "best" / "a.json"
    deep.parent.mkdir()
    deep.write_bytes(path.read_bytes())
    assert "summary.json: " in fails_with(capsys, "profile", deep, "--num-classes", 3)
    rena("profile", deep, "--input-shape", "1,40,101", "--num-classes", 3)  # nothing is asked of it
    path.write_text(path.read_text().replace("conv2d", "conv3d"))
    assert f"{path}: layer 1 (conv3d)" in fails_with(capsys, "profile", path)


@pytest.mark.data
@pytest.mark.slow
def test_cifar_cut_short_runs_through(tmp_path: Path, real_data: Path) -> None:
    """Convolutions on images take a minute on a CPU, even cut short.

    The model of the reward would choose a first child of nearly 3M parameters.
    """
    rena(
        *["fit", "--config", REPOSITORY / "configs" / "cifar10_3m.yaml"],
        *["--data.init_args.root", real_data / "cifar10_small"],
        *["--trainer.default_root_dir", tmp_path, "--trainer.max_epochs", 1],
        *["--model.budget.episodes", 1, "--model.budget.steps", 1],
        *["--model.budget.child_epochs", 1, "--model.budget.start_epochs", 1],
        *["--model.budget.final_epochs", 1, "--model.budget.final_candidates", 1],
        *["--model.searcher", "paper"],
    )
    assert json.loads((tmp_path / "summary.json").read_text())["constraints_met"] is True

"""`rena train`, `test`, `predict` and `export`, as people use them."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
import yaml
from filelock import FileLock
from PIL import Image

from rena_pl.architecture import Architecture
from rena_pl.commands.run_task import task_of
from rena_pl.data.speech import SpeechTask
from rena_pl.data.tensor_task import Split
from rena_pl.data.waveforms import to_int16
from rena_pl.deploy import trial
from rena_pl.deploy.onnx_export import export_onnx
from rena_pl.deploy.trained import load
from rena_pl.errors import RenaError
from rena_pl.evaluation.ledger import Ledger
from rena_pl.layers import layer_types
from rena_pl.search.run_folder import LOCK
from rena_pl.space import SearchSpace
from rena_pl.space.starts import rudimentary
from tests.command_line import fails_with, rena
from tests.data.conftest import tone, write_wav


def test_a_trained_network_is_not_trained_again(
    run: Path, architecture: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load(run).summary.test_accuracy > 0.8
    weights = (run / "best" / "model.safetensors").stat().st_mtime_ns
    trained = Ledger(run / "ledger.journal").evaluations()
    command = ["train", architecture, "--config", config, "--folder", run]
    rena(*command, "--epochs", 15)
    assert "test accuracy" in capsys.readouterr().out
    assert Ledger(run / "ledger.journal").evaluations() == trained
    assert (run / "best" / "model.safetensors").stat().st_mtime_ns == weights
    sentence = fails_with(capsys, *command, "--epochs", 3)
    assert "final_epochs = 15, not 3; give another --folder" in sentence
    other = architecture.parent / "other.json"
    Architecture.load(architecture).save(other)
    sentence = fails_with(capsys, "train", other, *command[2:], "--epochs", 15)
    assert "other.json; give another --folder" in sentence
    with FileLock(run / LOCK):
        assert f"{run}: another job is running" in fails_with(capsys, *command, "--epochs", 15)


def test_a_folder_is_of_one_network(
    run: Path,
    architecture: Path,
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The file that was trained may have been written anew since."""
    before, folder = architecture.read_text(), tmp_path / "run"
    shutil.copytree(run, folder)
    start = rudimentary(SearchSpace({"temporal": {"channels": [8]}}))
    command = ["train", architecture, "--config", config, "--folder", folder, "--epochs", 15]
    try:
        start.save(architecture)
        sentence = fails_with(capsys, *command)
    finally:
        architecture.write_text(before)
    assert f"{folder} holds the training of {load(run).architecture.arch_id}" in sentence
    assert load(folder).architecture == load(run).architecture


def test_train_goes_to_a_folder_of_its_own(
    architecture: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rena("train", architecture, "--config", config, "--epochs", 1)
    folder = Path(capsys.readouterr().out.splitlines()[-1].removeprefix("run folder: "))
    assert folder.parent.name == "train"
    assert load(folder).architecture.arch_id == folder.name


def test_train_names_what_is_wrong(
    architecture: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", architecture, "--config", config, "--folder", tmp_path / "run"]
    assert "gone.json" in fails_with(capsys, "train", "gone.json", "--config", config)
    assert "--epochs 0" in fails_with(capsys, *command, "--epochs", 0)
    assert "--modell" in fails_with(capsys, *command, "--modell", 1)
    assert "no folder /not/there" in fails_with(capsys, *command, "--data.root", "/not/there")
    assert not (tmp_path / "run" / "config.yaml").exists()


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_test_prints_an_accuracy(split: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rena("test", run, "--split", split)
    printed = capsys.readouterr().out
    assert printed.startswith(f"{split} accuracy ")
    if split != "train":
        accuracy = json.loads((run / "summary.json").read_text())[f"{split}_accuracy"]
        assert f"{accuracy:.2%}" in printed


def test_test_prints_the_metric_of_the_run_and_the_accuracy(
    architecture: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metric = ["--model.metric", "balanced_accuracy"]
    folder = tmp_path / "run"
    rena("train", architecture, "--config", config, "--epochs", 1, "--folder", folder, *metric)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["metric"] == "balanced_accuracy"
    counts = summary["test_confusion"]
    shares = [row[label] / sum(row) for label, row in enumerate(counts)]
    total = sum(map(sum, counts))
    accuracy = sum(row[label] for label, row in enumerate(counts)) / total
    assert summary["test_accuracy"] == pytest.approx(sum(shares) / len(shares))
    trained = capsys.readouterr().out.splitlines()
    assert trained[0] == f"test balanced accuracy {summary['test_accuracy']:.2%}"
    rena("test", folder)
    assert capsys.readouterr().out.splitlines() == [
        f"test balanced accuracy {summary['test_accuracy']:.2%} ({total} examples)",
        f"test accuracy {accuracy:.2%} ({total} examples)",
    ]


def test_data_that_have_moved_are_named_on_the_command_line(
    run: Path, spoken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, moved = tmp_path / "run", tmp_path / "moved"
    shutil.copytree(run, folder)
    shutil.copytree(spoken, moved)
    settings = yaml.safe_load((run / "config.yaml").read_text())
    settings["data"]["init_args"]["root"] = "/not/there"
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    assert "no folder /not/there" in fails_with(capsys, "test", folder)
    rena("test", folder, "--data.root", moved)
    assert "test accuracy" in capsys.readouterr().out
    assert "'roott'" in fails_with(capsys, "test", folder, "--data.roott", moved)
    sentence = fails_with(
        capsys, "test", folder, "--data.root", moved, "--data.init_args.keywords", "[yes, no, cat]"
    )
    assert "4 classes, the data have (1, 40, 101) and 5" in sentence
    renamed = ["--data.init_args.keywords", "[no, yes]"]
    sentence = fails_with(capsys, "test", folder, "--data.root", moved, *renamed)
    assert "for another task: its classes are ['yes', 'no'" in sentence
    sentence = fails_with(capsys, "test", "--data.root", moved, folder)
    assert "--data.root stands before the run folder" in sentence
    sentence = fails_with(capsys, "test", "--split", "val", "--data.root", moved, folder)
    assert "--data.root stands before the run folder" in sentence


@contextmanager
def standard_input(content: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    yield


def test_predict_reads_files_folders_and_standard_input(
    run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of any rate and length."""
    yes = write_wav(tmp_path / "yes.wav", tone("yes", seed=100))
    no = write_wav(tmp_path / "recorded" / "no.flac", tone("no", 1.7, 44_100, seed=101), 44_100)
    (no.parent / "notes.txt").write_text("a tone")
    (no.parent / ".hidden").write_text("nothing")
    with standard_input(to_int16(tone("no", seed=102)).tobytes(), monkeypatch):
        rena("predict", run, yes, no.parent, "-")
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[:2] for line in lines] == [[str(yes), "yes"], [str(no), "no"], ["-", "no"]]
    assert all(0.25 < float(line[2]) <= 1 for line in lines)


def test_predict_ends_quietly_with_whoever_reads_it(run: Path, tmp_path: Path) -> None:
    """As in `rena predict ... | head -1`."""
    yes = write_wav(tmp_path / "yes.wav", tone("yes", seed=100))
    process = subprocess.Popen(
        [sys.executable, "-m", "rena_pl", "predict", run, yes, "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline().startswith(str(yes).encode())
    process.stdout.close()
    process.stdin.write(to_int16(tone("no", seed=102)).tobytes())
    process.stdin.close()
    assert process.stderr.read() == b""
    assert process.wait() == 1


def test_predict_names_what_it_cannot_read(
    run: Path,
    spoken: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "wrong.wav").write_text("no recording")
    (tmp_path / "empty").mkdir()
    assert "wrong.wav: cannot be read" in fails_with(capsys, "predict", run, tmp_path / "wrong.wav")
    shutil.copy(next(spoken.rglob("*.wav")), tmp_path / "right.wav")
    (tmp_path / "wrong_too.wav").write_text("none either")
    with pytest.raises(SystemExit) as exit_:
        rena("predict", run, tmp_path)
    assert exit_.value.code == 2
    printed, said = capsys.readouterr()
    assert printed.startswith(f"{tmp_path / 'right.wav'}\t")
    assert "wrong.wav: cannot be read" in said
    assert ", and 1 more" in said
    assert "gone.wav: no such file" in fails_with(capsys, "predict", run, tmp_path / "gone.wav")
    assert "no files" in fails_with(capsys, "predict", run, tmp_path / "empty")
    assert "not a run folder" in fails_with(capsys, "predict", tmp_path, tmp_path / "wrong.wav")
    with standard_input(b"abc", monkeypatch):
        assert "3 bytes are no 16-bit samples" in fails_with(capsys, "predict", run, "-")


@pytest.fixture(scope="module")
def image_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that tells red images from green ones, and `data` beside it."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 6)):
        for number, label in enumerate(("red", "green")):
            (folder / "data" / split / label).mkdir(parents=True)
            for index in range(count):
                pixels = rng.integers(0, 60, (8, 8, 3), np.uint8)
                pixels[..., number] += 150
                Image.fromarray(pixels).save(folder / "data" / split / label / f"{index}.png")
    file = folder / "small.json"
    Architecture((layer_types()["conv2d"](channels=8).as_layer(0),)).save(file)
    config = folder / "images.yaml"
    data = {"class_path": "rena_pl.data.ImageFolder"}
    data["init_args"] = {"root": str(folder / "data"), "image_size": 8, "batch_size": 10}
    config.write_text(
        yaml.safe_dump({"model": {"space": {"layers": {"conv2d": {}}}}, "data": data})
    )
    rena("train", file, "--config", config, "--epochs", 10, "--folder", folder / "run")
    return folder / "run"


def test_images_are_told_apart(image_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    rena("predict", image_run, image_run.parent / "data" / "test")
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 12
    assert all(Path(path).parent.name == label for path, label, _ in lines)
    assert "only networks of speech tasks" in fails_with(capsys, "predict", image_run, "-")
    assert "speech task" in fails_with(capsys, "export", image_run, "--raw-audio")


def test_other_images_are_seen_as_the_network_saw_its_own(
    image_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both kinds are greener; by their own mean, they would be told apart as well as before."""
    shutil.copytree(image_run.parent / "data", tmp_path / "tinted")
    for path in (tmp_path / "tinted").rglob("*.png"):
        pixels = np.asarray(Image.open(path)).astype(int)
        pixels[..., 1] += 150
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    capsys.readouterr()
    rena("predict", image_run, tmp_path / "tinted" / "test")
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    right = [Path(path).parent.name == label for path, label, _ in lines]
    rena("test", image_run, "--data.root", tmp_path / "tinted")
    assert f"test accuracy {sum(right) / len(right):.2%}" in capsys.readouterr().out
    assert not all(right)


def test_an_image_network_is_exported(image_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rena("export", image_run, "--int8")
    assert "100.00%" in capsys.readouterr().out
    session = onnxruntime.InferenceSession(image_run / "export" / "network_int8.onnx")
    notes = session.get_modelmeta().custom_metadata_map
    assert json.loads(notes["labels"]) == ["green", "red"]
    assert json.loads(notes["front_end"])["channels"] == 3


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ([], "network"),
        (["--int8"], "network_int8"),
        (["--raw-audio"], "network_raw_audio"),
        (["--raw-audio", "--int8"], "network_raw_audio_int8"),
    ],
)
def test_an_exported_file_recognises_words(
    options: list[str], name: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With nothing of ours, as on a device."""
    rena("export", run, *options)
    path = run / "export" / f"{name}.onnx"
    printed = capsys.readouterr().out
    assert f"{path.stat().st_size:,}" in printed
    for figure in ("peak memory", "latency", "test accuracy", "parameters"):
        assert figure in printed
    session = onnxruntime.InferenceSession(path)
    notes = session.get_modelmeta().custom_metadata_map
    labels = json.loads(notes["labels"])
    assert notes["sample_rate"] == "16000"
    audio = np.stack([tone("no", seed=200), tone("yes", seed=201)])
    if "--raw-audio" not in options:
        audio = load(run).front_end(torch.from_numpy(audio)).numpy()
    (source,) = session.get_inputs()
    logits = session.run(None, {source.name: audio})[0]
    assert [labels[number] for number in logits.argmax(1)] == ["no", "yes"]


@pytest.mark.parametrize("raw_audio", [False, True])
def test_an_export_is_calibrated_in_training_and_tried_on_the_test_split(
    raw_audio: bool, run: Path, tmp_path: Path
) -> None:
    trained = load(run)
    task = task_of(run, trained, [])
    assert isinstance(task, SpeechTask)
    test, file = task.splits["test"], tmp_path / "network.onnx"
    if not raw_audio:
        task.splits["test"] = test = Split(test.features[:3], test.targets[:3])
    for int8 in (False, True):
        assert export_onnx(trained, task, file, int8, raw_audio).examples == len(test)
    silent = task.splits["train"]
    task.splits["train"] = Split(torch.zeros_like(silent.features), silent.targets)
    with pytest.raises(RenaError, match="not written: in int8"):  # nothing has a range
        export_onnx(trained, task, file, True, raw_audio)


def test_a_file_that_does_not_agree_is_not_written(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "LEAST_AGREEMENT", 1.1)  # more than there is
    shutil.rmtree(run / "export", ignore_errors=True)
    assert "agrees with PyTorch on 100.00%" in fails_with(capsys, "export", run)
    assert list((run / "export").iterdir()) == []


@pytest.mark.parametrize(
    ("form", "package", "ending"),
    [("executorch", "executorch", "pte"), ("litert", "litert_torch", "tflite")],
)
def test_a_file_for_another_runtime_agrees_with_pytorch(
    form: str, package: str, ending: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(package, reason=f"the extra `{form}` is not installed")
    rena("export", run, "--format", form)
    path = run / "export" / f"network.{ending}"
    assert f"{path.stat().st_size:,}" in capsys.readouterr().out


def test_a_task_of_anyones_own_is_served_but_for_raw_input(
    tmp_path: Path, architecture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "own.yaml"
    model = {"space": {"layers": {"temporal": {"channels": [16]}}}}
    data = {"class_path": "tests.tasks.WithoutSplits"}
    config.write_text(yaml.safe_dump({"model": model, "data": data}))
    folder = tmp_path / "run"
    rena("train", architecture, "--config", config, "--epochs", 8, "--folder", folder)
    for split in ("train", "val", "test"):
        rena("test", folder, "--split", split)
    rena("export", folder, "--int8")
    assert load(folder).labels == ["0", "1", "2"]
    assert "of raw input" in fails_with(capsys, "predict", folder, "-")
    assert "speech task" in fails_with(capsys, "export", folder, "--raw-audio")


@pytest.mark.parametrize(("form", "package"), [("executorch",) * 2, ("litert", "litert_torch")])
def test_what_a_format_cannot_do_is_refused(
    form: str,
    package: str,
    run: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = ["export", run, "--format", form]
    assert "--format onnx" in fails_with(capsys, *command, "--int8")
    monkeypatch.setitem(sys.modules, package, None)
    assert f"{package}: pip install 'rena-pl[{form}]'" in fails_with(capsys, *command)


def test_a_missing_extra_is_named_with_its_command(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    sentence = fails_with(capsys, "export", run)
    assert "onnxscript: pip install 'rena-pl[export]'" in sentence


def test_a_run_that_has_not_ended_says_how_to_go_on(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(run / "config.yaml", tmp_path)
    for command in (["export", tmp_path], ["test", tmp_path], ["predict", tmp_path, "-"]):
        sentence = fails_with(capsys, *command)
        assert f"rena fit --config {tmp_path / 'config.yaml'}" in sentence

import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import nn

from rena_pl.data import SpeechCommands
from rena_pl.data.speech_commands import STANDARD_KEYWORDS
from rena_pl.errors import RenaError

from .conftest import tone, write_wav

KEYWORDS = ["yes", "no"]


def load(root, keywords=KEYWORDS, **settings):
    task = SpeechCommands(root, keywords, cache_dir=None, **settings)
    task.setup()
    return task


def test_the_lists_decide_the_splits(speech_commands):
    task = load(speech_commands)
    assert task.labels == ["yes", "no", "unknown", "silence"]
    counts = {name: split.targets.bincount().tolist() for name, split in task.splits.items()}
    assert counts == {"train": [8, 8, 8, 8], "val": [1, 1, 1, 1], "test": [1, 1, 1, 1]}
    speakers = {
        split: {r.file.path.name.split("_")[0] for r in task.recordings if r.split == split}
        for split in ("train", "val", "test")
    }
    assert speakers["val"] == {"speaker0"}
    assert speakers["test"] == {"speaker1"}
    assert speakers["train"] == {f"speaker{n}" for n in range(2, 10)}


def test_extra_classes_can_be_left_out_and_sized(speech_commands):
    task = load(speech_commands, unknown=False, silence=False)
    assert task.labels == KEYWORDS
    assert task.splits["train"].targets.bincount().tolist() == [8, 8]
    task = load(speech_commands, extra_share=0.5)
    assert task.splits["train"].targets.bincount().tolist() == [8, 8, 4, 4]


def test_the_default_is_the_task_with_12_classes(tmp_path):
    for word in STANDARD_KEYWORDS:
        (tmp_path / word).mkdir()
        (tmp_path / word / "a_nohash_0.wav").touch()
    assert SpeechCommands(tmp_path).num_classes == 12


def test_a_part_of_the_data_set_goes_without_the_words_it_lacks_and_says_so(tmp_path):
    for word in ("yes", "no"):
        (tmp_path / word).mkdir()
        (tmp_path / word / "a_nohash_0.wav").touch()
    task = SpeechCommands(tmp_path)
    with pytest.warns(UserWarning, match="no recordings of up, down, .*: the task goes without"):
        assert task.labels == ["yes", "no", "unknown", "silence"]


def test_a_folder_without_any_standard_word_is_refused(tmp_path):
    with pytest.raises(RenaError, match="none of yes, no, "):
        _ = SpeechCommands(tmp_path).labels


def test_unknown_is_a_sample_that_the_seed_decides(speech_commands):
    def unknown(seed):
        split = load(speech_commands, seed=seed).splits["val"]
        return split.features[split.targets == 2]

    samples = [unknown(seed) for seed in range(8)]
    assert torch.equal(samples[0], unknown(0))
    assert any(not torch.allclose(samples[0], sample, atol=0.5) for sample in samples)


def test_short_and_long_recordings_become_a_second(speech_commands):
    write_wav(speech_commands / "yes" / "speaker2_nohash_0.wav", tone("yes", 0.4))
    write_wav(speech_commands / "yes" / "speaker3_nohash_0.wav", tone("yes", 2.5))
    task = load(speech_commands)
    assert not task.skipped
    assert task.splits["train"].targets.bincount()[0] == 8


def test_unusable_recordings_are_skipped_counted_and_reported(speech_commands, caplog, tmp_path):
    yes = speech_commands / "yes"
    (yes / "speaker2_nohash_0.wav").write_bytes(b"RIFF, but not for long")
    write_wav(yes / "speaker3_nohash_0.wav", np.zeros(0))
    write_wav(yes / "speaker4_nohash_0.wav", tone("yes", rate=8_000), 8_000)
    task = SpeechCommands(speech_commands, KEYWORDS, cache_dir=tmp_path / "cache")
    task.setup()
    assert task.splits["train"].targets.bincount()[0] == 5
    reasons = {path.rsplit("/", 1)[1]: reason for path, reason in task.skipped}
    assert "empty" in reasons["speaker3_nohash_0.wav"]
    assert "8000" in reasons["speaker4_nohash_0.wav"]
    assert len(reasons) == 3
    again = SpeechCommands(speech_commands, KEYWORDS, cache_dir=tmp_path / "cache")
    again.setup()
    assert again.skipped == task.skipped
    assert again.tried == task.tried == 31  # 2 words and others of 10 speakers, and noise
    assert torch.equal(again.splits["train"].features, task.splits["train"].features)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert all(line.startswith("skipped 3 of ") and str(yes) in line for line in lines)


def test_a_keyword_without_usable_recordings_is_an_error(speech_commands):
    for path in (speech_commands / "yes").iterdir():
        path.write_bytes(b"")
    with pytest.raises(RenaError, match="'yes' has no usable recording"):
        load(speech_commands)


def test_a_keyword_without_a_folder_is_an_error_that_names_both(speech_commands):
    with pytest.raises(RenaError, match=rf"'maybe'.*{speech_commands}"):
        load(speech_commands, ["yes", "maybe"])


def test_without_other_words_there_is_no_unknown(speech_commands):
    with pytest.raises(RenaError, match="unknown: false"):
        load(speech_commands, ["yes", "no", "bed", "cat"])


def test_a_missing_folder_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(RenaError, match=r"no folder .*/nothing, set data.root or download: true"):
        load(tmp_path / "nothing")


def test_a_missing_list_is_an_error(speech_commands):
    (speech_commands / "testing_list.txt").unlink()
    with pytest.raises(RenaError, match=r"testing_list\.txt"):
        load(speech_commands)


def test_what_download_made_is_found(speech_commands, tmp_path):
    nested = tmp_path / "data" / "SpeechCommands" / "speech_commands_v0.02"
    shutil.copytree(speech_commands, nested)
    assert load(tmp_path / "data", download=True).folder == nested


def test_a_download_that_was_interrupted_begins_anew(speech_commands, tmp_path, monkeypatch):
    import torchaudio.datasets

    ends = iter([OSError("the line is dead"), None])

    def download(root, url, download):
        shutil.copytree(speech_commands / "yes", root / "SpeechCommands" / url / "yes")
        if end := next(ends):
            raise end
        shutil.copytree(speech_commands, root / "SpeechCommands" / url, dirs_exist_ok=True)

    monkeypatch.setattr(torchaudio.datasets, "SPEECHCOMMANDS", download)
    root = tmp_path / "data"
    with pytest.raises(RenaError, match="could not be downloaded to .*: the line is dead"):
        load(root, download=True)
    assert load(root, download=True).folder == root / "SpeechCommands" / "speech_commands_v0.02"
    assert {path.name for path in root.iterdir()} == {"SpeechCommands", ".download.lock"}


def test_of_two_that_download_at_once_one_waits(speech_commands, tmp_path, monkeypatch):
    import torchaudio.datasets

    downloads = []

    def download(root, url, download):
        downloads.append(root)
        for folder in sorted(speech_commands.iterdir()):
            time.sleep(0.05)
            copy = shutil.copytree if folder.is_dir() else shutil.copy
            (root / "SpeechCommands" / url).mkdir(parents=True, exist_ok=True)
            copy(folder, root / "SpeechCommands" / url / folder.name)

    monkeypatch.setattr(torchaudio.datasets, "SPEECHCOMMANDS", download)
    (tmp_path / "unfinished").mkdir()
    with ThreadPoolExecutor(2) as pool:
        tasks = [SpeechCommands(tmp_path, KEYWORDS, download=True) for _ in range(2)]
        folders = [*pool.map(lambda task: task.folder, tasks)]
    assert len(downloads) == 1
    assert folders == [tmp_path / "SpeechCommands" / "speech_commands_v0.02"] * 2
    names = {path.name for path in speech_commands.iterdir()}
    assert {path.name for path in folders[0].iterdir()} == names
    assert (tmp_path / "unfinished").is_dir()  # of somebody else


def test_the_fingerprint_follows_the_files_not_the_place(speech_commands, tmp_path):
    moved = shutil.copytree(speech_commands, tmp_path / "moved")

    def fingerprint(root, **settings):
        return SpeechCommands(root, KEYWORDS, **settings).fingerprint()

    first = fingerprint(speech_commands)
    assert fingerprint(moved, cache_dir=tmp_path) == first
    assert fingerprint(moved, time_mask_ms=0) != first
    write_wav(moved / "yes" / "speaker2_nohash_0.wav", tone("yes", 0.5))
    assert fingerprint(moved) != first


def test_a_changed_recording_is_not_taken_from_the_cache(speech_commands, tmp_path):
    def features():
        task = SpeechCommands(speech_commands, KEYWORDS, cache_dir=tmp_path / "cache")
        task.setup()
        split = task.splits["test"]
        return split.features[split.targets == KEYWORDS.index("yes")]

    first = features()
    write_wav(speech_commands / "yes" / "speaker1_nohash_0.wav", tone("other"))
    assert not torch.allclose(first, features(), atol=0.1)


class Classifier(LightningModule):
    def __init__(self, task):
        super().__init__()
        channels, height, width = task.input_shape
        self.layer = nn.Linear(channels * height * width, task.num_classes)

    def training_step(self, batch, _):
        features, targets = batch
        return nn.functional.cross_entropy(self.layer(features.flatten(1)), targets)

    validation_step = test_step = training_step

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)


def test_a_trainer_takes_the_task(speech_commands, tmp_path):
    task = SpeechCommands(speech_commands, KEYWORDS, cache_dir=None)
    trainer = Trainer(
        fast_dev_run=True, accelerator="cpu", logger=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(Classifier(task), datamodule=task)
    trainer.test(Classifier(task), datamodule=task, verbose=False)
    assert trainer.state.finished


@pytest.mark.data
def test_real_recordings(real_data, tmp_path):
    words = ["yes", "no", "up", "down", "left", "right", "stop", "go"]
    task = SpeechCommands(
        real_data / "speech_commands_small", words, augmented_views=0, cache_dir=tmp_path
    )
    task.setup()
    assert task.num_classes == 10
    assert not task.skipped
    assert {name: split.targets.bincount().tolist() for name, split in task.splits.items()} == {
        "train": [432] * 10,
        "val": [84] * 10,
        "test": [84] * 10,
    }
    assert all(split.features.isfinite().all() for split in task.splits.values())
    # The words differ: to the nearest class mean is far better than chance (10 %).
    (train, targets), (test, right) = (
        split.take(torch.arange(len(split)))
        for split in (task.splits["train"], task.splits["test"])
    )
    means = torch.stack([train[targets == k].mean(0) for k in range(10)])
    nearest = torch.cdist(test.flatten(1), means.flatten(1)).argmin(1)
    assert (nearest == right).float().mean() > 0.25

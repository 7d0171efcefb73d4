import os
import shutil
from collections import Counter, defaultdict

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rena_pl.data import KeywordFolder
from rena_pl.errors import RenaError

from .conftest import tone, write_wav


def make_folder(root, names, words=("ja", "nein")):
    for word in words:
        for name in names:
            write_wav(root / word / f"{name}.wav", tone(word, 0.1))
    return root


def groups_of(root, key, **arguments):
    """The groups (whatever `key` makes of a file's stem) in every split, and the classes."""
    groups, words = defaultdict(set), defaultdict(Counter)
    for recording in KeywordFolder(root, **arguments).recordings:
        groups[recording.split].add(key(recording.file.path.stem))
        words[recording.split][recording.word] += 1
    return groups, words


@pytest.mark.parametrize("pattern", ["{}_nohash_{}", "{}_{}"])
def test_a_speaker_is_in_one_split(tmp_path, pattern):
    names = [pattern.format(f"person{n}", take) for n in range(20) for take in range(3)]
    groups, words = groups_of(make_folder(tmp_path, names), lambda stem: stem.split("_")[0])
    assert sum(map(len, groups.values())) == 20
    assert len(set().union(*groups.values())) == 20
    assert all(words[split][word] for split in ("train", "val", "test") for word in ("ja", "nein"))


def test_a_speaker_behind_the_word_is_in_one_split(tmp_path):
    for word in ("Ja", "Nein"):
        for n in range(20):
            for take in range(3):
                name = f"{word.lower()}_person{n}_{take}.wav"
                write_wav(tmp_path / word / name, tone("ja", 0.1))
    groups, _ = groups_of(tmp_path, lambda stem: stem.split("_")[1])
    assert sum(map(len, groups.values())) == 20


def test_names_without_speakers_are_split_one_by_one(tmp_path):
    for word in ("ja", "nein"):
        for n in range(100):
            write_wav(tmp_path / word / f"{word}_{n}.wav", tone(word, 0.01))
    _, words = groups_of(tmp_path, str)
    for word in ("ja", "nein"):
        assert 70 <= words["train"][word] <= 90
        assert 3 <= words["val"][word] <= 18


def test_a_word_like_recording_is_no_speaker(tmp_path):
    root = make_folder(tmp_path, [f"recording_{n}" for n in range(12)])
    _, words = groups_of(root, str)
    assert all(words[split]["ja"] for split in ("train", "val", "test"))


def test_two_speakers_that_are_named_are_said_to_be_in_all_splits(tmp_path):
    names = [f"{speaker}_nohash_{n}" for speaker in ("anna", "ben") for n in range(10)]
    with pytest.warns(UserWarning, match="same speakers are in all splits: names show 2"):
        _, words = groups_of(make_folder(tmp_path, names), str)
    assert all(words[split]["ja"] for split in ("train", "val", "test"))


def test_a_name_that_is_no_utf_8_is_as_good_as_any(tmp_path):
    root = make_folder(tmp_path, range(12))
    (root / "ja" / os.fsdecode(b"caf\xe9.wav")).write_bytes((root / "ja" / "0.wav").read_bytes())
    _, words = groups_of(root, str)
    assert sum(of_split["ja"] for of_split in words.values()) == 13


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.sets(st.text("abcxyz019", min_size=1, max_size=4), min_size=3, max_size=8))
def test_even_the_smallest_sets_have_every_word_in_every_split(tmp_path, names):
    shutil.rmtree(tmp_path / "set", ignore_errors=True)
    root = make_folder(tmp_path / "set", sorted(names))
    _, words = groups_of(root, str)
    assert all(words[split][word] for split in ("train", "val", "test") for word in ("ja", "nein"))


def test_too_few_recordings_are_an_error_with_the_counts(tmp_path):
    root = make_folder(tmp_path, ["a", "b", "c", "d"])
    for name in ("a", "b"):
        (root / "ja" / f"{name}.wav").unlink()
    with pytest.raises(RenaError, match=r"'ja' has too few .* \d in train, \d in val, \d in test"):
        KeywordFolder(root, cache_dir=None).setup()


def test_the_split_stays_when_recordings_are_added(tmp_path):
    root = make_folder(tmp_path, [f"take{n}" for n in range(40)])

    def split_of():
        return {r.file.path: r.split for r in KeywordFolder(root).recordings}

    before = split_of()
    make_folder(tmp_path, [f"more{n}" for n in range(40)])
    after = split_of()
    assert sum(after[path] != split for path, split in before.items()) <= 2


def test_any_rate_length_format_and_number_of_channels(tmp_path):
    root = make_folder(tmp_path, [f"take{n}" for n in range(6)])
    stereo = np.stack([tone("ja", 2.3, 44_100)] * 2, axis=1)
    soundfile.write(root / "ja" / "stereo.flac", stereo, 44_100)
    soundfile.write(root / "nein" / "slow.ogg", tone("nein", 0.3, 8_000), 8_000)
    (root / "ja" / "README.md").write_text("notes are no recordings")
    task = KeywordFolder(root, cache_dir=None)
    task.setup()
    assert not task.skipped
    assert task.labels == ["ja", "nein", "silence"]
    spoken = sum(int((split.targets < 2).sum()) for split in task.splits.values())
    assert spoken == 14


def test_the_loudest_second_is_used(tmp_path):
    recording = np.concatenate([np.zeros(40_000), tone("ja"), np.zeros(9_000)])
    path = write_wav(tmp_path / "a.wav", recording.astype(np.float32))
    assert np.allclose(KeywordFolder(tmp_path).read(path), tone("ja"), atol=1e-3)


def test_other_words_are_unknown_and_underscored_folders_noise(tmp_path):
    root = make_folder(tmp_path, [f"take{n}" for n in range(10)], ["ja", "nein", "gut"])
    write_wav(root / "_background_noise_" / "hum.wav", tone("hum", 2.0, 22_050), 22_050)
    task = KeywordFolder(root, ["ja", "nein"], cache_dir=None)
    assert task.labels == ["ja", "nein", "unknown", "silence"]
    task.setup()
    assert task.splits["train"].targets.bincount().min() > 0
    (noise,) = task.backgrounds()
    assert len(noise) == 32_000
    assert KeywordFolder(root, ["ja", "nein"], unknown=False).labels == ["ja", "nein", "silence"]
    assert KeywordFolder(root).labels == ["gut", "ja", "nein", "silence"]


def test_a_folder_named_unknown_holds_unknown_words(tmp_path):
    root = make_folder(tmp_path, [f"take{n}" for n in range(5)], ["ja", "nein", "unknown"])
    assert KeywordFolder(root).labels == ["ja", "nein", "unknown", "silence"]


def test_a_folder_of_silence_is_a_class_where_none_is_made(tmp_path):
    root = make_folder(tmp_path, [str(n) for n in range(12)], words=("ja", "silence"))
    assert KeywordFolder(root, silence=False).labels == ["ja", "silence"]
    with pytest.raises(RenaError, match="'silence' is the name of an extra class"):
        list(KeywordFolder(root).labels)


def test_a_word_is_the_same_with_marks_as_macos_writes_them(tmp_path):
    make_folder(tmp_path, [str(n) for n in range(12)], words=("gro\u0308\u00dfe", "nein"))
    assert KeywordFolder(tmp_path, ["gr\u00f6\u00dfe", "nein"]).recordings


def test_sets_that_are_listed_alike_do_not_share_a_cache(tmp_path):
    """The same names, sizes and times, as some archives leave them."""
    sets = [make_folder(tmp_path / str(n), [str(k) for k in range(12)]) for n in range(2)]
    loud = sorted(sets[1].rglob("*.wav"))
    for path in loud:
        samples, rate = soundfile.read(path)
        soundfile.write(path, samples[::-1] * 0.5, rate)
    for path in (*sets[0].rglob("*.wav"), *loud):
        os.utime(path, (1, 1))
    tasks = [KeywordFolder(root, cache_dir=tmp_path / "cache") for root in sets]
    assert tasks[0].listing() == tasks[1].listing()
    for task in tasks:
        task.setup("fit")
    means = [task.front_end.mean for task in tasks]
    assert not torch.equal(*means)


def test_a_missing_or_empty_folder_is_an_error(tmp_path):
    with pytest.raises(RenaError, match=r"no folder .*nothing"):
        KeywordFolder(tmp_path / "nothing").setup()
    with pytest.raises(RenaError, match="no folders with recordings"):
        KeywordFolder(tmp_path, cache_dir=None).setup()


def test_a_word_without_recordings_is_an_error(tmp_path):
    make_folder(tmp_path, [str(n) for n in range(12)])
    (tmp_path / "vielleicht").mkdir()
    with pytest.raises(RenaError, match=r"no recordings in .*vielleicht"):
        list(KeywordFolder(tmp_path).words)


def test_loading_twice_gives_the_same(tmp_path):
    root = make_folder(tmp_path, [f"take{n}" for n in range(10)])
    first, second = (KeywordFolder(root, cache_dir=None) for _ in range(2))
    first.setup()
    second.setup()
    for name in first.splits:
        assert torch.equal(first.splits[name].features, second.splits[name].features)

import pytest
import torch

from rena_pl.data import SpokenKeywords, spoken_keywords
from rena_pl.data.espeak import Utterance
from rena_pl.errors import RenaError

SMALL = {"clips_per_keyword": 6, "test_clips_per_keyword": 3, "cache_dir": None}


@pytest.fixture(scope="module")
def task():
    task = SpokenKeywords(["lamp", "fan"], **SMALL)
    task.setup()
    return task


def test_classes_and_sizes(task):
    assert task.labels == ["lamp", "fan", "unknown", "silence"]
    counts = {name: split.targets.bincount().tolist() for name, split in task.splits.items()}
    assert counts == {"train": [6] * 4, "val": [3] * 4, "test": [3] * 4}
    assert task.splits["train"].features.shape == (24, 2, 1, 40, 101)
    assert SpokenKeywords().num_classes == 10


def test_the_seed_decides_everything(task):
    same, other = (SpokenKeywords(["lamp", "fan"], seed=seed, **SMALL) for seed in (0, 1))
    same.setup()
    other.setup()
    for name, split in task.splits.items():
        assert torch.equal(split.features, same.splits[name].features)
        assert not torch.equal(split.features, other.splits[name].features)
    assert task.fingerprint() == same.fingerprint() != other.fingerprint()


@pytest.fixture
def said(monkeypatch):
    """What is spoken for every split, in their order."""
    said: list[list[Utterance]] = []

    def listen(utterances):
        said.append(list(utterances))
        return speak_all(utterances)

    speak_all = spoken_keywords.speak_all
    monkeypatch.setattr(spoken_keywords, "speak_all", listen)
    return said


def test_a_speaker_is_in_one_split(said):
    SpokenKeywords(["lamp"], clips_per_keyword=60, test_clips_per_keyword=30).clips()
    speakers = [{utterance.voice.split("+")[1] for utterance in split} for split in said]
    assert len(speakers) == 3
    assert len(set().union(*speakers)) == sum(map(len, speakers))
    assert min(map(len, speakers)) > 5


def test_keywords_are_not_among_the_unknown_words(said):
    SpokenKeywords(["Water", "happy"], clips_per_keyword=80, test_clips_per_keyword=1).clips()
    texts = [utterance.text for utterance in said[0]]
    assert texts.count("Water") == texts.count("happy") == 80
    others = set(texts) - {"Water", "happy"}
    assert len(others) > 20
    assert "water" not in others


def test_all_splits_have_noise_and_words_at_random_places(task):
    quiet = SpokenKeywords(["lamp", "fan"], noise_probability=0.0, **SMALL)
    quiet.setup()
    assert not torch.allclose(
        quiet.splits["test"].features[:6], task.splits["test"].features[:6], atol=0.5
    )
    waveforms, _ = task.clips()["train"].read(torch.arange(18))
    loudest = waveforms.float().abs().argmax(1)
    assert loudest.unique().numel() > 12
    assert loudest.max() - loudest.min() > 4000


def test_impossible_settings_are_refused():
    with pytest.raises(RenaError, match="clips_per_keyword"):
        SpokenKeywords(clips_per_keyword=0)
    with pytest.raises(RenaError, match="twice"):
        SpokenKeywords(["yes", "yes"])


def test_all_speakers_and_accents_exist():
    import pathlib

    import espeakng_loader

    from rena_pl.data.espeak import speak

    variants = pathlib.Path(espeakng_loader.get_data_path()) / "voices" / "!v"
    names = {path.name for path in variants.iterdir()}
    assert set(spoken_keywords._SPEAKERS.split()) <= names
    for accent in spoken_keywords._ACCENTS:
        assert len(speak(Utterance("yes", accent)))

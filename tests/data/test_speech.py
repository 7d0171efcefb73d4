import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rena_pl.data.clips import Clips, clips_in_memory
from rena_pl.data.codes import STEP, decode
from rena_pl.data.speech import SpeechTask, _spread
from rena_pl.errors import RenaError


class Tones(SpeechTask):
    """Two words, each a tone of its own."""

    computed = 0

    def __init__(self, keywords=("high", "low"), of_each=5, **settings):
        super().__init__(list(keywords), unknown=False, **settings)
        self.of_each = of_each

    def clips(self):
        self.computed += 1
        time = torch.arange(16_000) / 16_000
        pitch = torch.tensor([800.0, 200.0]).repeat(self.of_each)
        pitch = pitch + torch.arange(2 * self.of_each)  # no two clips are the same
        waveforms = (torch.sin(2 * torch.pi * pitch[:, None] * time) * 10_000).short()
        targets = torch.tensor([0, 1]).repeat(self.of_each)
        return {name: clips_in_memory(waveforms, targets) for name in ("train", "val", "test")}


@pytest.fixture
def task(tmp_path):
    task = Tones(cache_dir=tmp_path)
    task.setup()
    return task


def test_splits_have_views_classes_and_the_stated_shape(task):
    assert task.labels == ["high", "low", "silence"]
    assert {name: split.features.shape for name, split in task.splits.items()} == {
        "train": (15, 2, 1, 40, 101), "val": (15, 1, 1, 40, 101), "test": (15, 1, 1, 40, 101)
    }  # fmt: skip
    assert task.input_shape == (1, 40, 101)
    assert task.splits["train"].targets.bincount().tolist() == [5, 5, 5]
    dtypes = [task.splits[name].features.dtype for name in ("train", "val", "test")]
    assert dtypes == [torch.int8, torch.float16, torch.float16]


def test_the_training_split_is_normalised_by_the_front_end(task):
    std, mean = torch.std_mean(decode(task.splits["train"].features), dim=(0, 1, 2, 4))
    assert mean.abs().max() < 3e-3
    assert (std - 1).abs().max() < 1e-2
    waveforms, _ = task.clips()["val"].read(torch.arange(10))
    expected = task.front_end(waveforms.float() / 32768)
    features, _ = task.splits["val"].take(torch.arange(10))
    assert torch.allclose(expected, features, atol=3e-3)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_the_features_come_from_the_waveforms(task, split):
    waveforms, targets = (torch.cat(parts) for parts in zip(*task.waveforms(split), strict=True))
    features, classes = task.splits[split].take(torch.arange(15))
    assert torch.equal(classes, targets)
    assert torch.allclose(task.front_end(waveforms), features.clamp(-8, 8), atol=0.04)


def test_features_computed_in_chunks_are_those_of_all_clips_at_once():
    task = Tones(of_each=60, augmented_views=0, silence=False, cache_dir=None)
    task.setup()
    waveforms, targets = task.clips()["val"].read(torch.cat(_spread(120)))
    expected = task.front_end(waveforms.float() / 32768)
    for name, error in (("train", STEP / 2), ("val", 2e-3), ("test", 2e-3)):
        features, classes = task.splits[name].take(torch.arange(120))
        assert torch.equal(classes, targets)
        assert torch.allclose(features, expected, atol=error + 1e-3)


def test_every_clip_is_read_once_and_a_few_at_a_time():
    reads = []

    class Listened(Tones):
        def clips(self):
            clips = super().clips()
            train = clips["train"]

            def read(indices):
                reads.append(indices.tolist())
                return train.read(indices)

            return {**clips, "train": Clips(train.targets, read)}

    Listened(of_each=100, augmented_views=1, cache_dir=None).setup()
    assert sorted(index for chunk in reads for index in chunk) == list(range(200))
    assert max(map(len, reads)) <= 25
    # The first chunk speaks for the whole split.
    assert min(reads[0]) < 10
    assert max(reads[0]) > 190


def test_views_differ_by_noise_but_view_0_has_none():
    task = Tones(augmented_views=2, cache_dir=None)
    task.setup()
    clean, *noisy = decode(task.splits["train"].features[:10]).unbind(1)
    expected, _ = task.splits["val"].take(torch.arange(10))
    assert torch.allclose(clean, expected, atol=STEP / 2 + 3e-3)
    for view in noisy:
        assert not torch.allclose(view, clean, atol=0.1)
    assert not torch.allclose(noisy[0], noisy[1], atol=0.1)


def test_the_second_time_features_come_from_the_cache(task, tmp_path):
    again = Tones(cache_dir=tmp_path, batch_size=7)
    again.setup()
    assert (task.computed, again.computed) == (1, 0)
    for name, split in task.splits.items():
        assert torch.equal(split.features, again.splits[name].features)
        assert split.features.dtype == again.splits[name].features.dtype
        assert torch.equal(split.targets, again.splits[name].targets)
    assert torch.equal(task.front_end.mean, again.front_end.mean)


@pytest.mark.parametrize(
    "change", [{"n_features": 20}, {"seed": 1}, {"noise_probability": 0.5}, {"features": "log_mel"}]
)
def test_other_settings_do_not_find_that_cache(task, tmp_path, change):
    other = Tones(cache_dir=tmp_path, **change)
    other.setup()
    assert other.computed == 1
    assert other.fingerprint() != task.fingerprint()


def test_a_damaged_cache_is_computed_again(task, tmp_path):
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1000])
    for expected in (1, 0):
        again = Tones(cache_dir=tmp_path)
        again.setup()
        assert again.computed == expected
        assert torch.equal(again.splits["test"].features, task.splits["test"].features)


def test_a_file_from_elsewhere_in_the_cache_is_not_trusted(task, tmp_path):
    from rena_pl.data import cache

    (path,) = tmp_path.iterdir()
    cache.write(path, {"mean": torch.zeros(2)}, {})
    again = Tones(cache_dir=tmp_path)
    again.setup()
    assert again.computed == 1


def test_without_a_cache_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    Tones(cache_dir=None).setup()
    assert not list(tmp_path.iterdir())
    Tones().setup()
    assert len(list((tmp_path / "rena_pl").iterdir())) == 1


def test_the_seed_decides_everything(task):
    same, other = Tones(cache_dir=None), Tones(cache_dir=None, seed=1)
    same.setup()
    other.setup()
    assert torch.equal(same.splits["train"].features, task.splits["train"].features)
    assert not torch.equal(other.splits["train"].features, task.splits["train"].features)


@settings(max_examples=30)
@given(
    examples=st.integers(1, 5),
    frames=st.integers(1, 60),
    shift_ms=st.integers(0, 300),
    seed=st.integers(0, 99),
)
def test_augment_shifts_every_example_by_its_own_bounded_number_of_frames(
    examples, frames, shift_ms, seed
):
    task = Tones(time_shift_ms=shift_ms, time_mask_ms=0)
    ramp = torch.arange(1.0, frames + 1).expand(examples, 1, 3, frames)
    shifted = task.augment(ramp, torch.Generator().manual_seed(seed))
    for example in shifted:
        row = example[0, 0]
        assert (example == row).all()
        possible = [
            (torch.arange(frames) - offset).clamp(0, frames - 1) + 1.0
            for offset in range(-(shift_ms // 10), shift_ms // 10 + 1)
        ]
        assert any(torch.equal(row, each) for each in possible)
    assert torch.equal(shifted, task.augment(ramp, torch.Generator().manual_seed(seed)))


def test_augment_blanks_one_short_stretch_per_example():
    task = Tones(time_shift_ms=0, time_mask_ms=120)
    blank = task.augment(torch.ones(200, 1, 4, 50), torch.Generator().manual_seed(0)) == 0
    assert (blank == blank[:, :, :1]).all()
    lengths = blank[:, 0, 0].sum(1)
    assert lengths.max() == 12
    assert lengths.min() == 0
    edges = blank[:, 0, 0].int().diff(dim=1).abs().sum(1)
    assert (edges <= 2).all()


def test_augment_blanks_neighbouring_features():
    task = Tones(time_shift_ms=0, time_mask_ms=0, frequency_mask=8)
    blank = task.augment(torch.ones(200, 1, 40, 5), torch.Generator().manual_seed(0)) == 0
    assert (blank == blank[..., :1]).all()
    lengths = blank[:, 0, :, 0].sum(1)
    assert lengths.max() == 8
    assert lengths.min() == 0
    assert (blank[:, 0, :, 0].int().diff(dim=1).abs().sum(1) <= 2).all()


def test_augment_without_a_generator_uses_the_default_one():
    task = Tones()
    features = torch.randn(8, 1, 40, 101)
    torch.manual_seed(3)
    first = task.augment(features)
    torch.manual_seed(3)
    assert torch.equal(first, task.augment(features))
    assert not torch.equal(first, task.augment(features))


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ([], "0 given"),
        (["word"] * 101, "101 given"),
        (["yes", " "], "not a word"),
        (["yes", "yes"], "twice"),
        (["ye\ns"], "control"),
        (["silence"], "extra class"),
    ],
)
def test_keywords_that_cannot_be_classes_are_refused(keywords, message):
    with pytest.raises(RenaError, match=message):
        Tones(keywords=keywords)


@pytest.mark.parametrize(
    "setting",
    [{"n_features": 0}, {"noise_probability": 1.5}, {"hop_ms": 0}, {"features": "wavelet"}],
)
def test_impossible_settings_are_refused_by_name(setting):
    with pytest.raises(RenaError, match=next(iter(setting))):
        Tones(**setting)

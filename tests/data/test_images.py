import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rena_pl.data.images import ImageTask, stratified_split
from rena_pl.errors import RenaError

IMAGES = torch.arange(1.0, 2 * 3 * 8 * 8 + 1).reshape(2, 3, 8, 8).repeat(50, 1, 1, 1)


class Nothing(ImageTask):
    input_shape = (3, 8, 8)
    labels = ["a", "b"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_half_of_the_images_are_mirrored():
    flipped = Nothing(crop_padding=0).augment(IMAGES, generator())
    same = (flipped == IMAGES).flatten(1).all(1)
    mirrored = (flipped == IMAGES.flip(3)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 30 <= mirrored.sum() <= 70


@settings(max_examples=20)
@given(padding=st.integers(1, 4), seed=st.integers(0, 99))
def test_crops_are_those_of_reflected_images(padding, seed):
    images = IMAGES[:4]
    cropped = Nothing(flip=False, crop_padding=padding).augment(images, generator(seed))
    padded = torch.nn.functional.pad(images, (padding,) * 4, mode="reflect")
    windows = padded.unfold(2, 8, 1).unfold(3, 8, 1)  # (4, 3, rows, columns, 8, 8)
    for image, of_image in zip(cropped, windows, strict=True):
        possible = of_image.permute(1, 2, 0, 3, 4).flatten(0, 1)
        assert (possible == image).flatten(1).all(1).any()


def test_images_are_shifted_by_their_own_draws():
    cropped = Nothing(flip=False, crop_padding=4).augment(IMAGES, generator())
    assert cropped[::2].unique(dim=0).shape[0] > 20


def test_cutout_blanks_a_square():
    cut = Nothing(flip=False, crop_padding=0, cutout=4).augment(IMAGES, generator())
    blank = cut == 0
    assert (blank == blank[:, :1]).all()
    areas = blank[:, 0].flatten(1).sum(1)
    assert areas.max() == 16
    assert areas.min() >= 4
    rows, columns = blank[:, 0].any(2).sum(1), blank[:, 0].any(1).sum(1)
    assert torch.equal(rows * columns, areas)


def test_nothing_is_altered_when_all_is_switched_off():
    assert torch.equal(Nothing(flip=False, crop_padding=0).augment(IMAGES), IMAGES)


def test_the_generator_decides():
    task = Nothing(cutout=2)
    assert torch.equal(task.augment(IMAGES, generator()), task.augment(IMAGES, generator()))
    assert not torch.equal(task.augment(IMAGES, generator()), task.augment(IMAGES, generator(1)))


def test_negative_settings_are_refused():
    with pytest.raises(RenaError, match="cutout"):
        Nothing(cutout=-1)


@given(counts=st.lists(st.integers(2, 30), min_size=1, max_size=5), share=st.floats(0.05, 0.5))
def test_a_stratified_split_has_every_class_in_both_parts(counts, share):
    targets = torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])
    kept, held_out = stratified_split(targets, int(share * len(targets)), seed=0)
    assert torch.equal(torch.cat([kept, held_out]).sort().values, torch.arange(len(targets)))
    for part in (kept, held_out):
        assert targets[part].unique().tolist() == list(range(len(counts)))

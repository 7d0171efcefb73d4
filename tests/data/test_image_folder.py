import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from rena_pl.data import ImageFolder
from rena_pl.data.pixels import read_pixels
from rena_pl.errors import RenaError
from tests.data.conftest import make_images


def test_classes_shapes_and_statistics(tmp_path):
    task = ImageFolder(make_images(tmp_path))
    task.setup()
    assert task.labels == ["blue", "red"]
    assert {name: split.features.shape for name, split in task.splits.items()} == {
        "train": (36, 1, 3, 32, 32), "val": (4, 1, 3, 32, 32), "test": (40, 1, 3, 32, 32)
    }  # fmt: skip
    assert task.splits["val"].targets.tolist() == [0, 0, 1, 1]
    red = task.splits["test"].features[:, 0, 0].mean((1, 2)) > 0
    assert torch.equal(red.long(), task.splits["test"].targets)
    # Of all training images before validation images were put aside, hence not exact.
    std, mean = torch.std_mean(task.splits["train"].features, dim=(0, 1, 3, 4))
    assert mean.abs().max() < 1e-3
    assert (std - 1).abs().max() < 1e-3


def test_a_val_folder_is_used(tmp_path):
    task = ImageFolder(make_images(tmp_path, ("train", "val", "test"), count=5))
    task.setup()
    assert [len(split) for split in task.splits.values()].count(10) == 3


def test_the_seed_decides_which_images_are_put_aside(tmp_path):
    make_images(tmp_path)

    def val(seed):
        task = ImageFolder(tmp_path, seed=seed)
        task.setup()
        return task.splits["val"].features

    assert torch.equal(val(0), val(0))
    assert not torch.equal(val(0), val(1))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_scaled_and_converted(tmp_path, channels):
    make_images(tmp_path, count=3, size=(20, 45))
    grey = Image.fromarray(np.zeros((50, 50), np.uint8))
    grey.save(tmp_path / "train" / "red" / "grey.jpg")
    task = ImageFolder(tmp_path, image_size=16, channels=channels)
    task.setup()
    assert task.input_shape == (channels, 16, 16)
    assert task.splits["test"].features.shape[2:] == task.input_shape
    assert not task.skipped


def test_damaged_images_are_skipped_counted_and_reported(tmp_path, caplog):
    make_images(tmp_path)
    red = tmp_path / "train" / "red"
    (red / "0.png").write_bytes(b"")
    (red / "1.png").write_bytes((red / "2.png").read_bytes()[:200])
    (red / "notes.txt").write_text("not an image and not meant to be one")
    task = ImageFolder(tmp_path)
    task.setup()
    assert sorted(path for path, _ in task.skipped) == [str(red / "0.png"), str(red / "1.png")]
    assert all(reason for _, reason in task.skipped)
    (record,) = caplog.records
    assert record.getMessage().startswith(f"skipped 2 of 80 images, first: {red}")


def test_grey_of_16_bits_keeps_its_shades_and_unknown_ranges_are_skipped(tmp_path):
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    pixels = read_pixels(tmp_path / "ramp.png", 1, 8, 8)
    assert np.abs(pixels.flatten() - np.linspace(0, 255, 64)).max() <= 1
    Image.fromarray(np.zeros((8, 8), np.float32)).save(tmp_path / "floats.tiff")
    with pytest.raises(ValueError, match="whose range is not known"):
        read_pixels(tmp_path / "floats.tiff", 1, 8, 8)


def test_transparent_places_are_white_and_photographs_upright(tmp_path):
    drawing = np.zeros((8, 6, 4), np.uint8)  # black, and to be seen on the left only
    drawing[:, :3, 3] = 255
    Image.fromarray(drawing).save(tmp_path / "drawing.png")
    for channels in (1, 3):
        pixels = read_pixels(tmp_path / "drawing.png", channels, 8, 6)
        assert not pixels[:, :, :3].any()
        assert (pixels[:, :, 3:] == 255).all()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # turned by a quarter
    photograph = np.zeros((6, 8, 3), np.uint8)
    photograph[:, 4:] = 255
    Image.fromarray(photograph).save(tmp_path / "photograph.png", exif=exif)
    pixels = read_pixels(tmp_path / "photograph.png", 1, 8, 6)
    assert (pixels[0, 4:] == 255).all()
    assert not pixels[0, :4].any()


def test_a_class_without_usable_images_is_an_error(tmp_path):
    make_images(tmp_path, count=3)
    for path in (tmp_path / "train" / "red").iterdir():
        path.write_bytes(b"")
    with pytest.raises(RenaError, match=r"0 usable images in .*red"):
        ImageFolder(tmp_path).setup()


def test_missing_folders_are_errors_that_name_them(tmp_path):
    with pytest.raises(RenaError, match=r"no folder .*train"):
        ImageFolder(tmp_path).setup()
    make_images(tmp_path)
    (tmp_path / "test" / "green").mkdir()
    with pytest.raises(RenaError, match="'green'"):
        ImageFolder(tmp_path).setup()


def test_impossible_settings_are_refused(tmp_path):
    with pytest.raises(RenaError, match="image_size"):
        ImageFolder(tmp_path, image_size=0)
    with pytest.raises(RenaError, match="channels"):
        ImageFolder(tmp_path, channels=2)


def test_the_fingerprint_follows_the_files(tmp_path):
    make_images(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    before = ImageFolder(tmp_path / "b").fingerprint()
    (tmp_path / "b").rename(tmp_path / "c")
    assert ImageFolder(tmp_path / "c").fingerprint() == before
    assert ImageFolder(tmp_path / "c", cutout=8).fingerprint() != before
    (tmp_path / "c" / "train" / "red" / "0.png").unlink()
    assert ImageFolder(tmp_path / "c").fingerprint() != before


@pytest.mark.data
def test_real_images(real_data):
    task = ImageFolder(real_data / "cifar10_small")
    task.setup()
    assert {name: split.targets.bincount().tolist() for name, split in task.splits.items()} == {
        "train": [900] * 10,
        "val": [100] * 10,
        "test": [200] * 10,
    }
    assert not task.skipped

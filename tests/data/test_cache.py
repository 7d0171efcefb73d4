import subprocess
import sys

import pytest
import torch

from rena_pl.data import cache


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "features.safetensors"


TENSORS = {"a": torch.randn(30, 4), "b": torch.arange(5)}


def test_what_was_written_is_read(path):
    cache.write(path, TENSORS, {"note": "x"})
    tensors, notes = cache.read(path)
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert notes["note"] == "x"
    assert list(path.parent.iterdir()) == [path]


def test_nothing_is_read_where_nothing_was_written(path):
    assert cache.read(path) is None


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_a_half_written_file_is_not_used(path, keep):
    cache.write(path, TENSORS, {})
    path.write_bytes(path.read_bytes()[:keep])
    assert cache.read(path) is None


def test_a_flipped_bit_is_noticed(path):
    cache.write(path, TENSORS, {})
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert cache.read(path) is None


def test_a_cache_that_cannot_be_written_is_only_reported(path, caplog):
    path.parent.write_text("a file where the folder should be")
    cache.write(path, TENSORS, {})
    assert "not cached" in caplog.text


def test_the_default_folder_follows_xdg(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.default_cache_dir() == tmp_path / "rena_pl"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.default_cache_dir() == tmp_path / "home" / ".cache" / "rena_pl"


def test_neither_writing_nor_reading_copies_the_tensors(path):
    code = """
import resource, sys
from pathlib import Path
import torch
from rena_pl.data import cache

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000

path = Path(sys.argv[1])
tensor = torch.ones(200_000_000, dtype=torch.int8)[:150_000_000]
before = peak_mb()
cache.write(path, {"a": tensor}, {})
written = peak_mb()
tensors, _ = cache.read(path)
print(written - before, peak_mb() - written)
"""
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    writing, reading = map(int, done.stdout.split())
    assert writing < 50
    assert reading < 200

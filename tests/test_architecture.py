from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rena_pl.architecture import Architecture, ArchitectureError, Layer, Skeleton
from rena_pl.errors import RenaError

TEMPORAL = Layer.of(
    "temporal",
    {"channels": 16, "kernel": 9, "stride": 1, "activation": "relu", "norm": "batch"},
)
DENSE = Layer.of("dense", {"units": 64, "activation": "relu"}, (1,))


def test_golden_arch_ids() -> None:
    """The name of an architecture must never change, or old ledgers would lose their networks."""
    assert Architecture((TEMPORAL,)).arch_id == "cdaa479b580a"
    assert Architecture((TEMPORAL, DENSE)).arch_id == "269c6618d4c0"


def test_canonical_json_has_one_text() -> None:
    text = Architecture((TEMPORAL, DENSE)).to_json()
    assert text == Architecture.from_json(json.dumps(json.loads(text), indent=7)).to_json()
    assert " " not in text


def test_equal_by_value_and_hashable() -> None:
    assert Architecture((TEMPORAL,)) == Architecture((TEMPORAL,))
    assert len({Architecture((TEMPORAL,)), Architecture((TEMPORAL,))}) == 1
    assert Architecture((TEMPORAL,)) != Architecture((TEMPORAL,), Skeleton("other"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d.update(format=99), "format 99"),
        (lambda d: d.update(layers=[]), "at least one layer"),
        (lambda d: d.update(layers={}), "'layers' must be a list"),
        (lambda d: d.update(extra=1), "exactly"),
        (lambda d: d["layers"][0].update(inputs=[1]), r"layer 1 \(temporal\) reads from 1"),
        (lambda d: d["layers"][0].update(inputs=[-1]), "reads from -1"),
        (lambda d: d["layers"][0].update(inputs=["0"]), "layer 1: 'inputs'"),
        (lambda d: d["layers"][0].update(kind=3), "layer 1's kind"),
        (lambda d: d["layers"][0].update(kind=201 * "a"), "layer 1's kind has more than 200"),
        (lambda d: d["layers"][0].update(hyper={"channels": [1]}), "channels must be a number"),
        (lambda d: d["layers"][0].pop("hyper"), "layer 1 must be a mapping"),
        (lambda d: d.update(skeleton="chain"), "the skeleton"),
    ],
)
def test_bad_documents_are_refused_with_a_sentence(change, sentence: str) -> None:
    document = json.loads(Architecture((TEMPORAL,)).to_json())
    change(document)
    with pytest.raises(ArchitectureError, match=sentence):
        Architecture.from_json(json.dumps(document))


@given(st.text(max_size=300))
def test_any_text_is_an_architecture_or_a_sentence(text: str) -> None:
    with pytest.raises(RenaError):
        Architecture.from_json(text)


def test_deeply_nested_and_huge_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchitectureError):
        Architecture.from_json("[" * 100_000)
    path = tmp_path / "huge.json"
    path.write_text(" " * 2_000_000)
    with pytest.raises(ArchitectureError, match="huge.json"):
        Architecture.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArchitectureError, match="nowhere.json"):
        Architecture.load(tmp_path / "nowhere.json")


def test_save_and_load(tmp_path: Path) -> None:
    Architecture((TEMPORAL, DENSE)).save(tmp_path / "a.json")
    assert Architecture.load(tmp_path / "a.json") == Architecture((TEMPORAL, DENSE))


def test_a_link_to_an_endless_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "architecture.json"
    file.symlink_to("/dev/zero")
    with pytest.raises(ArchitectureError, match="holds more than 1,000,000 bytes"):
        Architecture.load(file)

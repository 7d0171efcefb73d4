"""An architecture as immutable data: layers, skeleton, canonical JSON and `arch_id`."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from rena_pl.documents import read_at_most
from rena_pl.errors import RenaError
from rena_pl.whole_files import write_whole

FORMAT = 1
MAX_LAYERS = 1000
MAX_FILE_BYTES = 1_000_000
MAX_NAME = 200
"""Characters of a kind in a file."""

Value: TypeAlias = bool | int | float | str
Shape: TypeAlias = tuple[int, int, int]
"""`(channels, height, width)`; for speech, height is frequency and width is time."""


class ArchitectureError(RenaError):
    """An architecture that cannot be: one sentence that names the layer."""


@dataclass(frozen=True)
class Layer:
    """One use of a layer type.

    Attributes:
        kind: The layer type's name in the registry.
        hyper: Every hyper-parameter of the layer type, as pairs sorted by name.
        inputs: Where the layer reads: 0 is the network's input, `i` the output of layer `i`
            (counted from 1), so that a layer reads only what stands before it.
    """

    kind: str
    hyper: tuple[tuple[str, Value], ...] = ()
    inputs: tuple[int, ...] = (0,)

    @classmethod
    def of(cls, kind: str, hyper: Mapping[str, Value], inputs: tuple[int, ...] = (0,)) -> Layer:
        """A layer from a mapping of hyper-parameters."""
        return cls(kind, tuple(sorted(hyper.items())), inputs)

    def reading(self, *inputs: int) -> Layer:
        """The same layer with other inputs."""
        return Layer(self.kind, self.hyper, inputs)

    def having(self, name: str, value: Value) -> Layer:
        """The same layer with another value of a hyper-parameter."""
        return Layer.of(self.kind, {**self.values, name: value}, self.inputs)

    @property
    def values(self) -> dict[str, Value]:
        """The hyper-parameters by name."""
        return dict(self.hyper)

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(f'{name}={value}' for name, value in self.hyper)})"


@dataclass(frozen=True)
class Skeleton:
    """How the searched layers become a whole network; see `rena_pl.space.skeletons`."""

    kind: str = "chain"
    hyper: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True)
class Architecture:
    """Searched layers and their skeleton. Hashable, equal by value, JSON in and out."""

    layers: tuple[Layer, ...]
    skeleton: Skeleton = Skeleton()

    def __post_init__(self) -> None:
        if not self.layers:
            raise ArchitectureError("an architecture needs at least one layer")
        if len(self.layers) > MAX_LAYERS:
            raise ArchitectureError(f"an architecture has at most {MAX_LAYERS} layers")
        for number, layer in enumerate(self.layers, start=1):
            for source in layer.inputs:
                if not 0 <= source < number:
                    raise ArchitectureError(
                        f"layer {number} ({layer.kind}) reads from {source}, "
                        "which is not a layer before it"
                    )

    @cached_property
    def arch_id(self) -> str:
        """The first 12 hex digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    def layers_apart(self, other: Architecture) -> int:
        """How many layers were changed, inserted or removed between two, wherever they read."""
        own, others = (Counter(layer.reading() for layer in it.layers) for it in (self, other))
        return max((own - others).total(), (others - own).total())

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no blanks, one text for one architecture."""
        return json.dumps(self._as_dict(), sort_keys=True, separators=(",", ":"))

    def save(self, path: Path) -> None:
        """Write the architecture as JSON for people: the same content, indented."""
        write_whole(path, json.dumps(self._as_dict(), sort_keys=True, indent=2) + "\n")

    def _as_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "layers": [
                {"kind": layer.kind, "hyper": layer.values, "inputs": list(layer.inputs)}
                for layer in self.layers
            ],
            "skeleton": {"kind": self.skeleton.kind, "hyper": dict(self.skeleton.hyper)},
        }

    @classmethod
    def from_json(cls, text: str) -> Architecture:
        """Read an architecture; `rena_pl.layers.shapes` checks its kinds, values and shapes.

        Raises:
            ArchitectureError: The text is not an architecture of this format version.
        """
        if len(text) > MAX_FILE_BYTES:
            raise ArchitectureError(f"an architecture file holds at most {MAX_FILE_BYTES:,} bytes")
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ArchitectureError(f"not JSON: {error}") from None
        document = _mapping(document, "the architecture", {"format", "layers", "skeleton"})
        if document["format"] != FORMAT:
            raise ArchitectureError(
                f"format {document['format']!r} is not known; this release reads {FORMAT}"
            )
        if not isinstance(document["layers"], list):
            raise ArchitectureError("'layers' must be a list")
        skeleton = _mapping(document["skeleton"], "the skeleton", {"kind", "hyper"})
        return cls(
            tuple(_read_layer(n, item) for n, item in enumerate(document["layers"], start=1)),
            Skeleton(
                _text(skeleton["kind"], "the skeleton's kind"),
                _read_hyper(skeleton["hyper"], "the skeleton"),
            ),
        )

    @classmethod
    def load(cls, path: Path) -> Architecture:
        """Read an architecture file.

        Raises:
            ArchitectureError: The file is missing or holds no architecture; the sentence names it.
        """
        try:
            return cls.from_json(read_at_most(path, MAX_FILE_BYTES))
        except (OSError, UnicodeDecodeError) as error:
            raise ArchitectureError(f"{path}: cannot be read: {error}") from None
        except RenaError as error:
            raise ArchitectureError(f"{path}: {error}") from None


def _read_layer(number: int, item: Any) -> Layer:
    where = f"layer {number}"
    item = _mapping(item, where, {"kind", "hyper", "inputs"})
    inputs = item["inputs"]
    if not isinstance(inputs, list) or not all(type(source) is int for source in inputs):
        raise ArchitectureError(f"{where}: 'inputs' must be a list of whole numbers")
    kind = _text(item["kind"], f"{where}'s kind")
    return Layer(kind, _read_hyper(item["hyper"], f"{where} ({kind})"), tuple(inputs))


def _read_hyper(item: Any, where: str) -> tuple[tuple[str, Value], ...]:
    if not isinstance(item, dict):
        raise ArchitectureError(f"{where}: 'hyper' must be a mapping")
    for name, value in item.items():
        if not isinstance(value, bool | int | float | str):
            raise ArchitectureError(f"{where}: {name} must be a number, text or true/false")
    return tuple(sorted(item.items()))


def _mapping(item: Any, where: str, keys: set[str]) -> dict[str, Any]:
    if not isinstance(item, dict) or set(item) != keys:
        raise ArchitectureError(f"{where} must be a mapping with exactly {', '.join(sorted(keys))}")
    return item


def _text(item: Any, where: str) -> str:
    if not isinstance(item, str):
        raise ArchitectureError(f"{where} must be text")
    if len(item) > MAX_NAME:
        raise ArchitectureError(f"{where} has more than {MAX_NAME} characters")
    return item

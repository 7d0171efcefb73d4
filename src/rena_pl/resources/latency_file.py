"""Times that were measured once and hold for a whole run, whichever worker needs them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock
from torch import nn

from rena_pl.architecture import Shape
from rena_pl.checks import is_number
from rena_pl.errors import RenaError, StorageError

MAX_BYTES = 2**26
"""About 300,000 layers."""
POLL_SECONDS = 0.005
"""How often a worker looks whether another has done with measuring."""


@dataclass(frozen=True)
class Part:
    """A layer, or something like it, whose time is measured.

    Attributes:
        layer: What it is, hyper-parameters included.
        inputs: The shapes that it reads.
        build: Makes a fresh module of it.
    """

    layer: str
    inputs: tuple[Shape, ...]
    build: Callable[[], nn.Module] = field(compare=False)


class LatencyFile:
    """Milliseconds of parts of networks, as lines of JSON, each measured when it is first needed.

    What is measured differs a little every time, and a search must come to the same on any number
    of workers and after a kill: so the first number counts. Whoever misses one looks in the file,
    alone, and measures it only if it is not there; no two workers measure at the same time.

    Args:
        path: The file; numbers are kept for this process only when left out.
        measure: Takes the time of a part.
    """

    def __init__(self, path: Path | None, measure: Callable[[Part], float]) -> None:
        self._path = path
        self._measure = measure
        self._known: dict[tuple[str, tuple[Shape, ...]], float] = {}
        self._read = self._lines = 0

    def of(self, parts: Sequence[Part]) -> list[float]:
        """The milliseconds of each of some parts.

        Raises:
            RenaError: The file holds something else, or a part cannot be measured.
            StorageError: A number cannot be written down.
        """
        missing = [part for part in parts if _key(part) not in self._known]
        if missing:
            with self._alone():
                self._refresh()
                for part in missing:
                    if _key(part) not in self._known:
                        self._add(part, round(self._measure(part), 6))
        return [self._known[_key(part)] for part in parts]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._path is None:
            yield
            return
        lock = FileLock(self._path.with_name(self._path.name + ".lock"))
        try:
            lock.acquire(poll_interval=POLL_SECONDS)
        except (OSError, NotImplementedError) as error:
            raise StorageError(f"{self._path}: cannot be locked: {error}") from error
        try:
            yield
        finally:
            lock.release()

    def _refresh(self) -> None:
        """Take in what others, or an earlier run, have measured."""
        if self._path is None or not self._path.is_file():
            return
        try:
            if self._path.stat().st_size > MAX_BYTES:
                raise RenaError(f"{self._path}: holds more than {MAX_BYTES:,} bytes")
            with self._path.open("rb") as file:
                file.seek(self._read)
                *lines, _torn = file.read().split(b"\n")
        except OSError as error:
            raise RenaError(f"{self._path}: cannot be read: {error}") from error
        for line in lines:
            self._lines += 1
            key, milliseconds = _parsed(line, f"{self._path}: line {self._lines}")
            self._known.setdefault(key, milliseconds)
            self._read += len(line) + 1

    def _add(self, part: Part, milliseconds: float) -> None:
        """Write a number down behind the last whole line; a kill may have left a part of one."""
        if self._path is not None:
            content = {"layer": part.layer, "inputs": part.inputs, "ms": milliseconds}
            line = json.dumps(content).encode() + b"\n"
            try:
                with self._path.open("ab") as file:
                    if file.tell() > self._read:
                        file.truncate(self._read)
                    file.write(line)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise StorageError(f"{self._path}: cannot be written: {error}") from error
            self._read += len(line)
            self._lines += 1
        self._known[_key(part)] = milliseconds


def _key(part: Part) -> tuple[str, tuple[Shape, ...]]:
    return part.layer, part.inputs


def _parsed(line: bytes, where: str) -> tuple[tuple[str, tuple[Shape, ...]], float]:
    """What a line says.

    Raises:
        RenaError: It is not the time of a layer.
    """
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        content = None
    if not (isinstance(content, dict) and content.keys() == {"layer", "inputs", "ms"}):
        raise RenaError(f"{where}: is no layer with its inputs and ms")
    layer, inputs, milliseconds = content["layer"], content["inputs"], content["ms"]
    if not isinstance(layer, str):
        raise RenaError(f"{where}: layer must be text")
    if not (isinstance(inputs, list) and all(map(_is_shape, inputs))):
        raise RenaError(f"{where}: inputs must be shapes, lists of three whole numbers")
    if not (is_number(milliseconds) and milliseconds >= 0):
        raise RenaError(f"{where}: ms must be a number of milliseconds")
    return (layer, tuple((c, h, w) for c, h, w in inputs)), float(milliseconds)


def _is_shape(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 3 and all(type(extent) is int for extent in item)

"""What a W&B run wrote to its file, which wandb itself reads only to send it."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

HEADER, BLOCK, PART = b":W&B", 2**15, struct.Struct("<IHB")
WHOLE, LAST = 1, 4


def records(file: Path) -> Iterator[Record]:
    """The records of a `.wandb` file: protocol buffers in a LevelDB log.

    wandb has no public reader; the format of the log is LevelDB's (doc/log_format.md there).
    """
    content = file.read_bytes()
    assert content.startswith(HEADER)
    at, record = 7, b""
    while at + PART.size <= len(content):
        left = BLOCK - at % BLOCK
        if left < PART.size:
            at += left
            continue
        _, length, kind = PART.unpack_from(content, at)
        at += PART.size
        record += content[at : at + length]
        at += length
        if kind in (WHOLE, LAST):
            yield Record.FromString(record)
            record = b""


def history(file: Path) -> list[dict[str, Any]]:
    """Every row that was logged."""
    return [
        {
            item.key or "/".join(item.nested_key): json.loads(item.value_json)
            for item in row.history.item
        }
        for row in records(file)
        if row.WhichOneof("record_type") == "history"
    ]


def of_kind(file: Path, kind: str) -> list[Any]:
    """All records of a kind."""
    return [
        getattr(record, kind)
        for record in records(file)
        if record.WhichOneof("record_type") == kind
    ]

"""Short names for content, the same in every process."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any


def short_hash(content: Any) -> str:
    """16 hexadecimal digits that depend on every value in `content`, plain or as it prints."""
    return hashlib.sha256(json.dumps(content, default=printed).encode()).hexdigest()[:16]


def printed(value: object) -> str:
    """How a value prints, without its address, which is of this process only."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))

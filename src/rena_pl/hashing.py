"""Short names for content."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def short_hash(content: Any) -> str:
    """16 hexadecimal digits that depend on every value in `content` (plain types and paths)."""
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:16]

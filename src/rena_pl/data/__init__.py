"""Tasks: the LightningDataModules with the children's data."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rena_pl.data.speech_commands import SpeechCommands
    from rena_pl.data.spoken_keywords import SpokenKeywords
    from rena_pl.data.tensor_task import Split, TensorTask

# Loaded on first use: `import rena_pl.data` alone imports neither torch nor Lightning.
_MODULES = {
    "SpeechCommands": "speech_commands",
    "SpokenKeywords": "spoken_keywords",
    "Split": "tensor_task",
    "TensorTask": "tensor_task",
}

__all__ = ["SpeechCommands", "Split", "SpokenKeywords", "TensorTask"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

"""Tasks: the LightningDataModules with the children's data."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rena_pl.data.cifar10 import CIFAR10
    from rena_pl.data.image_folder import ImageFolder
    from rena_pl.data.keyword_folder import KeywordFolder
    from rena_pl.data.speech_commands import SpeechCommands
    from rena_pl.data.spoken_keywords import SpokenKeywords
    from rena_pl.data.tensor_task import Split, TensorTask

__all__ = [
    "CIFAR10",
    "ImageFolder",
    "KeywordFolder",
    "SpeechCommands",
    "Split",
    "SpokenKeywords",
    "TensorTask",
]

_MODULES = {
    "CIFAR10": "cifar10",
    "ImageFolder": "image_folder",
    "KeywordFolder": "keyword_folder",
    "SpeechCommands": "speech_commands",
    "Split": "tensor_task",
    "SpokenKeywords": "spoken_keywords",
    "TensorTask": "tensor_task",
}


def __getattr__(name: str) -> Any:
    """Load a class on its first use; importing the package imports neither torch nor Lightning."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

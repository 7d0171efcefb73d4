"""The tasks as LightningCLI and YAML build them."""

import pytest
from jsonargparse import ArgumentParser

from rena_pl.data import TensorTask


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("SpeechCommands", {"root": "data", "keywords": ["yes", "no"], "n_features": 20}),
        ("KeywordFolder", {"root": "data", "features": "log_mel", "cache_dir": None}),
        ("SpokenKeywords", {"keywords": ["lamp"], "clips_per_keyword": 5, "time_shift_ms": 50}),
        ("CIFAR10", {"root": "data", "download": False, "flip": False}),
        ("ImageFolder", {"root": "data", "channels": 1, "cutout": 8, "seed": 3}),
    ],
)
def test_a_class_path_with_its_arguments(name, arguments):
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--data", type=TensorTask)
    content = {"data": {"class_path": f"rena_pl.data.{name}", "init_args": arguments}}
    task = parser.instantiate(parser.parse_object(content)).data
    assert type(task).__name__ == name
    assert {argument: getattr(task, argument) for argument in arguments} == arguments

"""What exporters cannot take is said in a sentence, whatever they raise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rena_pl.deploy.converting import converting
from rena_pl.deploy.executorch_export import export_executorch
from rena_pl.deploy.litert_export import export_litert
from rena_pl.deploy.onnx_graph import FEATURES, LOGITS, export
from rena_pl.deploy.trained import Trained, load
from rena_pl.errors import RenaError
from tests.tasks import WithoutSplits


class Wavering(nn.Module):
    """Its way depends on the values that it sees, which no exporter can follow."""

    def forward(self, features: Tensor) -> Tensor:
        return features.flatten(1) if features.sum() > 0 else -features.flatten(1)


def said_of(form: str) -> Any:
    return pytest.raises(RenaError, match=rf"^the network cannot be exported to {form}: [^\n]+$")


def test_what_torch_raises_is_one_line() -> None:
    with said_of("LiteRT"), converting("LiteRT"):
        torch.export.export(Wavering(), (torch.randn(1, 3),))


def test_an_error_without_words_has_its_name() -> None:
    with said_of("ExecuTorch") as noted, converting("ExecuTorch"):
        raise NotImplementedError
    assert str(noted.value).endswith(": NotImplementedError")


def test_onnx() -> None:
    with said_of("ONNX"):
        export(Wavering().eval(), torch.randn(2, 3, 4, 5), FEATURES, LOGITS)


@pytest.mark.parametrize(
    ("form", "package", "write"),
    [
        ("ExecuTorch", "executorch", export_executorch),
        ("LiteRT", "litert_torch", export_litert),
    ],
)
def test_the_other_formats(form: str, package: str, write, run: Path, tmp_path: Path) -> None:
    pytest.importorskip(package, reason=f"the extra `{form.lower()}` is not installed")
    sound = load(run)
    trained = Trained(Wavering(), None, sound.architecture, sound.summary)
    with said_of(form):
        write(trained, WithoutSplits(), tmp_path / "network")
    assert list(tmp_path.iterdir()) == []

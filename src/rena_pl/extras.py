"""Packages that are needed for some purposes only, each an extra of its own."""

from __future__ import annotations

from importlib.util import find_spec

from rena_pl.errors import RenaError

PACKAGES = {
    "export": ("onnx", "onnxruntime", "onnxscript"),
    "executorch": ("executorch",),
    "litert": ("litert_torch", "ai_edge_litert"),
    "wandb": ("wandb-workspaces",),
    "compare": ("scipy",),
}
"""What an extra brings."""


def require_extra(extra: str, purpose: str) -> None:
    """Check that the packages of an extra are installed.

    Args:
        extra: Its name.
        purpose: What they are needed for.

    Raises:
        RenaError: One is missing.
    """
    for package in PACKAGES[extra]:
        if find_spec(package.replace("-", "_")) is None:
            raise RenaError(
                f"{purpose} needs the package {package}: pip install 'rena-pl[{extra}]'"
            )

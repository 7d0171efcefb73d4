"""Resource-constrained neural architecture search with PyTorch Lightning, after RENA (2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rena_pl.deploy.trained import load

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    """Load `load` on its first use; importing the package imports neither torch nor Lightning."""
    if name != "load":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rena_pl.deploy.trained import load

    return load

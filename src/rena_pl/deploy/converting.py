"""What exporters say of a network that they cannot take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rena_pl.errors import RenaError
from rena_pl.resources.onnx_runtime import quietly


@contextmanager
def converting(form: str) -> Iterator[None]:
    """Quietly convert a network to a format.

    Raises:
        RenaError: It cannot be; the sentence says why, as the exporter does.
    """
    try:
        with quietly():
            yield
    except Exception as error:  # every exporter has its own, besides those of torch.export
        told = str(error).strip() or type(error).__name__
        raise RenaError(
            f"the network cannot be exported to {form}: {told.splitlines()[0]}"
        ) from error

"""Work is taken by whichever worker is free, each piece by one of them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from lightning.pytorch import Trainer
from torch.distributed import (  # type: ignore[attr-defined, unused-ignore]
    HashStore,
    Store,
    TCPStore,
)


class Claims:
    """Counters that all workers of a job share.

    Args:
        trainer: Of this worker, its process group set up.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._counters = _shared_store(trainer)
        self._round = 0

    def share_of(self, pieces: int) -> Iterator[int]:
        """The numbers below `pieces` that this worker has to see to, in rising order.

        The next one is taken when the worker comes back for it. All workers call this equally
        often, with the same number of pieces.
        """
        self._round += 1
        while (piece := self._counters.add(f"round {self._round}", 1) - 1) < pieces:
            yield piece


def _shared_store(trainer: Trainer) -> Store:
    if trainer.world_size == 1:
        return HashStore()
    host = os.environ.get("MASTER_ADDR", "127.0.0.1")
    if trainer.is_global_zero:
        store = TCPStore(host, 0, is_master=True, wait_for_workers=False)
        trainer.strategy.broadcast(store.port)
        return store
    port = trainer.strategy.broadcast(0)
    return TCPStore(host, port, is_master=False, wait_for_workers=False)

"""A worker that dies ends the whole job at once, with its name and cause."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, wait
from subprocess import TimeoutExpired
from threading import Thread
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from rena_pl.errors import RenaError
from rena_pl.evaluation.interrupts import uncut

LOOPBACK = "127.0.0.1"
LONGEST_WRITE = 2.0
"""Seconds for which a worker that has to end may finish what it writes."""
NEWS_ARRIVE = 3.0
"""Seconds in which the news of another's death arrive where a collective has failed."""
FAILED, USAGE_ERROR, INTERRUPTED = 1, 2, 130

LastWord = tuple[int, str]
"""The exit code with which a worker leaves, and why; nothing to say after its work is done."""
DONE: LastWord = (0, "")


class Lifeline(Callback):
    """A connection between worker 0 and every other, which a dying process cannot but close.

    Collectives notice a lost process late or never, and say nothing about which it was. Here, a
    worker that ends says why as its last word. One that is killed says nothing, but the system
    closes its connection: worker 0 names it and tells the others, and all of them end, with what
    they were writing written. What they were training is trained again by the same command.

    Messages are bytes of JSON, and a connection is accepted only with the key that was handed out
    within the process group.
    """

    def __init__(self) -> None:
        self._lines: dict[int, Connection] = {}
        self._watch: Thread | None = None
        self._leaving = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Connect the workers, where there are several."""
        if trainer.world_size == 1:
            return
        self._leaving, self._lines = False, {}
        if trainer.is_global_zero:
            host = os.environ.get("MASTER_ADDR", LOOPBACK)
            key = os.urandom(32)
            listener = Listener((host if host == LOOPBACK else "", 0), authkey=key)
            trainer.strategy.broadcast((host, listener.address[1], key))
            self._start(self._watch_all, listener, trainer)
        else:
            address: Any = None
            host, port, key = trainer.strategy.broadcast(address)
            try:
                line = Client((host, port), authkey=key)
            except OSError as error:
                raise RenaError(
                    f"worker {trainer.global_rank} cannot reach worker 0 at {host}: {error}"
                ) from error
            _keep_alive(line)
            line.send_bytes(str(trainer.global_rank).encode())
            self._lines = {0: line}
            self._start(self._watch_first, line)
        trainer.strategy.barrier("lifeline")

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave: the work is done."""
        self._leave(DONE)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leave, and say why; unless it was another that died and made this one fail."""
        if self._watch is not None and isinstance(exception, RuntimeError):
            self._watch.join(NEWS_ARRIVE)  # it ends the process if there are any
        if isinstance(exception, RenaError):
            self._leave((USAGE_ERROR, str(exception)))
        elif isinstance(exception, KeyboardInterrupt):
            self._leave((INTERRUPTED, "it was interrupted"))
        else:
            self._leave((FAILED, f"{type(exception).__name__}: {exception}"))

    def _start(self, watch: Any, *arguments: Any) -> None:
        self._watch = Thread(target=watch, args=arguments, daemon=True, name="lifeline")
        self._watch.start()

    def _leave(self, word: LastWord) -> None:
        self._leaving = True
        self._tell(word)

    def _tell(self, word: LastWord) -> None:
        for line in list(self._lines.values()):
            with suppress(OSError):  # gone already
                line.send_bytes(json.dumps(word).encode())

    def _watch_all(self, listener: Listener, trainer: Trainer) -> None:
        """Worker 0: hear of the end of every other."""
        with listener:
            while len(self._lines) < trainer.world_size - 1:
                try:
                    line = listener.accept()
                except (AuthenticationError, OSError, EOFError):  # a stranger
                    continue
                _keep_alive(line)
                self._lines[int(line.recv_bytes(16))] = line
        open_ = {line: rank for rank, line in self._lines.items()}
        while open_:
            for ready in wait(list(open_)):
                assert isinstance(ready, Connection)
                rank = open_.pop(ready)
                word = _heard(ready)
                if word is None:
                    word = FAILED, _death(trainer, rank)
                code, why = word
                if code and not self._leaving:
                    self._tell(word)
                    _end(code, f"worker {rank} ended: {why}")

    def _watch_first(self, line: Connection) -> None:
        """Any other worker: hear of the end of worker 0, or through it of another's."""
        word = _heard(line)
        if self._leaving or word == DONE:
            return
        if word is None:
            _end(FAILED, "worker 0 ended: its process is gone without a word: killed?")
        else:
            _end(word[0])  # worker 0 says it


def end_with_launcher() -> None:
    """Have this worker end with the process that started it, from before it is connected on.

    Worker 0, if it was not started by a launcher, may outlive the shell that it was started from.
    """
    launcher = os.getppid()

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(1)
        _end(FAILED)

    if int(os.environ.get("LOCAL_RANK", 0)) > 0:
        Thread(target=watch, daemon=True, name="launcher").start()


def _heard(line: Connection) -> LastWord | None:
    """The last word of whoever is at the other end; none from one that died without."""
    try:
        code, why = json.loads(line.recv_bytes(1_000_000))
    except (OSError, EOFError):
        return None
    return int(code), str(why)


def _death(trainer: Trainer, rank: int) -> str:
    """What is known of the death of a worker: the signal, where it was a process of our own."""
    processes = getattr(trainer.strategy.launcher, "procs", ())
    if rank <= len(processes):
        try:
            code = processes[rank - 1].wait(timeout=1)
        except TimeoutExpired:
            return "it cannot be reached any more"
        if code < 0:
            return f"its process was killed by {signal.Signals(-code).name}"
        return f"its process ended with exit code {code}"
    return "its process is gone without a word: killed?"


def _end(code: int, why: str = "") -> None:
    """End this process from another thread than its main one, which may wait for ever."""
    if why:
        hint = "" if code == USAGE_ERROR else "; the same command goes on where this one was left"
        print(f"rena: {why}{hint}", file=sys.stderr, flush=True)
    with uncut(LONGEST_WRITE):
        os._exit(code)


def _keep_alive(line: Connection) -> None:
    """Have the system notice within half a minute that the other machine is gone."""
    options = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 4}
    with socket.fromfd(line.fileno(), socket.AF_INET, socket.SOCK_STREAM) as connected:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in options.items():
            if hasattr(socket, name):  # not on every system
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from rena_pl.evaluation.interrupts import interrupts_held, interrupts_kept


def test_an_interrupt_comes_behind_the_block() -> None:
    done = []

    def write() -> None:
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            done.append("written")
        done.append("went on")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert done == ["written"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_end_of_the_process_comes_behind_the_block() -> None:
    code = (
        "import signal\n"
        "from rena_pl.evaluation.interrupts import interrupts_held\n"
        "with interrupts_held():\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    print('written', flush=True)\n"
        "print('went on')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "written\n")


def test_no_interrupt_no_trace() -> None:
    with interrupts_held():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_in_the_block_restores_the_handler() -> None:
    with pytest.raises(ValueError, match="x"), interrupts_held():
        raise ValueError("x")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_may_use_it() -> None:
    entered = []

    def work() -> None:
        with interrupts_held():
            entered.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert entered == [True]


@pytest.mark.parametrize("lost_as", ["an error", "nothing"])
def test_an_interrupt_whose_exception_gets_lost_is_one_all_the_same(lost_as: str) -> None:
    def lose() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            if lost_as == "an error":
                raise RuntimeError("a callback failed") from None

    with pytest.raises(KeyboardInterrupt), interrupts_kept():
        lose()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_errors_pass_and_ignored_interrupts_stay_ignored() -> None:
    with pytest.raises(ValueError, match="x"), interrupts_kept():
        raise ValueError("x")
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_kept():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)

from __future__ import annotations

from rena_pl.architecture import Architecture
from rena_pl.evaluation.evaluation import FINAL, START, Evaluation, Place
from rena_pl.evaluation.failures import FEWEST, widespread_failure
from rena_pl.layers import layer_types


def child(place: Place, status: str, kernel: int, reason: str = "", params: int = 10) -> Evaluation:
    layers = (layer_types()["temporal"](channels=8, kernel=kernel).as_layer(0),)
    accuracy = 0.5 if status == "done" else None
    return Evaluation(
        f"{place}", Architecture(layers), None, 1, place, {"params": params}, status, accuracy, 0.0,
        reason,
    )  # fmt: skip


def failed(number: int, **given) -> Evaluation:
    reason = f"OutOfMemoryError: tried to allocate {number} MiB"
    return child((number, 0, 0), "failed", 9, reason, **given)


def done(number: int) -> Evaluation:
    return child((number, 1, 0), "done", 3)


def test_most_children_that_fail_stop_the_search_and_say_what_they_share() -> None:
    children = [failed(number, params=500) for number in range(6)] + [done(n) for n in range(4)]
    assert widespread_failure(children) == (
        "6 of 10 children failed, 6 of them with 'OutOfMemoryError: tried to allocate 0 MiB'; "
        "in common they have temporal(kernel=9), params above 10"
    )


def test_half_of_them_is_not_most() -> None:
    assert widespread_failure([failed(n) for n in range(6)] + [done(n) for n in range(6)]) is None


def test_a_few_say_nothing() -> None:
    assert widespread_failure([failed(n) for n in range(FEWEST - 1)]) is None
    assert widespread_failure([failed(n) for n in range(FEWEST)]) is not None


def test_start_finals_and_infeasible_ones_do_not_count() -> None:
    others = [child(START, "done", 3)]
    others += [child((FINAL, number, 0), "failed", 3) for number in range(20)]
    others += [child((number, 2, 0), "infeasible", 3) for number in range(20)]
    assert widespread_failure([*others, failed(0), done(0)]) is None


def test_without_anything_in_common_that_is_said() -> None:
    mixed = [child((n, 0, 0), "failed", (3, 9)[n % 2], "boom") for n in range(8)]
    others = [child((n, 1, 0), "done", (3, 9)[n % 2]) for n in range(2)]
    assert str(widespread_failure(mixed + others)).endswith("nothing that the others have not")

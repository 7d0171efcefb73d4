"""Replayed steps; on the CPU a capture is played by plain calls of what would be captured."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from rena_pl.child.data import ChildData, ResidentData
from rena_pl.child.fit import plain_step, predict, train
from rena_pl.child.graph import WARM_UP, GraphStep, Step, Work
from rena_pl.child.module import Child
from rena_pl.child.teaching import TaughtData
from rena_pl.space.named import NAMED
from tests.tasks import CLASSES, INPUT, TinyTask

EPOCHS = 3
CPU = torch.device("cpu")
gpu = pytest.mark.gpu
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def plainly(work: Work) -> Work:
    return work


def refused(work: Work) -> Work:
    raise RuntimeError("operation not permitted when stream is capturing")


def task_data(device: torch.device, batch_size: int = 25) -> ResidentData:
    """120 examples: four batches of 25 and one of 20."""
    task = TinyTask(batch_size)
    task.setup()
    return ResidentData(task, device)


def fresh_child() -> Child:
    torch.manual_seed(0)
    return Child(NAMED["tc_resnet8"](), INPUT, CLASSES)


def trained(
    child: Child,
    wrap: Callable[[Step], Step],
    capturable: bool = False,
    device: torch.device = CPU,
    teacher: nn.Module | None = None,
) -> tuple[list[float], dict[str, Tensor]]:
    """Losses and weights after a few epochs."""
    data: ChildData = task_data(device)
    data = data if teacher is None else TaughtData(data, teacher)
    child.to(device).train()
    optimizer, schedule = child.optimizer(EPOCHS * data.batches_per_epoch, capturable)
    step, losses = wrap(plain_step(child, optimizer)), []
    generator = torch.Generator(device).manual_seed(0)
    for _ in range(EPOCHS):
        for batch in data.epoch(generator):
            losses.append(step(*batch).clone())
            schedule.step()
    weights = {name: tensor.cpu() for name, tensor in child.network.state_dict().items()}
    return torch.stack(losses).tolist(), weights


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_step_on_fixed_tensors_does_what_a_plain_one_does() -> None:
    losses, weights = trained(fresh_child(), lambda step: step)
    by_graph, replayed = trained(fresh_child(), lambda step: GraphStep(step, plainly))
    assert by_graph == losses
    assert same(replayed, weights)


def test_steps_on_fixed_tensors_take_probabilities_too() -> None:
    teacher = fresh_child().eval()
    losses, weights = trained(fresh_child(), lambda step: step, teacher=teacher)
    by_graph, replayed = trained(
        fresh_child(), lambda step: GraphStep(step, plainly), teacher=teacher
    )
    assert by_graph == losses
    assert same(replayed, weights)


def test_a_learning_rate_on_the_device_follows_the_same_cycle() -> None:
    rates = []
    for capturable in (False, True):
        optimizer, schedule = fresh_child().optimizer(20, capturable)
        first = optimizer.param_groups[0]["lr"]
        of_this = [float(first)]
        for _ in range(19):
            optimizer.step()
            schedule.step()
            of_this.append(float(optimizer.param_groups[0]["lr"]))
        rates.append(of_this)
    assert optimizer.param_groups[0]["lr"] is first  # changed in place, as a graph reads it
    assert rates[1] == pytest.approx(rates[0])
    losses, _ = trained(fresh_child(), lambda step: step)
    by_tensor, _ = trained(fresh_child(), lambda step: step, capturable=True)
    assert by_tensor == pytest.approx(losses, abs=1e-2)


def test_the_capture_is_of_the_size_of_the_first_batches() -> None:
    sizes, calls = [], []

    def counted(work: Work) -> Work:
        def replay() -> Tensor:
            calls.append(len(sizes))
            return work()

        return replay

    def noted(step: Step) -> Step:
        def note(features: Tensor, targets: Tensor) -> Tensor:
            sizes.append(len(features))
            return step(features, targets)

        return note

    trained(fresh_child(), lambda step: GraphStep(noted(step), counted))
    assert sizes == [25, 25, 25, 25, 20] * EPOCHS
    assert len(calls) == 4 * EPOCHS - WARM_UP


def test_where_the_capture_fails_training_goes_on_without() -> None:
    losses, weights = trained(fresh_child(), lambda step: step)
    tries = []

    def refuse(work: Work) -> Work:
        tries.append(work)
        return refused(work)

    by_calls, called = trained(fresh_child(), lambda step: GraphStep(step, refuse))
    assert len(tries) == 1
    assert by_calls == losses
    assert same(called, weights)


def test_on_a_cpu_nothing_is_captured() -> None:
    data, children = task_data(CPU), [fresh_child(), fresh_child()]
    for child, graph in zip(children, (True, False), strict=True):
        train(child, data, 2, torch.Generator().manual_seed(0), graph)
    assert same(*(child.network.state_dict() for child in children))


@gpu
@needs_gpu
def test_a_graph_has_the_losses_of_plain_steps() -> None:
    device = torch.device("cuda")
    plain, _ = trained(fresh_child(), lambda step: step, True, device)
    captured = []

    def keep(step: Step) -> Step:
        captured.append(GraphStep(step))
        return captured[0]

    by_graph, _ = trained(fresh_child(), keep, True, device)
    assert by_graph == pytest.approx(plain, rel=0.02, abs=0.02)
    assert captured[0].replay is not captured[0].step


@gpu
@needs_gpu
def test_a_layer_that_waits_for_the_device_is_trained_without_a_graph() -> None:
    class Waits(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            return features if float(features.sum()) > 0 else features.clone()

    device = torch.device("cuda")
    child = fresh_child()
    child.network = nn.Sequential(Waits(), child.network)
    captured = []

    def keep(step: Step) -> Step:
        captured.append(GraphStep(step))
        return captured[0]

    trained(child, keep, True, device)
    assert captured[0].replay is captured[0].step


@gpu
@needs_gpu
def test_children_learn_by_graph() -> None:
    data, child = task_data(torch.device("cuda")), fresh_child().to("cuda")
    train(child, data, 6, torch.Generator("cuda").manual_seed(0))
    predicted, true = predict(child, data.split("val"))
    assert (predicted == true).float().mean() > 0.8

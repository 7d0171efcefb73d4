"""The child: the network of one architecture as a plain LightningModule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.nn import functional
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from rena_pl.architecture import Architecture, Shape
from rena_pl.errors import RenaError
from rena_pl.network.build import build

TEMPERATURE = 4.0
"""What the logits of a teacher and of the child are divided by, so that a child learns what the
teacher thinks of the other classes too (arXiv 1503.02531, section 2)."""


@dataclass(frozen=True)
class Recipe:
    """How children are trained: AdamW with a one-cycle schedule.

    Attributes:
        learning_rate: The peak of the cycle.
        inherited_rate: The share of it for a child that starts from its parent's weights: a high
            peak shakes them, a low one leaves new layers behind.
        weight_decay: Of AdamW.
        warm_up: The share of the steps in which the learning rate rises.
        label_smoothing: Of the cross-entropy.
    """

    learning_rate: float = 0.01
    inherited_rate: float = 1.0
    weight_decay: float = 0.02
    warm_up: float = 0.25
    label_smoothing: float = 0.1

    def __post_init__(self) -> None:
        for name in ("learning_rate", "inherited_rate"):
            if not getattr(self, name) > 0:
                raise RenaError(f"child.{name} must be above 0, not {getattr(self, name)}")
        if not 0 < self.warm_up < 1:
            raise RenaError(f"child.warm_up must be between 0 and 1, not {self.warm_up}")

    def inherited(self) -> Recipe:
        """The recipe of a child that starts from its parent's weights."""
        return replace(self, learning_rate=self.learning_rate * self.inherited_rate)


class Child(LightningModule):
    """A network that any Lightning Trainer can fit; inside the search `train` does.

    Args:
        architecture: What to build.
        input_shape: `(channels, height, width)` of one example.
        num_classes: Outputs of the classifier.
        recipe: How to train it.
    """

    def __init__(
        self,
        architecture: Architecture,
        input_shape: Shape,
        num_classes: int,
        recipe: Recipe = Recipe(),
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.recipe = recipe
        self.network = build(architecture, input_shape, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        """Features `(batch, channels, height, width)` to logits `(batch, classes)`."""
        logits: Tensor = self.network(features)
        return logits

    def loss(self, features: Tensor, targets: Tensor) -> Tensor:
        """The training loss of a batch.

        Targets are classes, which the recipe smooths, or a teacher's probabilities at
        `TEMPERATURE`.
        """
        logits = self(features)
        if targets.is_floating_point():
            return functional.cross_entropy(logits / TEMPERATURE, targets)
        return functional.cross_entropy(
            logits, targets, label_smoothing=self.recipe.label_smoothing
        )

    def optimizer(self, steps: int, capturable: bool = False) -> tuple[Optimizer, LRScheduler]:
        """The optimiser and the schedule for a training of `steps` steps.

        Args:
            steps: How many.
            capturable: Whether the optimiser's step can be part of a CUDA graph: the learning rate
                is then a tensor on the child's device, which the schedule changes in place.
        """
        rate = self.recipe.learning_rate
        optimizer = AdamW(
            self.parameters(),
            lr=torch.tensor(rate, device=self.device) if capturable else rate,
            weight_decay=self.recipe.weight_decay,
            fused=True,
            capturable=capturable,
        )
        steps = max(steps, 3)  # one to rise, one at the peak, one to fall
        schedule = OneCycleLR(
            optimizer,
            max_lr=self.recipe.learning_rate,
            total_steps=steps,
            pct_start=min(max(self.recipe.warm_up, 2 / steps), 1 - 1 / steps),
            cycle_momentum=False,
        )
        return optimizer, schedule

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """The loss of a batch."""
        loss = self.loss(*batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the accuracy on the validation split."""
        self._log_accuracy("val_accuracy", batch)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the accuracy on the test split."""
        self._log_accuracy("test_accuracy", batch)

    def configure_optimizers(self) -> Any:
        """The optimiser and its schedule, for a Trainer."""
        optimizer, schedule = self.optimizer(int(self.trainer.estimated_stepping_batches))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _log_accuracy(self, name: str, batch: tuple[Tensor, Tensor]) -> None:
        features, targets = batch
        correct = (self(features).argmax(1) == targets).to(torch.float32).mean()
        self.log(name, correct, prog_bar=True, sync_dist=True, batch_size=len(targets))

"""Lightning module of the paper's search for a steady state (Eq. 5).

A search is one `fit` cut into epochs of a few iterations, so that it can be watched and resumed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from repro.config.method import Variational
from repro.config.objective import SignLoss
from repro.config.point import Point
from repro.methods import losses
from repro.methods.module import ADAM, PointModule

EPOCH_ITERATIONS = 20


class VariationalModule(PointModule):
    """Steady state by minimising ||dp/dt||_1 (Eq. 5) with Adam."""

    def __init__(self, point: Point, memory: int | None = None) -> None:
        super().__init__(point, memory)
        assert isinstance(point.method, Variational)
        self.search = point.method
        self.iteration_losses: list[float] = []

    @property
    def n_epochs(self) -> int:
        """Epochs of the fit, of up to EPOCH_ITERATIONS each."""
        return math.ceil(self.search.iterations / EPOCH_ITERATIONS)

    def train_dataloader(self) -> range:
        """Iterations of this epoch."""
        return range(min(EPOCH_ITERATIONS, self.search.iterations - self.current_epoch * EPOCH_ITERATIONS))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam with the public code's moments; its halving at iteration 600 never comes at 500."""
        return torch.optim.Adam(self.parameters(), lr=self.search.learning_rate, **ADAM)  # type: ignore[arg-type]

    def loss(self, generator: torch.Generator | None) -> losses.LossAndStats:
        """Eq. 5, or S25."""
        evaluation = self.estimator.evaluate(self.model, generator)
        if isinstance(self.search.loss, SignLoss):
            return losses.sign_augmented(evaluation, self.search.loss.mixing)
        return losses.variational(evaluation)

    def repeating(self) -> tuple[Callable[..., losses.LossAndStats], tuple[torch.Tensor, ...]] | None:
        """Exact sums: iterations differ in the parameters alone."""
        return (partial(self.loss, None), ()) if self.point.estimator.exact_sums else None

    def position(self) -> dict[str, float]:
        """Iterations done."""
        done = (self.current_epoch + 1) * EPOCH_ITERATIONS if self.history else 0
        return {"iteration": min(done, self.search.iterations)}

    def end_epoch(self) -> None:
        """Keep every iteration's loss (Fig. S2), then measure."""
        self.iteration_losses += torch.stack([s[losses.LOSS] for s in self._stats]).tolist()
        super().end_epoch()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the losses too."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["iteration_losses"] = self.iteration_losses

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the losses too."""
        super().on_load_checkpoint(checkpoint)
        self.iteration_losses = list(checkpoint["iteration_losses"])

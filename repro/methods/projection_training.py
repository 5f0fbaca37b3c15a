"""Lightning module of the evolution by projection (`repro.methods.projection`)."""

from __future__ import annotations

from typing import Any

import torch

from repro.methods import losses
from repro.methods.projection import ProjectionStep, projection_step
from repro.methods.training import DynamicsModule


class ProjectionModule(DynamicsModule):
    """Time evolution by projection onto the network (`repro.methods.projection`), one epoch per step of 2 tau.

    States on the way that the propagation passes (`Point.dense_output`) have rows in the history too.
    """

    @property
    def rows_per_epoch(self) -> int:
        """States recorded per time step."""
        return self.point.dense_output

    def on_train_epoch_start(self) -> None:
        """Propagate p(t), and measure what lies on the way."""
        self.restart_adam()
        parts, h, weight = self.point.dense_output, 2 * self.point.tau, self.point.hilbert_schmidt
        self._step: ProjectionStep = projection_step(self.estimator, self.model, h, parts, weight)
        for k, p in enumerate(self._step.on_the_way, start=1):
            t = h * (self.current_epoch + k / parts)
            self.history.append({"t": t, **self.exact_row(p), "seconds": self.seconds})

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        """Remember which iteration of the step this is."""
        self._iteration = batch_idx
        return super().training_step(batch, batch_idx)

    def loss(self, generator: torch.Generator) -> losses.LossAndStats:
        """Distance to the propagated distribution."""
        total = self.point.iterations_of_step(self.current_epoch)
        return self._step.loss(self.model, self._iteration, total, generator)

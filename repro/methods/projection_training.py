"""Lightning module of the evolution by projection (`repro.methods.projection`)."""

from __future__ import annotations

from typing import Any

import torch

from repro.config.method import Projection
from repro.config.point import Point
from repro.methods import losses
from repro.methods.dynamics import DynamicsModule
from repro.methods.projection import ProjectionStep, projection_step


class ProjectionModule(DynamicsModule):
    """Time evolution by projection onto the network (`repro.methods.projection`), one epoch per step of 2 tau.

    States on the way that the propagation passes (`dense_output`) have rows in the history too.
    """

    def __init__(self, point: Point, memory: int | None = None) -> None:
        super().__init__(point, memory)
        assert isinstance(point.method, Projection)
        self.projection = point.method

    @property
    def rows_per_epoch(self) -> int:
        """States recorded per time step."""
        return self.projection.dense_output

    def on_train_epoch_start(self) -> None:
        """Propagate p(t), and measure the states within the step."""
        self.restart_adam()
        parts, h, weight = self.projection.dense_output, self.projection.step, self.projection.hilbert_schmidt
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
        total = self.adam.iterations(self.current_epoch)
        return self._step.loss(self.model, self._iteration, total, generator)

"""Lightning module of the paper's time evolution (Eq. 4).

An evolution is one `fit` with one epoch per time step: the state before the step is frozen and Adam starts afresh when
the epoch starts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from repro.config.evolution import AdamEvolution
from repro.config.method import Dynamics
from repro.config.objective import InterpolatedLoss, PaperLoss
from repro.config.point import Point
from repro.methods import losses
from repro.methods.exact_distance import RELATIVE_ENTROPY, ExactDistance
from repro.methods.module import ADAM, EvolutionModule

WARM_UP = 0.2
"""Fraction of a time step over which step_decay "cycle" lets the rate grow."""


class DynamicsModule(EvolutionModule):
    """Time evolution by the forward-backward trapezoid objective (Eq. 4), one epoch per step of 2 tau."""

    def __init__(self, point: Point, memory: int | None = None) -> None:
        super().__init__(point, memory)
        assert isinstance(self.evolution, AdamEvolution)
        self.adam = self.evolution.adam
        self._frozen: tuple[object, ...] = ()  # a tuple hides a frozen module from nn.Module's registration
        self._distance: ExactDistance | None = None
        if isinstance(self.evolution, Dynamics) and self.evolution.relative_entropy:
            self._distance = ExactDistance(point.system, point.liouvillian, self.evolution.step)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam; its state and rate are reset at every time step."""
        return torch.optim.Adam(self.parameters(), lr=self.adam.step_learning_rate, **ADAM)  # type: ignore[arg-type]

    def on_train_epoch_start(self) -> None:
        """Freeze p(t) and start Adam afresh."""
        self._frozen = (self.estimator.freeze(self.model),)
        self.restart_adam()

    def restart_adam(self) -> None:
        """Forget the moments of the last time step."""
        for optimizer in self.trainer.optimizers:
            optimizer.state.clear()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the rate of this iteration."""
        for optimizer in self.trainer.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.adam.step_learning_rate * self.decay(batch_idx)

    def decay(self, iteration: int) -> float:
        """Factor on Adam's rate at an iteration of this time step."""
        adam = self.adam
        total = adam.iterations(self.current_epoch)
        if adam.step_decay == "exponential":
            return adam.step_factor ** (iteration / total)
        if adam.step_decay == "cycle":
            if total == 1:
                return 1.0  # the rate starts from 0, and a single iteration would change nothing
            return min(1.0, iteration / (WARM_UP * total)) * adam.step_factor ** (iteration / total)
        return adam.step_factor if iteration >= adam.step_at * total else 1.0

    def loss(self, generator: torch.Generator) -> losses.LossAndStats:
        """Eq. 4, or S23."""
        evaluation = self.estimator.evaluate(self.model, generator, *self._frozen)
        assert isinstance(self.evolution, Dynamics)
        objective = self.evolution.loss
        if isinstance(objective, InterpolatedLoss):
            return losses.interpolated(evaluation, self.evolution.tau, objective.mixing_at(self.time))
        return losses.dynamics(evaluation, self.evolution.tau)

    def repeating(self) -> tuple[Callable[..., losses.LossAndStats], tuple[torch.Tensor, ...]] | None:
        """Exact sums of Eq. 4: iterations differ in the parameters, time steps in the state before them."""
        evolution = self.evolution
        of_the_paper = isinstance(evolution, Dynamics) and isinstance(evolution.loss, PaperLoss)
        if not (of_the_paper and self.point.estimator.exact_sums):
            return None

        def loss_after(*before: torch.Tensor) -> losses.LossAndStats:
            return losses.dynamics(self.estimator.evaluate(self.model, None, before), evolution.tau)

        (before,) = self._frozen
        assert isinstance(before, tuple)
        return loss_after, before

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """As every module, and how far p is from exact where the point asks for it."""
        row = super().measure()
        if self._distance is not None:
            off = self._distance.after(len(self.history), self.model.all_probs())
            row |= {RELATIVE_ENTROPY: off, f"{RELATIVE_ENTROPY}_error": 0.0}
        return row

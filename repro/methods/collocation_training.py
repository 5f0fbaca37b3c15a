"""Lightning module of the evolution by collocation (`repro.methods.collocation`)."""

from __future__ import annotations

import torch

from repro.config.method import Collocation
from repro.config.point import Point
from repro.methods import losses
from repro.methods.build import build_ansatz
from repro.methods.collocation import LaggedEvaluation, collocation_step, mismatch
from repro.methods.dynamics import DynamicsModule


class CollocationModule(DynamicsModule):
    """Time evolution by an implicit rule with a network for every stage, one epoch per step of 2 tau.

    Attributes:
        middle: the stage within the step; it starts every step as the state before it, as the last stage does.
    """

    def __init__(self, point: Point, memory: int | None = None) -> None:
        super().__init__(point, memory)
        assert isinstance(point.method, Collocation)
        self.reuse = point.method.reuse
        self.middle = build_ansatz(point)

    def on_train_epoch_start(self) -> None:
        """Begin a step with a fresh Adam."""
        self.restart_adam()
        self.begin_step()

    def begin_step(self) -> None:
        """Start both stages from p(t)."""
        self.middle.load_state_dict(self.model.state_dict())
        self._step = LaggedEvaluation(collocation_step(self.estimator, self.model), self.reuse)

    def loss(self, generator: torch.Generator) -> losses.LossAndStats:
        """The mismatch of both stages."""
        return mismatch(self._step.evaluate((self.middle, self.model), generator), self.evolution.step)

"""Lightning module of the time-dependent variational principle (`repro.ansatz.tangent`). Beyond the paper.

The parameters move along d theta / dt, integrated by the classical rule of fourth order or that of Adams and Bashforth
of second, with the velocity v_0 of the step before, h_0 long,

    theta(t + h) = theta(t) + h/6 (v_1 + 2 v_2 + 2 v_3 + v_4),
    theta(t + h) = theta(t) + h [v_1 + h / (2 h_0) (v_1 - v_0)],

each v from fresh draws of the state that it belongs to. There is no loss, no Adam and no learning rate: an iteration is
one velocity, four or one make a rule's step, and a time step has one or more of them. With `lattice_images` every draw
counts for its images under the lattice's symmetries too (`repro.ansatz.lattice_images`).

Tensor suffixes: A configurations, N sites, P parameters.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.utils import parameters_to_vector

from repro.ansatz.lattice_images import LatticeImages
from repro.ansatz.tangent import Velocity, best_velocity, log_derivatives
from repro.config.lattice_symmetry import site_symmetries
from repro.config.method import Tdvp
from repro.config.point import Point
from repro.methods.estimators import Enumeration
from repro.methods.losses import BEND, LOSS, RESIDUAL
from repro.methods.module import EvolutionModule
from repro.methods.sampled import Sampled

AHEAD = (0.5, 0.5, 1.0)
"""How far along its velocity each stage of the rule of fourth order goes for the next one, in rule's steps."""
PARTS = (1 / 6, 1 / 3, 1 / 3, 1 / 6)
"""What each velocity counts for in the whole step."""
PULL = 0.4
"""Part of a difference of log p between images of a configuration that is to go in a time step."""


class TdvpModule(EvolutionModule):
    """Time evolution by the best velocity in the tangent space, one epoch per step of 2 tau."""

    def __init__(self, point: Point, memory: int | None = None) -> None:
        super().__init__(point, memory)
        assert isinstance(point.method, Tdvp)
        self.tdvp = point.method
        self.automatic_optimization = False
        self.images: LatticeImages | None = None
        if point.method.draws_images:
            symmetries = site_symmetries(point.system, point.method.from_initial_state)
            self.images = LatticeImages(symmetries, point.method.lattice_images)
        self._drawn: tuple[torch.Tensor, torch.Tensor] | None = None
        self.last_P: torch.Tensor
        if point.method.looks_back:
            self.register_buffer("last_P", torch.zeros(sum(each.numel() for each in self.model.parameters())))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Plain steps of rate one: what is subtracted is computed here."""
        return torch.optim.SGD(self.parameters(), lr=1.0)

    def training_step(self, batch: Any, batch_idx: int) -> None:  # type: ignore[override]
        """One velocity, and the move to the state that the next one is taken at."""
        velocity = self.velocity(self._drawing(batch_idx))
        mean_P = self._over_ranks(velocity.flat_P)
        self._note({LOSS: velocity.missed, RESIDUAL: velocity.residual}, batch_idx)
        h = self._h(self.current_epoch)
        if self._drawn is not None and batch_idx % self.tdvp.stages == 0:
            self._start = self._drawn, parameters_to_vector(self.parameters()).detach()
        if self.tdvp.stages == 1:
            self._adams_bashforth(mean_P, h, self._h(self.current_epoch - 1) if batch_idx == 0 else h)
        else:
            self._runge_kutta(mean_P, h, batch_idx % self.tdvp.stages)
        if self.tdvp.looks_back:
            self.last_P.copy_(mean_P)
        if self._drawn is not None and batch_idx % self.tdvp.stages == self.tdvp.stages - 1:
            self._stats[-1][BEND] = self._bend()

    def _h(self, epoch: int) -> float:
        """Length of a rule's step, 0 before the first."""
        return self.evolution.step / self.tdvp.rule_steps(epoch) if epoch >= 0 else 0.0

    def _adams_bashforth(self, velocity_P: torch.Tensor, h: float, before: float) -> None:
        move_P = velocity_P + (h / (2 * before) * (velocity_P - self.last_P) if before else 0.0)
        self._go_to(parameters_to_vector(self.parameters()).detach() + h * move_P)

    def _runge_kutta(self, velocity_P: torch.Tensor, h: float, stage: int) -> None:
        if stage == 0:
            self._before_P = parameters_to_vector(self.parameters()).detach()
            self._moved_P = torch.zeros_like(self._before_P)
        self._moved_P += PARTS[stage] * h * velocity_P
        self._go_to(self._before_P + (AHEAD[stage] * h * velocity_P if stage < len(AHEAD) else self._moved_P))

    @torch.no_grad()
    def _bend(self) -> torch.Tensor:
        """How far from straight the way of log p was over a rule's step, on the draws of its start.

        The difference of its second half from its first, over the whole way: a velocity says the same for both. Where
        parameters go far for little, the two are as large.
        """
        (configurations_AN, weight_A), before_P = self._start
        after_P = parameters_to_vector(self.parameters())
        log_p_3A = []
        for flat_P in (before_P, (before_P + after_P) / 2, after_P):
            for each, value in zip(self.parameters(), self._split(flat_P), strict=True):
                each.copy_(value)
            log_p_3A.append(self.model.log_prob(configurations_AN))
        before_A, middle_A, after_A = log_p_3A
        bent = (weight_A * (after_A - 2 * middle_A + before_A).abs()).sum()
        return bent / (weight_A * (after_A - before_A).abs()).sum().clamp_min(torch.finfo(bent.dtype).tiny)

    def velocity(self, generator: torch.Generator) -> Velocity:
        """d theta / dt of the state as it is, from fresh draws or from all configurations."""
        configurations_AN, weight_A, f_A = self._drift(generator)
        self._drawn = configurations_AN, weight_A
        near_P = self.tdvp.momentum * self.last_P if self.tdvp.momentum else None
        if self.images is None:
            O_AP, apart = log_derivatives(self.model, configurations_AN), None
        else:
            decay = PULL / self.evolution.step
            O_AP, apart = self.images.derivatives(self.model, configurations_AN, decay, generator)
        return best_velocity(O_AP, f_A, weight_A, self.tdvp.ridge, apart, near_P)

    @torch.no_grad()
    def _drift(self, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Configurations, their weights, and (L p)(a) / p(a)."""
        if isinstance(self.estimator, Enumeration):
            p = self.model.all_probs()
            p_A, Lp_A = p.flatten(), self.estimator.liouvillian.apply(p).flatten()
            if self.estimator.n_samples is None:
                number_A, weight_A = torch.arange(len(p_A), device=p.device), p_A
            else:
                number_A = self.estimator.draw_from(p_A, generator)
                weight_A = torch.full_like(p_A[number_A], 1 / len(number_A))
            configurations_AN = torch.stack(torch.unravel_index(number_A, p.shape), 1)
            return configurations_AN, weight_A, Lp_A[number_A] / p_A[number_A]
        assert isinstance(self.estimator, Sampled), "a Point of method tdvp has no other estimator"
        samples_AN = self.model.sample(self.estimator.n_samples, generator)
        evaluation = self.estimator.evaluate_at(self.model, samples_AN)
        return samples_AN, evaluation.weight_A, evaluation.Lp_A

    def _over_ranks(self, flat_P: torch.Tensor) -> torch.Tensor:
        """Mean over processes, each with draws of its own."""
        return self.trainer.strategy.reduce(flat_P, reduce_op="mean") if self.trainer.world_size > 1 else flat_P

    def _go_to(self, flat_P: torch.Tensor) -> None:
        """Set the parameters by a step of the optimiser, which Lightning counts."""
        for each, value in zip(self.parameters(), self._split(flat_P), strict=True):
            each.grad = each.detach() - value
        optimizer = self.optimizers()
        assert not isinstance(optimizer, list)
        optimizer.step()

    def _split(self, flat_P: torch.Tensor) -> list[torch.Tensor]:
        """Values of all parameters, in their shapes."""
        parts = flat_P.split([each.numel() for each in self.parameters()])
        return [part.view_as(each) for part, each in zip(parts, self.parameters(), strict=True)]

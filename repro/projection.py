"""One time step by projection: propagate p, then find the network nearest to the result. Beyond the paper.

The paper's objective (Eq. 4) asks the network to satisfy the trapezoid rule in the L1 norm. Here the propagated
distribution q = exp(h L) p(t) is formed first, once, and the network then learns it by maximum likelihood:

    minimise -sum_a q(a) log p_theta(a),  gradient -sum_a [q(a) - p_theta(a)] d log p_theta(a).

The second form, with sum_a p_theta d log p_theta = 0 as a control variate, vanishes configuration by configuration as
the network gets there, so that sampling noise shrinks with the distance. L is evaluated once per time step (on all
configurations) or once per fresh batch (on samples), not once per iteration.

Tensor suffixes: A all configurations, B samples, N sites.
"""

from __future__ import annotations

from typing import Protocol

import torch

from repro.estimators import Estimator
from repro.liouvillian import LocalLiouvillian
from repro.losses import LossAndStats
from repro.probability import StringMixture
from repro.sampled import Sampled

TAYLOR_STEP = 0.05
"""About the time that one Taylor series covers, units of 1/gamma."""
TAYLOR_ORDER = 30
BATCHES = 10
"""Fresh batches per time step of the sampled projection."""
PREDICTOR = 0.3
"""Fraction of a time step's iterations that aim at the first-order target."""


def propagate(liouvillian: LocalLiouvillian, p: torch.Tensor, h: float, relative: float = 1e-7) -> torch.Tensor:
    """exp(h L) p by Taylor series in double precision, shape (4,) * N.

    Args:
        liouvillian: L.
        p: shape (4,) * N.
        h: time, units of 1/gamma.
        relative: the series ends where a term is below this fraction of the sum, in the L1 norm.

    Raises:
        FloatingPointError: the series does not converge.
    """
    parts = max(1, round(h / TAYLOR_STEP))
    p = p.double()
    for _ in range(parts):
        term, total = p, p.clone()
        for order in range(1, TAYLOR_ORDER + 1):
            term = liouvillian.apply(term) * (h / parts / order)
            total += term
            if float(term.abs().sum()) < relative:
                break
        else:
            raise FloatingPointError(f"propagating by {h}: the Taylor series has not converged; use a smaller tau")
        p = total
    return p


class ProjectionStep(Protocol):
    """One time step: what the network has to learn."""

    def loss(self, model: StringMixture, iteration: int, total: int, generator: torch.Generator) -> LossAndStats:
        """Cross-entropy to the propagated distribution at one of the step's iterations."""
        ...


class EnumeratedStep:
    """Exact sums: q of every configuration, propagated to all orders.

    Args:
        liouvillian: L.
        model: the distribution before the step.
        h: the step 2 tau, units of 1/gamma.
    """

    def __init__(self, liouvillian: LocalLiouvillian, model: StringMixture, h: float) -> None:
        with torch.no_grad():
            p = model.all_probs()
            self.target_A = propagate(liouvillian, p, h).to(p.dtype).flatten()
            self.residual = liouvillian.apply(p).abs().sum()
            positive_A = self.target_A.clamp_min(torch.finfo(p.dtype).tiny)
            self.entropy = (self.target_A * positive_A.log()).sum()

    def loss(self, model: StringMixture, iteration: int, total: int, generator: torch.Generator) -> LossAndStats:
        """-sum_a q(a) log p(a); the statistic is the relative entropy sum_a q(a) log [q(a) / p(a)]."""
        p_A = model.all_probs().flatten()
        cross = -(self.target_A * p_A.clamp_min(torch.finfo(p_A.dtype).tiny).log()).sum()
        return cross, {"loss": (cross + self.entropy).detach(), "residual": self.residual}


class SampledStep:
    """Samples a ~ p(t), with q(a) / p(t, a) to second order in h: Euler's target first, then Heun's.

        q = p + h/2 (L p + L q'),  q' the network once it has learnt p + h L p.

    Args:
        estimator: draws N_s and evaluates L on them.
        model: the distribution before the step.
        h: the step 2 tau, units of 1/gamma.
    """

    def __init__(self, estimator: Sampled, model: StringMixture, h: float) -> None:
        self.estimator, self.h = estimator, h
        self.before = estimator.freeze(model)
        self.predicted: StringMixture | None = None

    def loss(self, model: StringMixture, iteration: int, total: int, generator: torch.Generator) -> LossAndStats:
        """-1/N_s sum_a [q(a) - p(a)] / p(t, a) log p(a), the difference without gradient."""
        if iteration == int(PREDICTOR * total) > 0:
            self.predicted = self.estimator.freeze(model)
        if iteration % max(1, total // BATCHES) == 0 or iteration == int(PREDICTOR * total):
            self._draw(generator)
        log_p_B = model.log_prob(self.samples_BN)
        ratio_B = torch.exp(log_p_B.detach() - self.log_before_B)
        loss = -((self.target_B - ratio_B) * log_p_B).mean()
        apart = (self.target_B - ratio_B).abs().mean()
        return loss, {"loss": apart, "residual": self.residual}

    @torch.no_grad()
    def _draw(self, generator: torch.Generator) -> None:
        """A fresh batch with its target in units of p(t, a)."""
        self.samples_BN = self.before.sample(self.estimator.n_samples, generator)
        self.log_before_B = self.before.log_prob(self.samples_BN)
        found = self.estimator.evaluate_at(self.before, self.samples_BN, self.predicted)
        change_B = found.Lp_A
        if found.old_Lp_A is not None:
            change_B = (change_B + found.old_Lp_A) / 2
        self.target_B = 1 + self.h * change_B
        self.residual = found.Lp_A.abs().mean()


def projection_step(estimator: Estimator, model: StringMixture, h: float) -> ProjectionStep:
    """The next time step by the estimator's way to sum over configurations."""
    if isinstance(estimator, Sampled):
        return SampledStep(estimator, model, h)
    return EnumeratedStep(estimator.liouvillian, model, h)  # type: ignore[attr-defined]

"""One time step by projection: propagate p, then find the network nearest to the result. Beyond the paper.

The paper's objective (Eq. 4) asks the network to satisfy the trapezoid rule in the L1 norm. Here the propagated
distribution q = exp(h L) p(t) is formed first, once, and the network then learns it by maximum likelihood:

    minimise -sum_a q(a) log p_theta(a),  gradient -sum_a [q(a) - p_theta(a)] d log p_theta(a).

The second form, with sum_a p_theta d log p_theta = 0 as a control variate, vanishes configuration by configuration as
the network gets there, so that sampling noise shrinks with the distance. L is evaluated once per time step (on all
configurations) or once per fresh batch (on samples), not once per iteration. With exact sums a multiple of the squared
Hilbert-Schmidt distance (`repro.physics.hilbert_schmidt`) can be added.

Tensor suffixes: A all configurations, B samples, N sites.
"""

from __future__ import annotations

from typing import Protocol

import torch

from repro.ansatz.string_mixture import StringMixture, floored_log
from repro.methods.estimators import Enumeration, Estimator
from repro.methods.losses import LOSS, RESIDUAL, LossAndStats
from repro.methods.propagation import propagate
from repro.methods.sampled import Sampled
from repro.physics.hilbert_schmidt import HilbertSchmidt

BATCHES = 10
"""Fresh batches per time step of the sampled projection."""
PREDICTOR = 0.3
"""Fraction of a time step's iterations that aim at the first-order target."""


class ProjectionStep(Protocol):
    """One time step: the distribution that the network has to learn.

    Attributes:
        on_the_way: states within the step, if they are known.
    """

    on_the_way: list[torch.Tensor]

    def loss(self, model: StringMixture, iteration: int, total: int, generator: torch.Generator) -> LossAndStats:
        """Cross-entropy to the propagated distribution at one of the step's iterations."""
        ...


class EnumeratedStep:
    """Exact sums: q of every configuration, propagated to all orders.

    Args:
        estimator: enumeration.
        model: the distribution before the step.
        h: the step 2 tau, units of 1/gamma.
        parts: equal parts that the step is propagated in.
        weight: of the squared Hilbert-Schmidt distance.

    Attributes:
        on_the_way: exp(k h L / parts) p(t) for k = 1 ... parts - 1.
    """

    def __init__(
        self, estimator: Enumeration, model: StringMixture, h: float, parts: int = 1, weight: float = 0.0
    ) -> None:
        self.weight, self.distance = weight, HilbertSchmidt(estimator.liouvillian.povm)
        with torch.no_grad():
            p = model.all_probs()
            states = [p]
            for _ in range(parts):
                q = propagate(estimator.liouvillian, states[-1], h / parts)
                states.append(q if estimator.liouvillian.conserves else q / q.sum())
            self.on_the_way = [state.to(p.dtype) for state in states[1:-1]]
            self.target_A = states[-1].to(p.dtype).flatten()
            self.residual = estimator.liouvillian.apply(p).abs().sum()
            self.entropy = (self.target_A * floored_log(self.target_A)).sum()

    def loss(self, model: StringMixture, iteration: int, total: int, generator: torch.Generator) -> LossAndStats:
        """-sum_a q(a) log p(a) + weight 2^N Tr (rho_p - rho_q)^2; as a statistic it vanishes for p = q."""
        p_A = model.all_probs().flatten()
        loss = -(self.target_A * floored_log(p_A)).sum()
        if self.weight:
            loss = loss + self.weight * self.distance.squared(p_A - self.target_A)
        return loss, {LOSS: (loss + self.entropy).detach(), RESIDUAL: self.residual}


class SamplingProjectionStep:
    """Samples a ~ p(t), with q(a) / p(t, a) to second order in h: Euler's target first, then Heun's.

        q = p + h/2 (L p + L q'),  q' the network once it has learnt p + h L p.

    A subclass draws, evaluates L on what it has drawn, and knows log p there.

    Args:
        h: the step 2 tau, units of 1/gamma.
    """

    log_before_B: torch.Tensor
    target_B: torch.Tensor
    residual: torch.Tensor

    def __init__(self, h: float) -> None:
        self.h = h
        self.on_the_way: list[torch.Tensor] = []

    def draw(self, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """A fresh batch: log p(t, a), (L p)(a) / p(t, a), and (L q')(a) / p(t, a) once there is a q'."""
        raise NotImplementedError

    def predict(self, model: StringMixture) -> None:
        """Keep q'."""
        raise NotImplementedError

    def log_prob(self, model: StringMixture) -> torch.Tensor:
        """log p(a) of the batch."""
        raise NotImplementedError

    def loss(self, model: StringMixture, iteration: int, total: int, generator: torch.Generator) -> LossAndStats:
        """-1/N_s sum_a [q(a) - p(a)] / p(t, a) log p(a), the difference without gradient."""
        turns = iteration == int(PREDICTOR * total) > 0
        if turns:
            self.predict(model)
        if turns or iteration % max(1, total // BATCHES) == 0:
            self._refresh(generator)
        log_p_B = self.log_prob(model)
        ratio_B = torch.exp(log_p_B.detach() - self.log_before_B)
        loss = -((self.target_B - ratio_B) * log_p_B).mean()
        apart = (self.target_B - ratio_B).abs().mean()
        return loss, {LOSS: apart, RESIDUAL: self.residual}

    @torch.no_grad()
    def _refresh(self, generator: torch.Generator) -> None:
        self.log_before_B, change_B, later_B = self.draw(generator)
        self.residual = change_B.abs().mean()
        self.target_B = 1 + self.h * (change_B if later_B is None else (change_B + later_B) / 2)


class SampledStep(SamplingProjectionStep):
    """`SamplingProjectionStep` at any size: samples from the network, L on the configurations that it connects.

    Args:
        estimator: draws N_s and evaluates L on them.
        model: the distribution before the step.
        h: the step 2 tau, units of 1/gamma.
    """

    def __init__(self, estimator: Sampled, model: StringMixture, h: float) -> None:
        super().__init__(h)
        self.estimator = estimator
        self.before = estimator.freeze(model)
        self.predicted: StringMixture | None = None

    def draw(self, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Samples and their neighbours through the network."""
        self.samples_BN = self.before.sample(self.estimator.n_samples, generator)
        evaluation = self.estimator.evaluate_at(self.before, self.samples_BN, self.predicted)
        return self.before.log_prob(self.samples_BN), evaluation.Lp_A, evaluation.old_Lp_A

    def predict(self, model: StringMixture) -> None:
        """Keep a copy of the network."""
        self.predicted = self.estimator.freeze(model)

    def log_prob(self, model: StringMixture) -> torch.Tensor:
        """log p(a) of the batch."""
        return model.log_prob(self.samples_BN)


class EnumeratedDrawsStep(SamplingProjectionStep):
    """`SamplingProjectionStep` with draws from the enumerated p: the same estimator, without sampling the network.

    Args:
        estimator: enumeration with a number of draws.
        model: the distribution before the step.
        h: the step 2 tau, units of 1/gamma.
    """

    def __init__(self, estimator: Enumeration, model: StringMixture, h: float) -> None:
        super().__init__(h)
        self.estimator = estimator
        self.p_A, self.Lp_A = estimator.freeze(model)
        self.Lq_A: torch.Tensor | None = None

    def draw(self, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Draw from the enumerated p, and look p and L p up."""
        self.drawn_B = self.estimator.draw_from(self.p_A, generator)
        p_B = self.p_A[self.drawn_B]
        later_B = None if self.Lq_A is None else self.Lq_A[self.drawn_B] / p_B
        return p_B.log(), self.Lp_A[self.drawn_B] / p_B, later_B

    def predict(self, model: StringMixture) -> None:
        """Keep L q'."""
        self.Lq_A = self.estimator.freeze(model)[1]

    def log_prob(self, model: StringMixture) -> torch.Tensor:
        """log p(a) of the batch."""
        return floored_log(model.all_probs().flatten()[self.drawn_B])


def projection_step(
    estimator: Estimator, model: StringMixture, h: float, parts: int = 1, weight: float = 0.0
) -> ProjectionStep:
    """The next time step by the estimator's way to sum over configurations.

    Args:
        estimator: enumeration, with draws or without, or sampled.
        model: the distribution before the step.
        h: the step 2 tau, units of 1/gamma.
        parts, weight: of exact sums, see `EnumeratedStep`.
    """
    if isinstance(estimator, Sampled):
        return SampledStep(estimator, model, h)
    assert isinstance(estimator, Enumeration), "a Point of method projection has no other estimator"
    if estimator.n_samples is not None:
        return EnumeratedDrawsStep(estimator, model, h)
    return EnumeratedStep(estimator, model, h, parts, weight)

"""One time step by collocation: an implicit Runge-Kutta rule whose stages are networks. Beyond the paper.

The paper's objective (Eq. 4) is the trapezoid rule in the L1 norm. Here a step of h obeys Radau's rule of third order,

    p_i = p(t) + h sum_j A_ij L p_j,   stages at t + h/3 and t + h,

and every stage is a network of its own, the last one being the state after the step. All of them move along

    -sum_a r_i(a) d log p_i(a),   r_i the right minus the left side of the rule,

without a gradient through L. At rest the mismatch r_i has no part along anything the network can do, which for exact
stages is the rule itself; with sum_a p d log p = 0 sampling noise shrinks with the mismatch. L is evaluated once per
stage and iteration, on fresh draws a ~ p(t) if not on all configurations.

Tensor suffixes: A all configurations, B samples, N sites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from repro.estimators import Enumeration, Estimator
from repro.losses import LossAndStats, effective_fraction
from repro.probability import StringMixture, floored_log
from repro.sampled import Sampled

RADAU = ((5 / 12, -1 / 12), (3 / 4, 1 / 4))
"""A_ij of Radau IIA with two stages: third order, and it damps what is faster than the step."""


@dataclass(frozen=True)
class StageValues:
    """The state before the step and every stage where the rule is to hold, in units of a reference density q.

    Attributes:
        before: p(t, a) / q(a).
        p, Lp: for every stage p_i(a) / q(a) and (L p_i)(a) / q(a), no gradient.
        log_p: for every stage log p_i(a), differentiable.
        weight: q(a), or for draws a ~ q one over their number.
    """

    before: torch.Tensor
    p: list[torch.Tensor]
    Lp: list[torch.Tensor]
    log_p: list[torch.Tensor]
    weight: torch.Tensor


class CollocationStep(Protocol):
    """One time step: a way to evaluate its stages."""

    def evaluate(self, stages: Sequence[StringMixture], generator: torch.Generator) -> StageValues:
        """The stages on all configurations or on fresh draws."""
        ...


class EnumeratedCollocation:
    """All configurations, or draws from the enumerated p(t).

    Args:
        estimator: enumeration, with draws or without.
        before: the distribution before the step.
    """

    def __init__(self, estimator: Enumeration, before: StringMixture) -> None:
        self.estimator = estimator
        with torch.no_grad():
            self.before_A = before.all_probs().flatten()

    def evaluate(self, stages: Sequence[StringMixture], generator: torch.Generator) -> StageValues:
        """Enumerate every stage; q = 1 without draws, p(t) with them."""
        probs = [stage.all_probs() for stage in stages]
        with torch.no_grad():
            p = [each.detach().flatten() for each in probs]
            Lp = [self.estimator.liouvillian.apply(each.detach()).flatten() for each in probs]
        if self.estimator.n_samples is None:
            log_p = [floored_log(each.flatten()) for each in probs]
            return StageValues(self.before_A, p, Lp, log_p, torch.ones_like(self.before_A))
        drawn_B = self.estimator.draw_from(self.before_A, generator)
        q_B = self.before_A[drawn_B]
        log_p = [floored_log(each.flatten()[drawn_B]) for each in probs]
        p, Lp = ([each[drawn_B] / q_B for each in values] for values in (p, Lp))
        weight_B = torch.full_like(q_B, 1 / len(q_B))
        return StageValues(torch.ones_like(q_B), p, Lp, log_p, weight_B)


class SampledCollocation:
    """Any size: draws from the network before the step, L on the configurations that it connects.

    Args:
        estimator: draws N_s and evaluates L on them.
        before: the distribution before the step.
    """

    def __init__(self, estimator: Sampled, before: StringMixture) -> None:
        self.estimator = estimator
        self.before = estimator.freeze(before)

    def evaluate(self, stages: Sequence[StringMixture], generator: torch.Generator) -> StageValues:
        """Fresh samples and their neighbours through every stage; q = p(t)."""
        samples_BN = self.before.sample(self.estimator.n_samples, generator)
        with torch.no_grad():
            reference_B = self.before.log_prob(samples_BN)
        p, Lp = zip(*self.estimator.without_gradient(stages, samples_BN, reference_B), strict=True)
        log_p = [stage.log_prob(samples_BN) for stage in stages]
        ones_B = torch.ones_like(reference_B)
        return StageValues(ones_B, list(p), list(Lp), log_p, ones_B / len(ones_B))


def collocation_step(estimator: Estimator, before: StringMixture) -> CollocationStep:
    """The next time step by the estimator's way to sum over configurations.

    Args:
        estimator: enumeration, with draws or without, or sampled.
        before: the distribution before the step.
    """
    if isinstance(estimator, Sampled):
        return SampledCollocation(estimator, before)
    assert isinstance(estimator, Enumeration), "a Point of method collocation has no other estimator"
    return EnumeratedCollocation(estimator, before)


def mismatch(values: StageValues, h: float) -> LossAndStats:
    """-sum_i sum_a r_i(a) log p_i(a), r_i without gradient.

    Args:
        values: both stages.
        h: the step 2 tau, units of 1/gamma.

    Returns:
        Loss and statistics: "loss" is sum_a |r(a)| of the last stage, "residual" its ||L p||_1, and
        "effective_fraction" the part of draws from p(t) that count for it.
    """
    total = torch.zeros((), dtype=values.before.dtype, device=values.before.device)
    for row, p, log_p in zip(RADAU, values.p, values.log_p, strict=True):
        target = values.before + h * sum(a * Lp for a, Lp in zip(row, values.Lp, strict=True))
        r = values.weight * (target - p)
        total = total - (r * log_p).sum()
    stats = {"loss": r.abs().sum(), "residual": (values.weight * values.Lp[-1].abs()).sum()}
    return total, stats | {"effective_fraction": effective_fraction(values.weight, values.p[-1], values.before)}

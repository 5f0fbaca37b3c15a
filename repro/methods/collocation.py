"""One time step by collocation: an implicit Runge-Kutta rule whose stages are networks. Beyond the paper.

The paper's objective (Eq. 4) is the trapezoid rule in the L1 norm. Here a step of h obeys Radau's rule of third order,

    p_i = p(t) + h sum_j A_ij L p_j,   stages at t + h/3 and t + h,

and every stage is a network of its own, the last one being the state after the step. All of them move along

    -sum_a r_i(a) d log p_i(a),   r_i the right minus the left side of the rule,

without a gradient through L. At rest the mismatch r_i has no part along anything the network can do, which for exact
stages is the rule itself; with sum_a p d log p = 0 sampling noise shrinks with the mismatch. L is evaluated on fresh
draws a ~ p(t) if not on all configurations. A few iterations can share one evaluation (`LaggedEvaluation`): only p_i(a)
moves, L p_i stays what it was. Where draws have many neighbours those are nearly free.

Tensor suffixes: A all configurations, B samples, N sites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch

from repro.ansatz.string_mixture import StringMixture, floored_log
from repro.methods.estimators import Enumeration, Estimator
from repro.methods.losses import LOSS, RESIDUAL, LossAndStats, effective_fraction
from repro.methods.sampled import Sampled

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

    def moved(self, log_p: list[torch.Tensor]) -> StageValues:
        """Values on the same configurations for stages that have moved to these log p_i(a); L p_i stays."""
        steps = [(new - old).detach().exp() for new, old in zip(log_p, self.log_p, strict=True)]
        return replace(self, p=[p * step for p, step in zip(self.p, steps, strict=True)], log_p=log_p)


class CollocationStep(Protocol):
    """One time step: evaluates its stages."""

    def evaluate(self, stages: Sequence[StringMixture], generator: torch.Generator) -> StageValues:
        """The stages on all configurations or on fresh draws."""
        ...

    def log_probs(self, stages: Sequence[StringMixture]) -> list[torch.Tensor]:
        """log p_i(a) on the configurations of the last evaluation, differentiable."""
        ...


class LaggedEvaluation:
    """A time step some of whose iterations share configurations and L p_i.

    Args:
        step: what evaluates.
        iterations: how many go by one evaluation.
    """

    def __init__(self, step: CollocationStep, iterations: int) -> None:
        self.step, self.iterations = step, iterations
        self._done = 0

    def evaluate(self, stages: Sequence[StringMixture], generator: torch.Generator) -> StageValues:
        """Evaluate afresh, or update the last evaluation to the stages as they are."""
        fresh = self._done % self.iterations == 0
        self._done += 1
        if fresh:
            self._values = self.step.evaluate(stages, generator)
            return self._values
        return self._values.moved(self.step.log_probs(stages))


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
        draws = self.estimator.n_samples is not None
        self.drawn = self.estimator.draw_from(self.before_A, generator) if draws else slice(None)
        probs = [stage.all_probs() for stage in stages]
        q = self.before_A[self.drawn] if draws else torch.ones_like(self.before_A)
        with torch.no_grad():
            p = [each.detach().flatten()[self.drawn] / q for each in probs]
            Lp = [self.estimator.liouvillian.apply(each.detach()).flatten()[self.drawn] / q for each in probs]
        weight = torch.full_like(q, 1 / len(q)) if draws else q
        return StageValues(self.before_A[self.drawn] / q, p, Lp, self._at_drawn(probs), weight)

    def log_probs(self, stages: Sequence[StringMixture]) -> list[torch.Tensor]:
        """log p_i(a) at the same configurations, enumerated again."""
        return self._at_drawn([stage.all_probs() for stage in stages])

    def _at_drawn(self, probs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        return [floored_log(each.flatten()[self.drawn]) for each in probs]


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
        self.samples_BN = self.before.sample(self.estimator.n_samples, generator)
        with torch.no_grad():
            reference_B = self.before.log_prob(self.samples_BN)
        p, Lp = zip(*self.estimator.without_gradient(stages, self.samples_BN, reference_B), strict=True)
        ones_B = torch.ones_like(reference_B)
        return StageValues(ones_B, list(p), list(Lp), self.log_probs(stages), ones_B / len(ones_B))

    def log_probs(self, stages: Sequence[StringMixture]) -> list[torch.Tensor]:
        """log p_i(a) of the last samples."""
        return [stage.log_prob(self.samples_BN) for stage in stages]


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
    stats = {LOSS: r.abs().sum(), RESIDUAL: (values.weight * values.Lp[-1].abs()).sum()}
    return total, stats | {"effective_fraction": effective_fraction(values.weight, values.p[-1], values.before)}

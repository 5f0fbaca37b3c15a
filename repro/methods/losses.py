"""The paper's objective functions on an evaluated set of configurations.

Each returns (loss, statistics); the gradient of the loss is Eq. S20 or S22.
"""

from __future__ import annotations

import torch

from repro.methods.estimators import Evaluation
from repro.utils.errors import InputError
from repro.utils.validation import check_float

LOSS, RESIDUAL = "loss", "residual"
"""Statistics that every method has: the objective, and ||dp/dt||_1 of the present state."""
BEND = "bend"
"""Statistic of evolutions by velocities: how far from straight the way of log p was over a rule's step."""
LossAndStats = tuple[torch.Tensor, dict[str, torch.Tensor]]


def variational(evaluation: Evaluation) -> LossAndStats:
    """||dp/dt||_1 = sum_a |sum_b p(b) L_a^b| (Eq. 5, S21), in units of gamma; gradient Eq. S22."""
    loss = (evaluation.weight_A * evaluation.Lp_A.abs()).sum()
    return loss, {LOSS: loss.detach(), RESIDUAL: loss.detach()}


def dynamics(evaluation: Evaluation, tau: float) -> LossAndStats:
    """Forward-backward trapezoid objective of one time step of 2 tau (Eq. 4, S19); gradient Eq. S20.

        C = sum_a |[(1 - tau L) p(t + 2 tau)](a) - [(1 + tau L) p(t)](a)|

    Args:
        evaluation: with the frozen state p(t).
        tau: half the time step, units of 1/gamma.

    Raises:
        InputError: the evaluation holds no state before the step, or tau is not above 0.
    """
    if check_float("tau", tau) <= 0:
        raise InputError(f"tau = {tau}: expected a number above 0")
    if evaluation.old_p_A is None or evaluation.old_Lp_A is None:
        raise InputError("dynamics loss: the evaluation holds no state before the time step")
    target_A = evaluation.old_p_A + tau * evaluation.old_Lp_A
    mismatch_A = evaluation.p_A - tau * evaluation.Lp_A - target_A
    loss = (evaluation.weight_A * mismatch_A.abs()).sum()
    residual = (evaluation.weight_A * evaluation.Lp_A.detach().abs()).sum()
    counted = effective_fraction(evaluation.weight_A, evaluation.old_p_A, evaluation.p_A.detach())
    return loss, {LOSS: loss.detach(), RESIDUAL: residual, "effective_fraction": counted}


def effective_fraction(weight_A: torch.Tensor, target_A: torch.Tensor, p_A: torch.Tensor) -> torch.Tensor:
    """(sum w)^2 / (N sum w^2) of the importance weights w = target / p of draws from p: 1 where they are equal.

    Args:
        weight_A: of every configuration in sums over configurations, see `Evaluation`.
        target_A: the distribution that the draws stand for.
        p_A: the one they come from.
    """
    tiny = torch.finfo(p_A.dtype).tiny
    return (weight_A * target_A).sum() ** 2 / (weight_A * target_A**2 / p_A.clamp_min(tiny)).sum()


def interpolated(evaluation: Evaluation, tau: float, mixing: float) -> LossAndStats:
    """C_1 = lambda C + (1 - lambda) ||dp/dt||_1 (Eq. S23): from a steady-state search to an evolution.

    Args:
        evaluation: with the frozen state p(t).
        tau: half the time step, units of 1/gamma.
        mixing: lambda, 0 to 1.

    Raises:
        InputError: as `dynamics`, or lambda outside 0 to 1.
    """
    _check_mixing(mixing)
    evolution, stats = dynamics(evaluation, tau)
    steady, _ = variational(evaluation)
    loss = mixing * evolution + (1 - mixing) * steady
    return loss, {**stats, LOSS: loss.detach()}


def sign_augmented(evaluation: Evaluation, mixing: float) -> LossAndStats:
    """C_2 = lambda ||dp/dt||_1 - (1 - lambda) sum_a p(a) sign[sum_b p(b) L_a^b] (Eq. S25).

    The sign carries no gradient, so that at lambda = tau / (1 + tau) this is the dynamics loss's gradient at a
    numerical fixed point (Eq. S24) up to a factor.

    Args:
        evaluation: any.
        mixing: lambda, 0 to 1.

    Raises:
        InputError: lambda outside 0 to 1.
    """
    _check_mixing(mixing)
    steady, stats = variational(evaluation)
    drift = (evaluation.weight_A * evaluation.p_A * evaluation.Lp_A.detach().sign()).sum()
    loss = mixing * steady - (1 - mixing) * drift
    return loss, {**stats, LOSS: loss.detach()}


def _check_mixing(mixing: float) -> None:
    if not 0 <= check_float("mixing", mixing) <= 1:
        raise InputError(f"mixing = {mixing}: expected a weight from 0 to 1")

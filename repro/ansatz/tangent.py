"""The tangent space of p_theta at a set of configurations, and the velocity in it that fits dp/dt best.

With O_k(a) = d log p(a) / d theta_k and f(a) = (L p)(a) / p(a), the time-dependent variational principle asks for

    min over v of  sum_a p(a) |f(a) - sum_k O_k(a) v_k|^2 + lambda |v|^2.

With rows O_a sqrt(p(a)) it is taken where there is less of it, in the space of draws or in that of parameters:

    v = O^T (O O^T + lambda)^-1 f = (O^T O + lambda)^-1 O^T f,    lambda = ridge * tr(O O^T) / number of rows.

Draws that came before know what these do not. With |v - mu v'|^2 as the penalty, v' the velocity before, directions
of which no draw of now tells keep what they had (for steps of an optimiser: Goldshlager, Abrahamsen and Lin, 2024).

Tensor suffixes: A configurations, a those of a part, N sites, R configurations that are summed over, C components of
the mixture, X sequences, K outcomes or the fewer of A and P, P parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.func import functional_call, grad, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from repro.ansatz.string_mixture import StringMixture

AT_ONCE = 500
"""Sequences whose derivatives are taken together: their intermediate values stay in a processor's cache."""

GRAM_ROWS = 500
"""Rows of a block of a symmetric product."""


@dataclass(frozen=True)
class Velocity:
    """The best d theta / dt, and how good it is.

    Attributes:
        flat_P: d theta / dt, units of gamma, in the order of `parameters()`.
        residual: ||L p||_1, units of gamma.
        missed: sum_a p(a) |f(a) - sum_k O_k(a) v_k|: the part of it that no change of the parameters makes, as far as
            the draws that were fitted tell.
    """

    flat_P: torch.Tensor
    residual: torch.Tensor
    missed: torch.Tensor


@dataclass(frozen=True)
class Apart:
    """Differences of log p between configurations where it should be the same, all of equal weight.

    Attributes:
        O_AP: their derivatives.
        rate_A: the rate that each is to change at, units of gamma.
    """

    O_AP: torch.Tensor
    rate_A: torch.Tensor


def log_derivatives(model: StringMixture, configurations_AN: torch.Tensor) -> torch.Tensor:
    """O_k(a) = d log p(a) / d theta_k, shape (A, P); parameters in the order of `parameters()`.

    Args:
        model: the distribution.
        configurations_AN: outcomes in site order.
    """
    one_1A = torch.ones(1, len(configurations_AN), device=configurations_AN.device)
    return weighted_log_derivatives(model, [configurations_AN], one_1A)


@torch.no_grad()
def weighted_log_derivatives(
    model: StringMixture, configurations: Sequence[torch.Tensor], weight_RA: torch.Tensor
) -> torch.Tensor:
    """sum_r w_r(a) O_k(a_r), shape (A, P), of R configurations a_r for every a, summed before they are stored.

    Args:
        model: the distribution.
        configurations: R tensors (A, N), outcomes in site order.
        weight_RA: w_r(a).
    """
    network = model.transformer
    parameters = {name: each.detach() for name, each in network.named_parameters()}
    buffers = dict(network.named_buffers())

    def weighted(parameters: dict[str, torch.Tensor], read_CRN: torch.Tensor, weight_R: torch.Tensor) -> torch.Tensor:
        logits_XNK = functional_call(network, (parameters, buffers), (read_CRN.flatten(0, 1),))
        log_p_CRN = torch.log_softmax(logits_XNK, -1).view(*read_CRN.shape, -1).gather(-1, read_CRN[..., None])[..., 0]
        return weight_R @ torch.logsumexp(log_p_CRN.sum(-1), 0)

    of_each = vmap(grad(weighted), in_dims=(None, 0, 0))
    read_ARCN = torch.stack([torch.stack(list(model.readings(each_AN)), 1) for each_AN in configurations], 1).long()
    weight_AR = weight_RA.T.to(network.readout.weight.dtype)
    together = max(1, AT_ONCE // (len(configurations) * model.n_components))
    parts = []
    for read_aRCN, weight_aR in zip(read_ARCN.split(together), weight_AR.split(together), strict=True):
        with sdpa_kernel(SDPBackend.MATH):  # the others have no derivative one by one
            derivatives = of_each(parameters, read_aRCN.transpose(1, 2), weight_aR)
        parts.append(torch.cat([derivatives[name].flatten(1) for name in parameters], 1))
    return torch.cat(parts)


@torch.no_grad()
def best_velocity(
    O_AP: torch.Tensor,
    f_A: torch.Tensor,
    weight_A: torch.Tensor,
    ridge: float,
    apart: Apart | None = None,
    near_P: torch.Tensor | None = None,
) -> Velocity:
    """d theta / dt that makes sum_k O_k v_k as close to f as it can, with a penalty on |v|, or on |v - near|.

    Mean values, which are zero in exact sums, are taken off: what is left of them is noise of the draws.

    Args:
        O_AP: `log_derivatives`.
        f_A: (L p)(a) / p(a), units of gamma.
        weight_A: what each configuration counts for, sum 1: p(a), or one over the number of draws.
        ridge: lambda in units of the mean diagonal of O O^T, above 0.
        apart: differences of log p that are to decay; together they count for as much as all configurations.
        near_P: a velocity that this one is to stay near where the draws do not tell.
    """
    root_A = weight_A.sqrt()
    centred_AP, centred_A = O_AP - weight_A @ O_AP, f_A - weight_A @ f_A
    rows_AP, target_A = centred_AP * root_A[:, None], centred_A * root_A
    if apart is not None:
        root = torch.full_like(apart.rate_A[:1], 1 / len(apart.rate_A)).sqrt()
        rows_AP = torch.cat([rows_AP, apart.O_AP * root])
        target_A = torch.cat([target_A, apart.rate_A * root])
    if near_P is not None:
        target_A = target_A - rows_AP @ near_P
    flat_P = _least_squares(rows_AP, target_A, ridge)
    if near_P is not None:
        flat_P = flat_P + near_P
    missed = (weight_A * (centred_A - centred_AP @ flat_P).abs()).sum()
    return Velocity(flat_P, (weight_A * f_A.abs()).sum(), missed)


def _least_squares(rows_AP: torch.Tensor, target_A: torch.Tensor, ridge: float) -> torch.Tensor:
    """v with the least |target - rows v|^2 + lambda |v|^2."""
    of_draws = len(rows_AP) <= rows_AP.shape[1]
    kernel_KK = _gram(rows_AP if of_draws else rows_AP.T).double()
    known_K = target_A if of_draws else rows_AP.T @ target_A
    penalty = ridge * (kernel_KK.diagonal().sum() / len(rows_AP))
    solved_K1 = torch.cholesky_solve(known_K.double()[:, None], _factor(kernel_KK, penalty))
    solved_K = solved_K1[:, 0].to(rows_AP.dtype)
    return rows_AP.T @ solved_K if of_draws else solved_K


def _gram(rows_KX: torch.Tensor) -> torch.Tensor:
    """The lower triangle of rows rows^T, all that its factor reads, in blocks; what stands above it means nothing."""
    gram_KK = rows_KX.new_zeros(len(rows_KX), len(rows_KX))
    for start in range(0, len(rows_KX), GRAM_ROWS):
        end = start + GRAM_ROWS
        gram_KK[start:end, :end] = rows_KX[start:end] @ rows_KX[:end].T
    return gram_KK


def _factor(kernel_KK: torch.Tensor, penalty: torch.Tensor) -> torch.Tensor:
    """Cholesky factor of the kernel and its penalty, not finite where the kernel is not.

    The penalty grows where rounding left a negative eigenvalue.
    """
    penalty = penalty.clamp_min(torch.finfo(kernel_KK.dtype).tiny)
    while True:
        penalised_KK = kernel_KK.clone()
        penalised_KK.diagonal().add_(penalty)
        factor_KK, failed = torch.linalg.cholesky_ex(penalised_KK)
        if not failed or not kernel_KK.isfinite().all():
            return factor_KK
        penalty *= 10

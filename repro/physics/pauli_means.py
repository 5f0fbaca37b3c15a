"""Expectation values from a distribution or from samples: <O> = sum_b p(b) Tr(O N^(b)).

Tensor suffixes: B samples, N sites, K outcomes (4).
"""

from __future__ import annotations

import math

import torch

from repro.physics.lindblad import PAULIS
from repro.physics.povm import Povm
from repro.utils.errors import InputError


def site_marginals(p: torch.Tensor) -> torch.Tensor:
    """One-spin marginals of a (4,) * N tensor, shape (N, 4).

    Raises:
        InputError: another shape.
    """
    check_distribution(p)
    axes = range(p.ndim)
    return torch.stack([p.sum([other for other in axes if other != axis]) if p.ndim > 1 else p for axis in axes])


def pauli_means(p: torch.Tensor, povm: Povm) -> dict[str, float]:
    """<sigma_w> = 1/N sum_i <sigma_w^(i)> for w = x, y, z of an enumerated distribution, exact.

    Raises:
        InputError: not a tensor of shape (4,) * N.
    """
    check_distribution(p)
    mean_K = site_marginals(p.detach().double()).mean(0).cpu()
    return {f"sigma_{axis}": float(mean_K @ torch.from_numpy(povm.observable(pauli))) for axis, pauli in PAULIS.items()}


def sampled_pauli_means(samples_BN: torch.Tensor, povm: Povm) -> dict[str, tuple[float, float]]:
    """Site-averaged Pauli expectations from samples: name -> (mean, standard error).

    Raises:
        InputError: no (B, N) tensor of outcomes 0 to 3, or fewer than two samples.
    """
    check_outcomes(samples_BN)
    if len(samples_BN) < 2:
        raise InputError(f"{len(samples_BN)} samples: expected at least two, or there is no standard error")
    out = {}
    for axis, pauli in PAULIS.items():
        coefficient_K = torch.from_numpy(povm.observable(pauli)).to(samples_BN.device)
        value_B = coefficient_K[samples_BN].mean(1)
        out[f"sigma_{axis}"] = (float(value_B.mean()), float(value_B.std() / math.sqrt(len(value_B))))
    return out


def check_distribution(p: torch.Tensor) -> None:
    """Refuse what is no distribution over all configurations.

    Raises:
        InputError: not a tensor of shape (4,) * N.
    """
    if not isinstance(p, torch.Tensor) or not p.ndim or set(p.shape) != {4}:
        raise InputError(f"distribution of shape {tuple(getattr(p, 'shape', ()))}: expected a tensor (4,) * N")


def check_outcomes(samples_BN: torch.Tensor) -> None:
    """Refuse a tensor that does not hold configurations.

    Raises:
        InputError: no (B, N) tensor of whole numbers from 0 to 3.
    """
    if not isinstance(samples_BN, torch.Tensor) or samples_BN.ndim != 2 or samples_BN.dtype != torch.long:
        raise InputError("samples: expected a (B, N) tensor of outcomes, whole numbers of type int64")
    if samples_BN.numel() and not bool(((samples_BN >= 0) & (samples_BN < 4)).all()):
        raise InputError(f"samples: outcomes from {int(samples_BN.min())} to {int(samples_BN.max())}, expected 0 to 3")

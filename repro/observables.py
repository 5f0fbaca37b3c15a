"""Expectation values from a distribution or from samples: <O> = sum_b p(b) Tr(O N^(b)).

Tensor suffixes: B samples, N sites, K outcomes (4).
"""

from __future__ import annotations

import math

import torch

from repro.lindblad import PAULIS
from repro.povm import Povm

PAULI_NAMES = tuple(f"sigma_{axis}" for axis in PAULIS)


def site_marginals(p: torch.Tensor) -> torch.Tensor:
    """One-spin marginals of a (4,) * N tensor, shape (N, 4)."""
    axes = range(p.ndim)
    return torch.stack([p.sum([other for other in axes if other != axis]) if p.ndim > 1 else p for axis in axes])


def pauli_means(p: torch.Tensor, povm: Povm) -> dict[str, float]:
    """<sigma_w> = 1/N sum_i <sigma_w^(i)> for w = x, y, z of an enumerated distribution, exact."""
    mean_K = site_marginals(p.detach().double()).mean(0).cpu()
    return {f"sigma_{axis}": float(mean_K @ torch.from_numpy(povm.observable(pauli))) for axis, pauli in PAULIS.items()}


def sampled_pauli_means(samples_BN: torch.Tensor, povm: Povm) -> dict[str, tuple[float, float]]:
    """Site-averaged Pauli expectations from samples: name -> (mean, standard error)."""
    out = {}
    for axis, pauli in PAULIS.items():
        coefficient_K = torch.from_numpy(povm.observable(pauli)).to(samples_BN.device)
        value_B = coefficient_K[samples_BN].mean(1)
        out[f"sigma_{axis}"] = (float(value_B.mean()), float(value_B.std() / math.sqrt(len(value_B))))
    return out

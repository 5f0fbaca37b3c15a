"""The density matrix of a distribution, rho = sum_a p(a) N^(a1) x ... x N^(aN), and whether it is one.

Every state has a p, but not every p is of a state: rho has trace one and is Hermitian, and may have eigenvalues below
zero. N is the dual frame of `repro.physics.povm`.
"""

from __future__ import annotations

import math

import torch

from repro.physics.pauli_means import check_distribution
from repro.physics.povm import Povm

MAX_SITES = 10
"""A density matrix of so many spins has 2^20 entries; its eigenvalues are a third of a second of one core."""
SMALLEST_EIGENVALUE = "smallest_eigenvalue"
"""Its column in a history and in a table."""


def density_matrix(p: torch.Tensor, povm: Povm) -> torch.Tensor:
    """rho of an enumerated distribution, double precision, site 0 the first factor.

    Args:
        p: shape (4,) * N, axis i the outcome of site i.
        povm: of p.

    Returns:
        Shape (2^N, 2^N), on the device of p.

    Raises:
        InputError: not a tensor of shape (4,) * N.
    """
    check_distribution(p)
    n_sites = p.ndim
    dual_frame = torch.tensor(povm.dual_frame.reshape(4, 4), device=p.device)
    flat = p.detach().to(dual_frame.dtype)
    for _ in range(n_sites):  # the first axis is contracted and the pair (row, column) of that site becomes the last
        flat = flat.reshape(4, -1).T @ dual_frame
    rows, columns = range(0, 2 * n_sites, 2), range(1, 2 * n_sites, 2)
    return flat.reshape((2,) * (2 * n_sites)).permute(*rows, *columns).reshape(2**n_sites, -1)


def smallest_eigenvalue(p: torch.Tensor, povm: Povm) -> float:
    """The smallest eigenvalue of rho of an enumerated distribution: below zero, p is of no state.

    Args:
        p: shape (4,) * N, N at most `MAX_SITES` for times that do not matter.
        povm: of p.

    Returns:
        NaN where p is not finite.

    Raises:
        InputError: not a tensor of shape (4,) * N.
    """
    rho = density_matrix(p, povm)
    return float(torch.linalg.eigvalsh(rho)[0]) if bool(rho.isfinite().all()) else math.nan

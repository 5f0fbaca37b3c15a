"""The steady state of the probability equation (Eq. 2) from the project's own generator: no density matrix in it."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from repro.physics.lindblad import PAULIS
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import Povm
from repro.references.qutip_solvers import KRYLOV_SIZE


def povm_steady_state(liouvillian: LocalLiouvillian, tolerance: float = 1e-8) -> tuple[np.ndarray, float]:
    """Steady state of dp/dt = L p (Eq. 2) from the project's own generator, by GMRES.

    Columns of L sum to zero, so (L + u 1^T) p = u with u uniform has the one solution L p = 0, sum_a p(a) = 1.

    Returns:
        p of shape (4,) * N, and its residual ||L p||_1 = sum_a |sum_b p(b) L_a^b| (units gamma).
    """
    n_sites = liouvillian.n_sites
    shape, size = (4,) * n_sites, 4**n_sites

    def shifted(p: np.ndarray) -> np.ndarray:
        return liouvillian.apply(p.reshape(shape)).ravel() + p.sum() / size

    uniform = np.full(size, 1 / size)
    system = LinearOperator((size, size), matvec=shifted, dtype=np.float64)
    p, failed = gmres(system, uniform, x0=uniform, rtol=tolerance, restart=min(KRYLOV_SIZE, size), maxiter=50)
    p = p.reshape(shape)
    residual = float(np.abs(liouvillian.apply(p)).sum())
    assert not failed, f"GMRES stopped at ||L p||_1 = {residual:.1e}"
    return p, residual


def site_averages(p: np.ndarray, povm: Povm) -> dict[str, float]:
    """Site-averaged <sigma_x>, <sigma_y>, <sigma_z> of a probability tensor of shape (4,) * N."""
    one_site = np.mean([p.sum(axis=tuple(k for k in range(p.ndim) if k != site)) for site in range(p.ndim)], axis=0)
    return {f"sigma_{name}": float(povm.observable(pauli) @ one_site) for name, pauli in PAULIS.items()}

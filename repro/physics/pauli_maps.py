"""Terms of L as real matrices in the Pauli basis of the one or two sites that they act on.

rho = 2^-N sum_a c_a P_a1 x ... x P_aN with c_a = <P_a>, so that dc_a/dt = sum_b M_ab c_b.
"""

from __future__ import annotations

import numpy as np

from repro.physics.lindblad import IDENTITY, PAULIS, LindbladModel

BASIS = (IDENTITY, *PAULIS.values())
PAIRS = np.stack([np.kron(one, two) for one in BASIS for two in BASIS])
"""Of two sites, the second one fastest."""


def local_maps(model: LindbladModel) -> list[tuple[tuple[int, ...], np.ndarray]]:
    """Sites and the real matrix M_ab = Tr[P_a L(P_b)] / 2^n of every term of L, in the basis of one or two sites."""
    found = []
    for term in model.hamiltonian_terms:
        H = term.operator
        found.append((tuple(term.sites), _matrix(lambda rho, H=H: -1j * (H @ rho - rho @ H), len(term.sites))))
    for jump in model.jumps:
        G, rate = jump.operator, jump.rate
        loss = G.conj().T @ G

        def dissipate(rho: np.ndarray, G: np.ndarray = G, loss: np.ndarray = loss, rate: float = rate) -> np.ndarray:
            return rate * (G @ rho @ G.conj().T - (loss @ rho + rho @ loss) / 2)

        found.append((tuple(jump.sites), _matrix(dissipate, len(jump.sites))))
    return found


def in_paulis(operator: np.ndarray) -> np.ndarray:
    """Tr[P_a A] / 2^n of a Hermitian operator on one or two sites, (4,) or (16,): A = sum_a c_a P_a."""
    basis = np.stack(BASIS) if len(operator) == 2 else PAIRS
    return np.einsum("aij,ji->a", basis, operator).real / len(operator)


def _matrix(action, n_sites: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    """M_ab = Tr[P_a L(P_b)] / 2^n."""
    basis = np.stack(BASIS) if n_sites == 1 else PAIRS
    images = np.stack([action(P) for P in basis])
    return np.einsum("aij,bji->ab", basis, images).real / 2**n_sites

"""Samples of a product POVM: of a state vector, site by site, and of a distribution or a density matrix that is known.

A state vector psi of N spins is measured from the first site to the last. With M_(a) = sum_k |m_ak><m_ak| (one k for
the tetrahedra, two for the last outcome of the 4-Pauli POVM) the pair (a, k) comes with probability

    <psi| m_ak><m_ak |psi> / <psi|psi>,    and leaves    <m_ak| psi>

of the sites that are left; k is forgotten. The outcomes then have p(a) = <psi| M_(a1) x ... x M_(aN) |psi>.

Array suffixes: B samples, N sites, K outcomes (4), V vectors (a, k), X states on the way, D amplitudes that are left.
"""

from __future__ import annotations

import numpy as np
import torch

from repro.physics.povm import Povm
from repro.utils.errors import InputError
from repro.utils.validation import check_int

NOTHING = 1e-12
"""Eigenvalues of M_(a) below this are zero."""
OFF = 1e-6
"""How far a norm or a sum of probabilities may be from one."""


def measured(psi: np.ndarray, povm: Povm, n: int, rng: np.random.Generator) -> np.ndarray:
    """Independent outcomes of every site of one state vector.

    Args:
        psi: amplitudes (2^N,), site 0 the slowest index, norm 1.
        povm: measured on every site.
        n: number of samples B.
        rng: where randomness comes from.

    Returns:
        Outcomes 0 to 3, shape (B, N), int8.

    Raises:
        InputError: no vector of 2^N amplitudes, or a norm that is not 1.
    """
    check_int("number of samples", n)
    N = int(np.size(psi)).bit_length() - 1
    if np.ndim(psi) != 1 or np.size(psi) != 2**N or N < 1:
        raise InputError(f"state vector of shape {np.shape(psi)}: expected (2^N,)")
    if not abs(np.linalg.norm(psi) - 1) < OFF:
        raise InputError(f"state vector of norm {np.linalg.norm(psi):g}: expected 1")
    outcome_V, vector_V2 = _vectors(povm)
    states_XD, state_B = np.asarray(psi)[None], np.zeros(n, dtype=np.int64)
    samples_BN = np.empty((n, N), dtype=np.int8)
    for site in range(N):
        halves_X2D = states_XD.reshape(len(states_XD), 2, -1)
        rho_X22 = halves_X2D @ halves_X2D.conj().transpose(0, 2, 1)
        weight_XV = np.einsum("vs,xst,vt->xv", vector_V2.conj(), rho_X22, vector_V2).real.clip(min=0)
        below_XV = np.cumsum(weight_XV, axis=1)
        drawn_B = (rng.random(n) * below_XV[state_B, -1] >= below_XV[state_B, :-1].T).sum(0)
        samples_BN[:, site] = outcome_V[drawn_B]
        kept_X, state_B = np.unique(state_B * len(outcome_V) + drawn_B, return_inverse=True)
        before_X, vector_X = np.divmod(kept_X, len(outcome_V))
        left_XD = np.einsum("xs,xsd->xd", vector_V2[vector_X].conj(), halves_X2D[before_X])
        states_XD = left_XD / np.linalg.norm(left_XD, axis=1, keepdims=True)
    return samples_BN


def _vectors(povm: Povm) -> tuple[np.ndarray, np.ndarray]:
    """The outcome of every vector m_ak, (V,), and the vectors, (V, 2)."""
    outcomes, vectors = [], []
    for outcome, element in enumerate(povm.frame):
        values, columns = np.linalg.eigh(element)
        for value, vector in zip(values, columns.T, strict=True):
            if value > NOTHING:
                outcomes.append(outcome)
                vectors.append(np.sqrt(value) * vector)
    return np.array(outcomes, dtype=np.int8), np.array(vectors)


def drawn(p: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Independent configurations of a distribution that is known.

    Args:
        p: shape (4,) * N, axis k the outcome of site k.
        n: number of samples B.
        rng: where randomness comes from.

    Returns:
        Outcomes 0 to 3, shape (B, N), int8.

    Raises:
        InputError: probabilities below zero, or that do not sum to one.
    """
    check_int("number of samples", n)
    if p.min() < -OFF or not abs(p.sum() - 1) < OFF:
        raise InputError(f"distribution from {p.min():g}, sum {p.sum():g}: expected none below 0, sum 1")
    below = np.cumsum(p.clip(min=0).ravel())
    number_B = np.searchsorted(below, rng.random(n) * below[-1], side="right")
    return np.stack(np.unravel_index(number_B, p.shape), axis=1).astype(np.int8)


def distribution(rho: np.ndarray, povm: Povm) -> torch.Tensor:
    """p(a) = Tr(rho M_(a1) x ... x M_(aN)) of a density matrix.

    Args:
        rho: shape (2^N, 2^N), site 0 the first factor.
        povm: measured on every site.

    Returns:
        Shape (4,) * N, double precision.
    """
    N = len(rho).bit_length() - 1
    pairs = rho.reshape((2,) * (2 * N)).transpose([axis for k in range(N) for axis in (k, N + k)])
    flat = pairs.reshape(4**N)
    frame = povm.frame.transpose(0, 2, 1).reshape(4, 4)  # sum_ij rho_ij M_ji
    for _ in range(N):  # the first axis becomes an outcome and goes last
        flat = (frame @ flat.reshape(4, -1)).T.ravel()
    return torch.from_numpy(np.ascontiguousarray(flat.real).reshape((4,) * N))

"""Imaginary time in the POVM picture: from infinite temperature down to a Gibbs state.

    d rho / d beta = -1/2 {H, rho} + <H> rho   is   d p(a) / d beta = sum_b p(b) K_a^b + <H> p(a),

    K_a^b = -1/2 Tr({H, N^(b)} M_(a)),   <H> = -sum_ab p(b) K_a^b,

from the maximally mixed state at beta = 0. K has the locality of the Liouvillian, but does not conserve sum_a p(a): the
term <H> p keeps it one, and amounts to dividing by the sum after a step exp(h K) p. Every rho on the way is a state, so
that p stays a probability.
"""

from __future__ import annotations

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.local_generators import LocalGenerator, frames_of, summed
from repro.physics.povm import Povm
from repro.utils.errors import InputError


def cooling_generator(operator: np.ndarray, povm: Povm) -> np.ndarray:
    """K_a^b = -1/2 Tr({H, N^(b)} M_(a)) of a local Hamiltonian, shape (4^s, 4^s)."""
    M, N = frames_of(operator, povm)
    anticommutator = np.einsum("ij,bjk->bik", operator, N) + np.einsum("bij,jk->bik", N, operator)
    return -0.5 * np.einsum("aki,bik->ab", M, anticommutator).real


def cooling_generators(model: LindbladModel, povm: Povm) -> tuple[LocalGenerator, ...]:
    """All terms of K, summed where they share the same sites.

    Raises:
        InputError: a model with jump operators.
    """
    if model.has_jumps:
        raise InputError("imaginary time of a model with jump operators: expected a Hamiltonian alone")
    return summed((term.sites, cooling_generator(term.operator, povm)) for term in model.hamiltonian_terms)


class ImaginaryTime(LocalLiouvillian):
    """K of a Hamiltonian in a POVM, in place of L; "time" is the inverse temperature beta (1 / energy).

    Args:
        model: its Hamiltonian; no jump operators.
        povm: the one-spin POVM used on every site.

    Raises:
        InputError: as `LocalLiouvillian`, or a model with jump operators.
    """

    conserves = False
    _local_generators = staticmethod(cooling_generators)

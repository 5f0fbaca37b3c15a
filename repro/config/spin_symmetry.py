"""Rotations of every spin by pi that a distribution can be symmetric under, and what may not have them."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np

from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import Povm
from repro.physics.rotations import asymmetric_sites, outcome_permutation
from repro.utils.errors import InputError

NO_SYMMETRY = "none"
SPIN_SYMMETRIES = (NO_SYMMETRY, "x", "y", "z")
SAME_START = 1e-9
"""log-probabilities of a start that differ by less are the same."""


class Simulated(Protocol):
    """What is asked of a system."""

    def build_povm(self) -> Povm:
        """The POVM."""
        ...

    def build_liouvillian(self) -> LocalLiouvillian:
        """What moves the distribution."""
        ...

    def start_bias(self) -> np.ndarray:
        """log-probabilities at the start, (4,) or (N, 4)."""
        ...


@lru_cache(maxsize=64)
def outcome_maps(axis: str, system: Simulated, from_start: bool) -> tuple[tuple[int, ...], ...]:
    """Permutations of outcomes to average over: the identity and, about an axis, what a rotation by pi does.

    Args:
        axis: one of SPIN_SYMMETRIES.
        system: a `System`, or a user's.
        from_start: whether its initial state is evolved, which then has to be symmetric.

    Raises:
        InputError: a POVM whose outcomes are not permuted, an L or an initial state that is not symmetric.
    """
    identity = (0, 1, 2, 3)
    if axis == NO_SYMMETRY:
        return (identity,)
    try:
        rotation = outcome_permutation(system.build_povm(), axis)
    except InputError as error:
        raise InputError(f"spin_symmetry {axis}: {error}") from error
    if sites := asymmetric_sites(system.build_liouvillian().terms, rotation):
        raise InputError(
            f"spin_symmetry {axis}: L is not symmetric under the rotation by pi about {axis} (its terms on "
            f"{_named(sites)}), expected a model that is, or spin_symmetry none"
        )
    bias = np.asarray(system.start_bias())
    if from_start and np.abs(bias[..., list(rotation)] - bias).max() > SAME_START:
        raise InputError(
            f"spin_symmetry {axis}: the initial state is not symmetric under the rotation by pi about {axis}, "
            f"expected Bloch vectors along {axis}, or method variational"
        )
    return identity, rotation


def _named(sites: tuple[int, ...]) -> str:
    return f"site {sites[0]}" if len(sites) == 1 else f"sites {sites[0]} and {sites[1]}"

"""Rotations of every spin by pi about an axis, as permutations of a POVM's outcomes, and what they leave as it is.

    R M_(a) R^+ = M_(pi a),  R = sigma_x, sigma_y or sigma_z on every site (up to a phase)

so that p'(pi a) = p(a) for the rotated state, and L is symmetric where L_(pi a)^(pi b) = L_a^b.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from repro.physics.lindblad import PAULIS
from repro.physics.local_generators import LocalGenerator
from repro.physics.povm import CUBIC, Povm
from repro.utils.errors import InputError, unknown

SAME_ELEMENT = 1e-9
"""Frame elements whose entries differ by less are the same."""
SAME_ENTRY = 1e-10
"""Entries of L that differ by less than this fraction of its largest term are the same."""


def outcome_permutation(povm: Povm, axis: str) -> tuple[int, ...]:
    """Where a rotation by pi about an axis takes every outcome: R M_(a) R^+ = M_(pi a).

    Args:
        povm: the one-spin POVM.
        axis: "x", "y" or "z".

    Raises:
        InputError: an unknown axis, or a POVM whose outcomes the rotation does not permute.
    """
    if axis not in PAULIS:
        raise unknown("axis", axis, PAULIS)
    rotated = PAULIS[axis] @ povm.frame @ PAULIS[axis].conj().T
    same = np.abs(rotated[:, None] - povm.frame[None]).max((2, 3)) < SAME_ELEMENT
    if not same.any(1).all():
        raise InputError(
            f"POVM '{povm.name}': a rotation by pi about {axis} does not permute its outcomes, expected one where it "
            f"does, such as '{CUBIC}'"
        )
    return tuple(int(a) for a in same.argmax(1))


def asymmetric_sites(terms: Iterable[LocalGenerator], permutation: tuple[int, ...]) -> tuple[int, ...]:
    """Sites where L_(pi a)^(pi b) - L_a^b is largest, none where L is symmetric.

    How a sum of local terms is split among them is arbitrary (a field may stand in a pair's term), so the difference of
    every pair is divided into what acts on one site and the rest, and those of one site are added up.

    Args:
        terms: local generators of L, on one or two sites.
        permutation: pi, the same on every site.
    """
    terms = tuple(terms)
    parts: dict[tuple[int, ...], np.ndarray] = {}
    for term in terms:
        for sites, matrix in _parts(term.sites, _difference(term, permutation)):
            parts[sites] = parts.get(sites, 0) + matrix
    size = {sites: float(np.abs(matrix).max()) for sites, matrix in parts.items()}
    largest = max((float(np.abs(term.matrix).max()) for term in terms), default=0.0)
    worst = max(size, key=lambda sites: size[sites], default=())
    return worst if worst and size[worst] > SAME_ENTRY * largest else ()


def _difference(term: LocalGenerator, permutation: tuple[int, ...]) -> np.ndarray:
    """L_(pi a)^(pi b) - L_a^b of a term."""
    rows = np.indices((4,) * len(term.sites)).reshape(len(term.sites), -1)
    moved = np.ravel_multi_index(tuple(np.asarray(permutation)[rows]), (4,) * len(term.sites))
    return term.matrix[np.ix_(moved, moved)] - term.matrix


def _parts(sites: tuple[int, ...], matrix: np.ndarray) -> list[tuple[tuple[int, ...], np.ndarray]]:
    """A matrix without trace on two sites as parts on each of them and one whose partial traces vanish."""
    if len(sites) == 1:
        return [(sites, matrix)]
    tensor = matrix.reshape(4, 4, 4, 4)
    first, second = np.einsum("ajbj->ab", tensor) / 4, np.einsum("iaib->ab", tensor) / 4
    rest = matrix - np.kron(first, np.eye(4)) - np.kron(np.eye(4), second)
    return [(sites[:1], first), (sites[1:], second), (sites, rest)]

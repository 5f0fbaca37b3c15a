"""Rotations of every spin by pi about an axis and permutations of sites, and where L stays as it is under them.

    R M_(a) R^+ = M_(pi a),  R = sigma_x, sigma_y or sigma_z on every site (up to a phase)

so that p'(pi a) = p(a) for the rotated state, and L is symmetric where L_(pi a)^(pi b) = L_a^b. A permutation g of
sites takes a to the configuration whose site k has the outcome of site g(k) in a.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class SiteParts:
    """L as one matrix for every site and every pair of sites, equal for equal L.

    Attributes:
        matrices: by sites in ascending order, their partial traces zero: what is a multiple of the identity, which no
            permutation changes, is left out.
        largest: largest entry of the terms that L was given as.
    """

    matrices: dict[tuple[int, ...], np.ndarray]
    largest: float

    @classmethod
    def of(cls, terms: Iterable[LocalGenerator]) -> SiteParts:
        """Of local generators on one or two sites.

        How a sum of them is split is arbitrary (a field may stand in a pair's term), so every pair's is divided into
        what acts on one site and the rest, and those of one site are added up.
        """
        matrices: dict[tuple[int, ...], np.ndarray] = {}
        largest = 0.0
        for term in terms:
            largest = max(largest, float(np.abs(term.matrix).max()))
            for sites, matrix in _parts(*_ascending(term.sites, term.matrix)):
                matrices[sites] = matrices.get(sites, 0) + matrix
        return cls(matrices, largest)

    def moved(self, order: tuple[int, ...]) -> SiteParts:
        """Of L where site k is given the outcome of site g(k) = order[k]."""
        moved = (_ascending(tuple(order[k] for k in sites), matrix) for sites, matrix in self.matrices.items())
        return replace(self, matrices=dict(moved))

    def rotated(self, permutation: tuple[int, ...]) -> SiteParts:
        """Of L_(pi a)^(pi b)."""
        return replace(self, matrices={s: _permuted(matrix, permutation) for s, matrix in self.matrices.items()})

    def differs_at(self, other: SiteParts) -> tuple[int, ...]:
        """Sites where the two differ most, none if they are the same."""
        nothing = np.zeros(())
        size = {
            sites: float(np.abs(self.matrices.get(sites, nothing) - other.matrices.get(sites, nothing)).max())
            for sites in {**self.matrices, **other.matrices}
        }
        worst = max(size, key=lambda sites: size[sites], default=())
        return worst if worst and size[worst] > SAME_ENTRY * self.largest else ()


def asymmetric_sites(terms: Iterable[LocalGenerator], permutation: tuple[int, ...]) -> tuple[int, ...]:
    """Sites where L_(pi a)^(pi b) - L_a^b is largest, none where L is symmetric.

    Args:
        terms: local generators of L, on one or two sites.
        permutation: pi, the same on every site.
    """
    parts = SiteParts.of(terms)
    return parts.differs_at(parts.rotated(permutation))


def _permuted(matrix: np.ndarray, permutation: tuple[int, ...]) -> np.ndarray:
    """L_(pi a)^(pi b) of a part on one or two sites."""
    n = 1 if len(matrix) == 4 else 2
    rows = np.indices((4,) * n).reshape(n, -1)
    moved = np.ravel_multi_index(tuple(np.asarray(permutation)[rows]), (4,) * n)
    return matrix[np.ix_(moved, moved)]


def _ascending(sites: tuple[int, ...], matrix: np.ndarray) -> tuple[tuple[int, ...], np.ndarray]:
    """The same matrix with its sites in ascending order."""
    if len(sites) == 1 or sites[0] < sites[1]:
        return sites, matrix
    return sites[::-1], matrix.reshape(4, 4, 4, 4).transpose(1, 0, 3, 2).reshape(16, 16)


def _parts(sites: tuple[int, ...], matrix: np.ndarray) -> list[tuple[tuple[int, ...], np.ndarray]]:
    """A matrix on one or two sites as parts whose partial traces vanish; multiples of the identity are left out."""
    if len(sites) == 1:
        return [(sites, _traceless(matrix))]
    tensor = matrix.reshape(4, 4, 4, 4)
    first, second = _traceless(np.einsum("ajbj->ab", tensor) / 4), _traceless(np.einsum("iaib->ab", tensor) / 4)
    rest = _traceless(matrix - np.kron(first, np.eye(4)) - np.kron(np.eye(4), second))
    return [(sites[:1], first), (sites[1:], second), (sites, rest)]


def _traceless(matrix: np.ndarray) -> np.ndarray:
    return matrix - np.eye(len(matrix)) * (np.trace(matrix) / len(matrix))

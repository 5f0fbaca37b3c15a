"""Permutations of sites that leave a simulated system as it is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import Protocol

import numpy as np

from repro.ansatz.strings import symmetries
from repro.config.spin_symmetry import SAME_START, Simulated
from repro.physics.lattice import Lattice
from repro.physics.rotations import SiteParts
from repro.utils.errors import InputError

MOST = 4096
"""Permutations of a graph beyond which they are not listed: a star of ten sites has 362,880."""


class OnLattice(Simulated, Protocol):
    """What is asked of a system."""

    def build_lattice(self) -> Lattice:
        """Its lattice."""
        ...


@lru_cache(maxsize=64)
def site_symmetries(system: OnLattice, from_start: bool) -> tuple[tuple[int, ...], ...]:
    """Permutations g of sites under which L stays as it is, a group with the identity first: g(k) for every site k.

    Of a ring or periodic rectangle they are among translations, reflections and, on a square, the exchange of rows and
    columns; of any other lattice among those that take bonds to bonds.

    Args:
        system: the model on its lattice.
        from_start: whether its initial state is evolved, which then has to be symmetric too.

    Raises:
        InputError: no symmetry but the identity, or too many to list.
    """
    lattice = system.build_lattice()
    bias = np.asarray(system.start_bias())
    parts = SiteParts.of(system.build_liouvillian().terms)
    found = [order for order in _of_lattice(lattice) if not parts.differs_at(parts.moved(order))]
    if from_start and bias.ndim == 2:
        found = [order for order in found if np.abs(bias[list(order)] - bias).max() <= SAME_START]
    if len(found) == 1:
        whose = "the model and its initial state have" if from_start else "the model has"
        raise InputError(f"lattice_images: {whose} no symmetry on the {lattice.name}, expected lattice_images 0")
    return tuple(sorted(found))


def _of_lattice(lattice: Lattice) -> Sequence[tuple[int, ...]]:
    """Permutations that take bonds to bonds; of a ring or periodic rectangle those by its directions."""
    if lattice.periods:
        return symmetries(lattice)
    import networkx  # type: ignore[import-untyped]
    from networkx.algorithms.isomorphism import GraphMatcher  # type: ignore[import-untyped]

    graph = networkx.Graph(lattice.bonds)
    graph.add_nodes_from(lattice.sites)
    every = list(islice(GraphMatcher(graph, graph).isomorphisms_iter(), MOST + 1))
    if len(every) > MOST:
        raise InputError(
            f"lattice_images: the {lattice.name} has more than {MOST} symmetries, expected lattice_images 0"
        )
    return [tuple(each[k] for k in lattice.sites) for each in every]

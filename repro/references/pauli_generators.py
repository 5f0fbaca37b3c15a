"""L of two neighbours as a real matrix in the Pauli basis: what matrix products of a chain are evolved with.

rho = 2^-N sum_a c_a P_a1 x ... x P_aN with real c, so that <P_a> = c_a, the trace is c_0...0, and Hermiticity is built
in.
Terms of one site are shared by the bonds that end there.

Array suffixes: a Pauli coefficients of two sites, 16 of them, the second site fastest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from repro.physics.lattice import Lattice, ring
from repro.physics.lindblad import LindbladModel
from repro.physics.pauli_maps import local_maps
from repro.utils.errors import InputError

SAME = 1e-12
"""Terms of a uniform chain may differ by so much, in the model's largest strength."""

Bond = tuple[int, int]


def bond_generators(model: LindbladModel) -> dict[Bond, np.ndarray]:
    """L of every bond (k, k + 1) of a chain, or of a ring with the closing bond (N - 1, 0): 16x16 matrices.

    Raises:
        InputError: a lattice that is no chain and no ring, or a term on sites that are no neighbours.
    """
    return generators_of(model, _bonds(model.lattice))


def generators_of(model: LindbladModel, bonds: Sequence[Bond]) -> dict[Bond, np.ndarray]:
    """L as a sum over some bonds (i, j): 16x16 matrices, the second site fastest.

    Raises:
        InputError: a term on sites that no bond joins.
    """
    shares = {site: [bond for bond in bonds if site in bond] for site in model.lattice.sites}
    L = {bond: np.zeros((16, 16)) for bond in bonds}
    for sites, map_aa in local_maps(model):
        if len(sites) == 1:
            for bond in shares[sites[0]]:
                L[bond] += _placed(map_aa, bond.index(sites[0])) / len(shares[sites[0]])
        elif (bond := (sites[0], sites[1])) in L:
            L[bond] += map_aa
        elif (bond := (sites[1], sites[0])) in L:
            L[bond] += _exchanged(map_aa)
        else:
            raise InputError(f"matrix products: a term on sites {sites}, expected neighbours alone")
    return L


def uniform_generator(model: LindbladModel) -> np.ndarray:
    """L of any bond of a ring whose bonds are all alike: that of the infinite chain.

    Raises:
        InputError: an open chain, or a ring that is not the same everywhere.
    """
    if not is_ring(model.lattice):
        raise InputError(f"infinite chain from a {model.lattice.name}: expected a ring")
    generators = list(bond_generators(model).values())
    limit = SAME * max(1.0, model.unit)
    if any(np.abs(each - generators[0]).max() > limit for each in generators):
        raise InputError("infinite chain: the sites differ, expected the same terms everywhere")
    return generators[0]


def is_line(lattice: Lattice) -> bool:
    """Whether the lattice is a chain or a ring in the order of its sites, of three or more."""
    try:
        return bool(_bonds(lattice))
    except InputError:
        return False


def is_ring(lattice: Lattice) -> bool:
    """Whether the last site is a neighbour of the first.

    Raises:
        InputError: neither a chain nor a ring in the order of its sites.
    """
    return len(_bonds(lattice)) == lattice.n_sites


def shortened(model: LindbladModel, n_sites: int) -> LindbladModel:
    """A ring of fewer sites with the terms of the first site and of the first bond everywhere.

    The caller has seen that the ring is the same everywhere (`uniform_generator`).
    """
    short = ring(n_sites)
    terms, jumps = [], []
    for site in short.sites:
        there = {(0,): (site,), (0, 1): (site, (site + 1) % n_sites), (1, 0): ((site + 1) % n_sites, site)}
        terms += [replace(term, sites=there[term.sites]) for term in model.hamiltonian_terms if term.sites in there]
        jumps += [replace(jump, sites=there[jump.sites]) for jump in model.jumps if jump.sites in there]
    return LindbladModel.of_terms(short, terms, jumps)


def _bonds(lattice: Lattice) -> list[Bond]:
    N = lattice.n_sites
    if N < 3:
        raise InputError(f"matrix products of {N} sites: expected three or more")
    found = {tuple(sorted(bond)) for bond in lattice.bonds}
    line = [(k, k + 1) for k in range(N - 1)]
    closed = {(0, N - 1)}
    if found == set(line):
        return line
    if found == set(line) | closed:
        return [*line, (N - 1, 0)]
    raise InputError(f"matrix products of a {lattice.name}: expected a chain or a ring in the order of its sites")


def _placed(map_aa: np.ndarray, place: int) -> np.ndarray:
    """A map of one site as one of two."""
    return np.kron(map_aa, np.eye(4)) if place == 0 else np.kron(np.eye(4), map_aa)


def _exchanged(map_aa: np.ndarray) -> np.ndarray:
    """The same with the two sites exchanged."""
    return map_aa.reshape(4, 4, 4, 4).transpose(1, 0, 3, 2).reshape(16, 16)


def pauli_vector(bloch: Mapping[str, float] | tuple[float, float, float]) -> np.ndarray:
    """(1, x, y, z) of a Bloch vector."""
    x, y, z = bloch.values() if isinstance(bloch, Mapping) else bloch
    return np.array([1.0, x, y, z])

"""Sites and bonds: rings, chains and rectangular lattices.

Sites are numbered 0 ... n_sites - 1, row by row on a rectangle. Every pair of neighbours is one bond
(i, j), listed once: on a periodic side of length two the wrapped bond is the same pair and counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from repro.utils.errors import InputError
from repro.utils.validation import check_int, shorten

Bond = tuple[int, int]
MAX_LATTICE_SITES = 1024
"""Far beyond what anything here can evaluate; a typing error should not fill the memory with bonds."""


@dataclass(frozen=True)
class Lattice:
    """A set of sites joined by bonds.

    Attributes:
        n_sites: number of spins N.
        bonds: pairs of neighbouring sites, each pair once.
        shape: (rows, columns) of a rectangle, None for rings, chains and graphs.
        periods: lengths of the directions that wrap with uniform bonds, (n,) of a ring, (rows, columns) of a periodic
            rectangle; empty where translations are no symmetry.
        name: how tables and messages call it, for example "3x3 periodic".
    """

    n_sites: int
    bonds: tuple[Bond, ...]
    shape: tuple[int, int] | None = None
    name: str = "graph"
    periods: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_int(f"lattice '{self.name}': sites", self.n_sites, 1, MAX_LATTICE_SITES)
        for bond in self.bonds:
            i, j = self._pair(bond)
            if i == j or not (0 <= i < self.n_sites and 0 <= j < self.n_sites):
                raise InputError(
                    f"lattice '{self.name}': bond ({i}, {j}) does not join two of the sites 0 to {self.n_sites - 1}"
                )
        if len({frozenset(bond) for bond in self.bonds}) != len(self.bonds):
            raise InputError(f"lattice '{self.name}': a pair of sites is listed twice, expected each bond once")

    def _pair(self, bond: Bond) -> Bond:
        if not isinstance(bond, tuple) or len(bond) != 2:
            raise InputError(f"lattice '{self.name}': bond {bond}, expected a pair of sites")
        return check_int(f"bond {bond}", bond[0], -MAX_LATTICE_SITES), check_int(
            f"bond {bond}", bond[1], -MAX_LATTICE_SITES
        )

    @property
    def sites(self) -> range:
        """Site numbers, `range(n_sites)`."""
        return range(self.n_sites)


def _each_pair_once(pairs: list[Bond]) -> tuple[Bond, ...]:
    seen: dict[frozenset[int], Bond] = {}
    for i, j in pairs:
        if i != j:
            seen.setdefault(frozenset((i, j)), (i, j))
    return tuple(seen.values())


def ring(n: int) -> Lattice:
    """Periodic chain of n sites: n bonds (one for n = 2)."""
    check_int("ring: sites", n, 1, MAX_LATTICE_SITES)
    return Lattice(n, _each_pair_once([(i, (i + 1) % n) for i in range(n)]), name=f"{n}-ring", periods=(n,))


def chain(n: int) -> Lattice:
    """Open chain of n sites: n - 1 bonds."""
    check_int("chain: sites", n, 1, MAX_LATTICE_SITES)
    return Lattice(n, tuple((i, i + 1) for i in range(n - 1)), name=f"{n}-chain")


def rectangle(rows: int, cols: int, periodic: bool = True) -> Lattice:
    """Rectangular lattice, row-major; every site bonds with its right and its lower neighbour.

    Args:
        rows: their number.
        cols: number of columns.
        periodic: wrap both directions; 3x3 periodic has 18 bonds, 2x2 has 4.
    """
    for what, length in (("rows", rows), ("columns", cols)):
        check_int(f"rectangle: {what}", length, 1, MAX_LATTICE_SITES)
    check_int(f"rectangle {rows}x{cols}: sites", rows * cols, 1, MAX_LATTICE_SITES)
    pairs = []
    for r in range(rows):
        for c in range(cols):
            if periodic or c + 1 < cols:
                pairs.append((r * cols + c, r * cols + (c + 1) % cols))
            if periodic or r + 1 < rows:
                pairs.append((r * cols + c, (r + 1) % rows * cols + c))
    name = f"{rows}x{cols} {'periodic' if periodic else 'open'}"
    return Lattice(rows * cols, _each_pair_once(pairs), (rows, cols), name, (rows, cols) if periodic else ())


def graph(bonds: Any, n_sites: int = 0) -> Lattice:
    """Any graph: pairs of sites, or a NetworkX graph, whose nodes become sites 0, 1, ... in its own order.

    Args:
        bonds: pairs (i, j), or an undirected NetworkX graph.
        n_sites: number of sites, for those that have no bond; by default up to the last one that has.

    Raises:
        InputError: as `Lattice` does, or neither of the two kinds.
    """
    if callable(getattr(bonds, "edges", None)):
        number = {node: site for site, node in enumerate(bonds.nodes())}
        pairs = [(number[i], number[j]) for i, j in bonds.edges()]
        return Lattice(max(check_int("graph: sites", n_sites), len(number)), _each_pair_once(pairs))
    try:
        pairs = [tuple(pair) for pair in bonds]
        reached = max((site + 1 for pair in pairs for site in pair), default=1)
    except TypeError:
        raise InputError(f"graph: expected pairs of sites or a NetworkX graph, got {shorten(bonds)}") from None
    return Lattice(n_sites or reached, tuple(pairs))

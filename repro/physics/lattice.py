"""Sites and bonds: rings, chains and rectangular lattices.

Sites are numbered 0 ... n_sites - 1, row by row on a rectangle. Every pair of neighbours is one bond
(i, j), listed once: on a periodic side of length two the wrapped bond is the same pair and counts once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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
        what = f"lattice '{self.name}'"
        n_sites = check_int(f"{what}: sites", self.n_sites, 1, MAX_LATTICE_SITES)
        if not isinstance(self.bonds, tuple | list):
            raise InputError(f"{what}: bonds = {shorten(self.bonds)}, expected pairs of sites")
        bonds = tuple(self._pair(bond, n_sites) for bond in self.bonds)
        if len({frozenset(bond) for bond in bonds}) != len(bonds):
            raise InputError(f"{what}: a pair of sites is listed twice, expected each bond once")
        if not isinstance(self.name, str):
            raise InputError(f"lattice: name = {shorten(self.name)}, expected a text")
        shape = None if self.shape is None else _lengths(f"{what}: shape", self.shape, n_sites)
        periods = _lengths(f"{what}: periods", self.periods, n_sites)
        if shape is not None and len(shape) != 2:
            raise InputError(f"{what}: shape = {shorten(self.shape)}, expected rows and columns")
        _check_translations(what, bonds, periods)
        values = {"n_sites": n_sites, "bonds": bonds, "shape": shape, "periods": periods}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _pair(self, bond: Bond, n_sites: int) -> Bond:
        """A bond in Python's own whole numbers."""
        what = f"lattice '{self.name}': bond"
        if not isinstance(bond, tuple | list) or len(bond) != 2:
            raise InputError(f"{what} {shorten(bond)}, expected a pair of sites")
        i, j = (check_int(f"{what} {shorten(bond)}", site, -MAX_LATTICE_SITES) for site in bond)
        if i == j or not (0 <= i < n_sites and 0 <= j < n_sites):
            raise InputError(f"{what} ({i}, {j}) does not join two of the sites 0 to {n_sites - 1}")
        return i, j

    @property
    def sites(self) -> range:
        """Site numbers, `range(n_sites)`."""
        return range(self.n_sites)


def _lengths(what: str, given: Any, n_sites: int) -> tuple[int, ...]:
    """Lengths of directions whose product is the number of sites; empty for none."""
    if not isinstance(given, tuple | list):
        raise InputError(f"{what} = {shorten(given)}, expected whole numbers")
    lengths = tuple(check_int(what, length, 1, MAX_LATTICE_SITES) for length in given)
    if lengths and math.prod(lengths) != n_sites:
        raise InputError(f"{what} = {lengths}, expected lengths whose product is the number of sites, {n_sites}")
    return lengths


def keeps_bonds(periods: tuple[int, ...], bonds: Iterable[Sequence[int]]) -> bool:
    """Whether translations along every direction leave a set of bonds as it is; sites are row-major."""
    sites, pairs = np.arange(math.prod(periods)).reshape(periods), {frozenset(bond) for bond in bonds}
    moves = [np.roll(sites, -1, axis).ravel().tolist() for axis in range(len(periods))]
    return all({frozenset(moved[site] for site in pair) for pair in pairs} == pairs for moved in moves)


def _check_translations(what: str, bonds: tuple[Bond, ...], periods: tuple[int, ...]) -> None:
    """Refuse directions along which the bonds are not the same everywhere."""
    if not keeps_bonds(periods, bonds):
        raise InputError(f"{what}: periods = {periods}, expected bonds that a translation along each keeps")


def _each_pair_once(pairs: list[Bond]) -> tuple[Bond, ...]:
    seen: dict[frozenset[int], Bond] = {}
    for i, j in pairs:
        if i != j:
            seen.setdefault(frozenset((i, j)), (i, j))
    return tuple(seen.values())


def ring(n: int) -> Lattice:
    """Periodic chain of n sites: bonds (0, 1), (1, 2), ..., (n - 1, 0), one for n = 2.

    The order of a bond's sites is the order of a two-site term's factors: antisymmetric terms go around the ring.
    """
    n = check_int("ring: sites", n, 1, MAX_LATTICE_SITES)
    return Lattice(n, _each_pair_once([(i, (i + 1) % n) for i in range(n)]), name=f"{n}-ring", periods=(n,))


def chain(n: int) -> Lattice:
    """Open chain of n sites: n - 1 bonds."""
    n = check_int("chain: sites", n, 1, MAX_LATTICE_SITES)
    return Lattice(n, tuple((i, i + 1) for i in range(n - 1)), name=f"{n}-chain")


def rectangle(rows: int, cols: int, periodic: bool = True) -> Lattice:
    """Rectangular lattice, row-major; every site bonds with its right and its lower neighbour.

    Args:
        rows: their number.
        cols: number of columns.
        periodic: wrap both directions; 3x3 periodic has 18 bonds, 2x2 has 4.
    """
    rows = check_int("rectangle: rows", rows, 1, MAX_LATTICE_SITES)
    cols = check_int("rectangle: columns", cols, 1, MAX_LATTICE_SITES)
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


def graph(bonds: Any, n_sites: int = 0, order: Sequence[Any] | None = None) -> Lattice:
    """Any graph: pairs of sites, or an undirected NetworkX graph.

    The nodes of a NetworkX graph are the sites themselves if they are 0 ... N-1, in whatever order they were added;
    other nodes become sites by their place in `order`. A bond of such a graph is (smaller site, larger site), so that
    the closing bond of a cycle graph is (0, N-1) where that of `ring` is (N-1, 0). Pairs are kept as they are given.

    Args:
        bonds: pairs (i, j), or an undirected NetworkX graph without parallel edges and self-loops.
        n_sites: number of sites, for those that have no bond; by default up to the last one that has.
        order: every node of a NetworkX graph once; node order[k] becomes site k.

    Raises:
        InputError: as `Lattice` does, or a graph of another kind.
    """
    n_sites = check_int("graph: n_sites", n_sites, 0, MAX_LATTICE_SITES)
    if callable(getattr(bonds, "edges", None)):
        return _of_networkx(bonds, n_sites, order)
    if order is not None:
        raise InputError("graph: order with pairs of sites: expected a NetworkX graph, pairs name the sites themselves")
    try:
        pairs = [tuple(pair) for pair in bonds]
    except TypeError:
        raise InputError(f"graph: expected pairs of sites or a NetworkX graph, got {shorten(bonds)}") from None
    sites = [_site(pair, site) for pair in pairs for site in pair]
    return Lattice(n_sites or max(sites, default=0) + 1, tuple(pairs))


def _site(bond: tuple[Any, ...], site: Any) -> int:
    return check_int(f"graph: bond {shorten(bond)}: site", site, -MAX_LATTICE_SITES)


def _of_networkx(given: Any, n_sites: int, order: Sequence[Any] | None) -> Lattice:
    """The lattice of an undirected simple graph."""
    if given.is_directed():
        raise InputError(
            "graph: a directed graph, expected an undirected one; pairs (i, j) keep the order of their sites"
        )
    edges = list(given.edges())
    site = _numbering(list(given.nodes()), n_sites, order)
    pairs = [(min(site[a], site[b]), max(site[a], site[b])) for a, b in edges]
    for pair in pairs:
        if pair[0] == pair[1]:
            raise InputError(f"graph: a self-loop at site {pair[0]}, expected edges between two sites")
        if pairs.count(pair) > 1:
            raise InputError(f"graph: sites {pair[0]} and {pair[1]} are joined twice, expected each edge once")
    return Lattice(max(n_sites, max(site.values(), default=0) + 1), tuple(pairs))


def _numbering(nodes: list[Any], n_sites: int, order: Sequence[Any] | None) -> dict[Any, int]:
    """Site of every node."""
    if order is not None:
        if len(order) != len(nodes) or set(order) != set(nodes):
            raise InputError(f"graph: order of {len(order)} nodes, expected each of the {len(nodes)} nodes once")
        numbering = {node: number for number, node in enumerate(order)}
    else:
        whole = all(isinstance(node, int | np.integer) and not isinstance(node, bool) for node in nodes)
        if not whole or not set(nodes) <= set(range(max(n_sites, len(nodes)))):
            raise InputError(
                f"graph: nodes {shorten(nodes)}, expected the sites 0 to {max(n_sites, len(nodes)) - 1} themselves, or "
                "order=[...] with every node once, the first of which becomes site 0"
            )
        numbering = {node: int(node) for node in nodes}
    if n_sites and n_sites <= max(numbering.values(), default=0):
        raise InputError(
            f"graph: n_sites = {n_sites}, expected at least {max(numbering.values()) + 1}, one for each node"
        )
    return numbering

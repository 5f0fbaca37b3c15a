"""Lattices: bonds counted by hand, and compared with networkx's grids."""

from __future__ import annotations

from collections.abc import Callable

import networkx
import pytest

from repro.physics.lattice import Lattice, chain, graph, rectangle, ring
from repro.utils.errors import InputError


def pairs(lattice: Lattice) -> set[frozenset[int]]:
    return {frozenset(bond) for bond in lattice.bonds}


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 4), (4, 1), (2, 2), (2, 3), (3, 2), (3, 3), (3, 4), (5, 4)])
def test_rectangle_is_the_grid_of_networkx(rows: int, cols: int, periodic: bool) -> None:
    lattice = rectangle(rows, cols, periodic)
    grid = networkx.grid_2d_graph(rows, cols, periodic=periodic)
    number = {(r, c): r * cols + c for r in range(rows) for c in range(cols)}
    assert pairs(lattice) == {frozenset((number[a], number[b])) for a, b in grid.edges if a != b}
    assert len(lattice.bonds) == len(pairs(lattice))
    assert lattice.shape == (rows, cols)
    assert list(lattice.sites) == list(range(rows * cols))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
def test_ring_and_chain_are_those_of_networkx(n: int) -> None:
    closed = {frozenset(edge) for edge in networkx.cycle_graph(n).edges if len(set(edge)) == 2}
    assert pairs(ring(n)) == closed
    assert pairs(chain(n)) == {frozenset(edge) for edge in networkx.path_graph(n).edges}


@pytest.mark.parametrize(
    ("lattice", "bonds"),
    [
        (rectangle(3, 3), 18),
        (rectangle(3, 3, periodic=False), 12),
        (rectangle(2, 2), 4),
        (rectangle(2, 3), 9),
        (ring(16), 16),
        (ring(2), 1),
        (ring(1), 0),
        (chain(5), 4),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_number_of_bonds(lattice: Lattice, bonds: int) -> None:
    assert len(lattice.bonds) == bonds


def test_every_site_bonds_with_its_right_and_lower_neighbour() -> None:
    bonds = set(rectangle(3, 4).bonds)
    for r in range(3):
        for c in range(4):
            assert (r * 4 + c, r * 4 + (c + 1) % 4) in bonds
            assert (r * 4 + c, (r + 1) % 3 * 4 + c) in bonds


def test_names() -> None:
    assert rectangle(3, 3).name == "3x3 periodic"
    assert rectangle(2, 3, periodic=False).name == "2x3 open"
    assert ring(10).name == "10-ring"
    assert ring(10).shape is None


SQUARE = ((0, 1), (1, 2), (2, 3), (3, 0))
"""A ring of four: one direction of length four, and no row-major 2x2."""


def test_directions_that_wrap_are_what_the_bonds_have() -> None:
    assert Lattice(4, SQUARE, periods=[4]).periods == (4,)
    diagonal = tuple((i, (i + d) % 9) for i in range(9) for d in (1, 4))
    assert Lattice(9, diagonal, periods=(9,)).periods == (9,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rectangle(0, 3), "rectangle: rows = 0"),
        (lambda: ring(0), "ring: sites = 0"),
        (lambda: chain(-1), "chain: sites = -1"),
        (lambda: Lattice(0, ()), "sites = 0"),
        (lambda: Lattice(2, ((0, 2),)), r"\(0, 2\)"),
        (lambda: Lattice(2, ((1, 1),)), r"\(1, 1\)"),
        (lambda: Lattice(2, ((0, 1), (1, 0))), "twice"),
        (lambda: Lattice(4, SQUARE, periods=(3, 5)), r"periods = \(3, 5\), expected lengths whose product is .* 4"),
        (lambda: Lattice(4, SQUARE, periods=(-1,)), "periods = -1: expected at least 1"),
        (lambda: Lattice(4, SQUARE, periods="ab"), "periods = 'ab', expected whole numbers"),
        (lambda: Lattice(4, SQUARE, periods=3), "periods = 3, expected whole numbers"),
        (lambda: Lattice(4, SQUARE[:3], periods=(4,)), "periods = .* a translation along each keeps"),
        (lambda: Lattice(4, SQUARE, shape=5), "shape = 5, expected whole numbers"),
        (lambda: Lattice(4, SQUARE, shape=(3, 2)), r"shape = \(3, 2\), expected lengths whose product"),
        (lambda: Lattice(4, SQUARE, shape=(4,)), r"shape = \(4,\), expected rows and columns"),
        (lambda: Lattice(4, SQUARE, name=None), "name = None, expected a text"),
    ],
)
def test_bad_lattices_are_refused_in_one_line(make, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def relabelled() -> networkx.Graph:
    """Sites 0 to 3 with the bonds (3, 2), (0, 1), (1, 2), added in this order."""
    return networkx.Graph([(3, 2), (0, 1), (1, 2)])


def test_integer_nodes_are_the_sites_themselves() -> None:
    assert pairs(graph(relabelled())) == {frozenset(pair) for pair in ((3, 2), (0, 1), (1, 2))}
    assert all(i < j for i, j in graph(relabelled()).bonds)
    lonely = networkx.Graph([(0, 1)])
    assert graph(lonely, n_sites=3).n_sites == 3


def test_other_nodes_become_sites_by_an_explicit_order() -> None:
    named = networkx.Graph([("b", "a"), ("c", "b")])
    assert pairs(graph(named, order=["c", "b", "a"])) == {frozenset((1, 2)), frozenset((0, 1))}
    grid = networkx.grid_2d_graph(2, 2)
    assert graph(grid, order=sorted(grid)).n_sites == 4


def test_the_closing_bond_of_a_ring_and_of_a_cycle_graph() -> None:
    assert ring(4).bonds[-1] == (3, 0)
    assert (0, 3) in graph(networkx.cycle_graph(4)).bonds


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: graph(networkx.Graph([("a", "b")])), r"nodes \['a', 'b'\], expected the sites 0 to 1"),
        (lambda: graph(networkx.Graph([(0, 5)])), "expected the sites 0 to 1"),
        (lambda: graph(networkx.Graph([(1, 2)])), "expected the sites 0 to 1"),
        (lambda: graph(networkx.Graph([(True, False)])), "expected the sites"),
        (lambda: graph(networkx.DiGraph([(0, 1)])), "a directed graph"),
        (lambda: graph(networkx.MultiGraph([(0, 1), (0, 1)])), "joined twice"),
        (lambda: graph(networkx.Graph([(0, 0), (0, 1)])), "a self-loop at site 0"),
        (lambda: graph(networkx.path_graph(3), n_sites=2), "n_sites = 2, expected at least 3"),
        (lambda: graph(networkx.path_graph(3), order=[0, 1]), "expected each of the 3 nodes once"),
        (lambda: graph(networkx.path_graph(3), order=[0, 1, 1]), "expected each of the 3 nodes once"),
        (lambda: graph([(0, 1)], order=[1, 0]), "expected a NetworkX graph"),
        (lambda: graph([(0, 3)], n_sites=2), "does not join two of the sites 0 to 1"),
        (lambda: graph([(0, 1), (1, 0)]), "listed twice"),
        (lambda: graph([(1, 1)]), "does not join two"),
        (lambda: graph("01"), "expected"),
    ],
)
def test_a_graph_that_would_lose_something_is_told(make: Callable[[], Lattice], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        make()
    assert "\n" not in str(error.value)

"""Lattices: bonds counted by hand, and compared with networkx's grids."""

from __future__ import annotations

import networkx
import pytest

from repro.physics.lattice import Lattice, chain, rectangle, ring
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
    ],
)
def test_bad_lattices_are_refused_in_one_line(make, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        make()
    assert "\n" not in str(error.value)

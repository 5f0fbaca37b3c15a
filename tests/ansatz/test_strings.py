"""Strings: the nine orders of Fig. 1 on 3x3, and what must hold on any lattice."""

from __future__ import annotations

from itertools import pairwise, product

import networkx as nx
import numpy as np
import pytest

from repro.ansatz.strings import MIXTURES, composed, factors, inverse_order, orders, visiting_order
from repro.physics.lattice import chain, rectangle, ring
from repro.utils.errors import InputError

# The definition (settings page): visiting order on 3x3, row-major site numbers.
DEFINITION = {
    0: "012345678",
    1: "012543678",
    2: "036741258",
    3: "258741036",
    4: "210345876",
    5: "876345210",
    6: "852147630",
    7: "630147852",
    8: "678543012",
}
SHAPES = [(1, 1), (1, 4), (4, 1), (2, 2), (2, 3), (3, 2), (3, 3), (3, 5), (4, 4)]


@pytest.mark.parametrize("k", range(9))
def test_strings_on_3x3_are_those_of_the_definition(k: int) -> None:
    assert "".join(map(str, visiting_order(k, 3, 3))) == DEFINITION[k]


@pytest.mark.parametrize(("k", "shape"), list(product(range(9), SHAPES)))
def test_a_string_visits_every_site_once(k: int, shape: tuple[int, int]) -> None:
    assert sorted(visiting_order(k, *shape)) == list(range(shape[0] * shape[1]))


@pytest.mark.parametrize(("k", "shape"), list(product(range(1, 9), SHAPES)))
def test_snakes_step_to_nearest_neighbours(k: int, shape: tuple[int, int]) -> None:
    neighbours = {frozenset(bond) for bond in rectangle(*shape, periodic=False).bonds}
    assert all(frozenset(step) in neighbours for step in pairwise(visiting_order(k, *shape)))


@pytest.mark.parametrize(
    ("k", "corner", "along_row"),
    [
        (1, "top left", True),
        (2, "top left", False),
        (3, "top right", False),
        (4, "top right", True),
        (5, "bottom right", True),
        (6, "bottom right", False),
        (7, "bottom left", False),
        (8, "bottom left", True),
    ],
)
def test_corner_and_first_direction(k: int, corner: str, along_row: bool) -> None:
    rows, cols = 3, 4
    first, second = visiting_order(k, rows, cols)[:2]
    r, c = divmod(first, cols)
    assert ("bottom" if r else "top") + " " + ("right" if c else "left") == corner
    assert r in (0, rows - 1)
    assert c in (0, cols - 1)
    assert (second // cols == r) == along_row


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_eight_strings_are_the_symmetry_images_of_string_1(size: int) -> None:
    sites = np.arange(size * size).reshape(size, size)
    order = np.array(visiting_order(1, size, size))
    turns = [np.rot90(grid, quarter) for grid in (sites, sites.T) for quarter in range(4)]
    images = {tuple(grid.ravel()[order].tolist()) for grid in turns}
    assert len(images) == 8
    assert images == {visiting_order(k, size, size) for k in range(1, 9)}


def test_string_0_reads_like_a_page() -> None:
    assert visiting_order(0, 2, 3) == tuple(range(6))


@pytest.mark.parametrize("k", range(9))
def test_inverse_order_undoes_the_order(k: int) -> None:
    order = visiting_order(k, 3, 4)
    inverse = inverse_order(order)
    assert [order[inverse[site]] for site in range(12)] == list(range(12))
    assert [inverse[order[position]] for position in range(12)] == list(range(12))


@pytest.mark.parametrize(
    ("mixture", "ks"), [("0s", [0]), ("1s", [1]), ("2s", [1, 2]), ("4s", range(1, 5)), ("8s", range(1, 9))]
)
def test_mixtures(mixture: str, ks) -> None:
    assert orders(mixture, rectangle(3, 3)) == tuple(visiting_order(k, 3, 3) for k in ks)


def test_a_ring_has_string_0_only() -> None:
    assert orders("0s", ring(5)) == (tuple(range(5)),)
    for mixture in set(MIXTURES) - {"0s"}:
        for lattice in (ring(5), chain(5)):
            with pytest.raises(InputError, match="rectangular"):
                orders(mixture, lattice)


@pytest.mark.parametrize(
    "make",
    [
        lambda: visiting_order(9, 3, 3),
        lambda: visiting_order(-1, 3, 3),
        lambda: visiting_order(1, 0, 3),
        lambda: visiting_order(0, 3, 0),
        lambda: orders("3s", rectangle(3, 3)),
    ],
)
def test_bad_strings_are_refused_in_one_line(make) -> None:
    with pytest.raises(InputError) as error:
        make()
    assert "\n" not in str(error.value)


UNIFORM = [
    ring(1),
    ring(2),
    ring(3),
    ring(8),
    ring(12),
    rectangle(2, 2),
    rectangle(2, 3),
    rectangle(3, 3),
    rectangle(3, 4),
]


@pytest.mark.parametrize("lattice", UNIFORM, ids=lambda lattice: lattice.name)
def test_symmetries_are_those_of_the_lattice(lattice) -> None:
    graph = nx.Graph(lattice.bonds)
    graph.add_nodes_from(lattice.sites)
    maps = nx.isomorphism.GraphMatcher(graph, graph).isomorphisms_iter()
    every = {tuple(found[site] for site in lattice.sites) for found in maps}
    symmetries, translations = orders("symmetries", lattice), orders("translations", lattice)
    assert len(set(symmetries)) == len(symmetries)
    assert symmetries[0] == tuple(lattice.sites)
    assert set(translations) <= set(symmetries) == every


@pytest.mark.parametrize("mixture", ["0s", "translations", "symmetries"])
@pytest.mark.parametrize("lattice", UNIFORM, ids=lambda lattice: lattice.name)
def test_symmetries_are_products_of_few(mixture: str, lattice) -> None:
    every = orders(mixture, lattice)
    few = factors(every)
    products = [tuple(lattice.sites)]
    for factor in few:
        products = [composed(first, second) for first in products for second in factor]
    assert sorted(products) == sorted(every)
    assert all(len(factor) in (2, 3) for factor in few)


def test_spread_translations_are_as_far_apart_as_can_be() -> None:
    starts = {lattice: [order[0] for order in orders("4t", lattice)] for lattice in (ring(12), ring(10), ring(3))}
    assert list(starts.values()) == [[0, 3, 6, 9], [0, 2, 5, 7], [0, 1, 2]]
    assert orders("2t", ring(6)) == ((0, 1, 2, 3, 4, 5), (3, 4, 5, 0, 1, 2))
    assert [order[0] for order in orders("4t", rectangle(4, 4))] == [0, 4, 8, 12]
    assert orders("2t", ring(1)) == ((0,),)
    with pytest.raises(InputError, match="'2t' on a 3-chain: expected a ring"):
        orders("2t", chain(3))


@pytest.mark.parametrize("mixture", ["1s", "2s", "8s"])
def test_other_mixtures_are_their_own_factor(mixture: str) -> None:
    every = orders(mixture, rectangle(3, 3))
    assert factors(every) == (every,)


def test_an_order_given_twice_counts_twice() -> None:
    every = ((0, 1), (0, 1), (1, 0))
    assert factors(every) == (every,)

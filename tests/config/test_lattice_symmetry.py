"""Permutations of sites that leave a system as it is, beside every permutation tried on the whole matrix of L."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pytest

from repro.config.lattice_symmetry import site_symmetries
from repro.config.point import point_of
from repro.physics.lattice import Lattice, chain, rectangle, ring
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z, LindbladModel, heisenberg
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import Povm, tetrahedral
from repro.utils.errors import InputError
from tests.helpers.oracles import dense_generator, qutip_generator

DM = np.array([[0, 0, 0, 0], [0, 0, 2j, 0], [0, -2j, 0, 0], [0, 0, 0, 0]])
"""X Y - Y X: changes its sign where its two sites are exchanged."""


@dataclass(frozen=True)
class Given:
    """A system that is what it is told."""

    lattice: Lattice
    name: str = "heisenberg"

    def build_lattice(self) -> Lattice:
        return self.lattice

    def build_povm(self) -> Povm:
        return tetrahedral()

    def model(self) -> LindbladModel:
        decays = [(k, SIGMA_MINUS, 1.0) for k in self.lattice.sites]
        if self.name == "twisted":
            return LindbladModel(self.lattice, two_site=[(bond, 0.4 * DM) for bond in self.lattice.bonds], jumps=decays)
        if self.name == "a field on site 1":
            pairs = [(bond, np.kron(SIGMA_X, SIGMA_X)) for bond in self.lattice.bonds]
            return LindbladModel(self.lattice, [(1, SIGMA_Z)], pairs, decays)
        return heisenberg(self.lattice, (0.9, 1.8, 1.0), 0.3)

    def build_liouvillian(self) -> LocalLiouvillian:
        return LocalLiouvillian(self.model(), tetrahedral())

    def start_bias(self) -> np.ndarray:
        bias = np.full((self.lattice.n_sites, 4), -np.log(4))
        if self.name == "another start on site 0":
            bias[0] = np.log([0.1, 0.2, 0.3, 0.4])
        return bias


SQUARE_AND_ONE = Lattice(4, ((3, 0), (0, 1), (1, 3), (1, 2)), name="a graph")
CASES = {
    "ring": (Given(ring(4)), 8),
    "plaquette": (Given(rectangle(2, 2)), 8),
    "open square": (Given(rectangle(2, 2, periodic=False)), 8),
    "chain": (Given(chain(4)), 2),
    "a ring that turns": (Given(ring(4), "twisted"), 4),
    "a plaquette with a field": (Given(rectangle(2, 2), "a field on site 1"), 2),
    "a ring with another start": (Given(ring(4), "another start on site 0"), 2),
    "a graph": (Given(SQUARE_AND_ONE), 2),
    "three that all meet": (Given(ring(3)), 6),
}


def moved(p: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """Numbers of a[g] of every configuration a."""
    n = len(order)
    a = np.array(np.unravel_index(np.arange(4**n), (4,) * n)).T
    return np.ravel_multi_index(tuple(a[:, list(order)].T), (4,) * n)


@pytest.mark.parametrize("name", CASES)
def test_they_are_those_of_the_whole_matrix(name: str) -> None:
    system, expected = CASES[name]
    L = qutip_generator(system.model(), system.build_povm()).real
    np.testing.assert_allclose(L, dense_generator(system.build_liouvillian()), atol=1e-10)
    bias = system.start_bias()
    every = []
    for order in permutations(range(system.lattice.n_sites)):
        at = moved(L, order)
        if np.allclose(L[np.ix_(at, at)], L, atol=1e-9) and np.allclose(bias[list(order)], bias):
            every.append(order)
    assert site_symmetries(system, True) == tuple(sorted(every)) and len(every) == expected
    assert site_symmetries(system, True)[0] == tuple(range(system.lattice.n_sites))


def test_a_search_does_not_ask_for_a_symmetric_start() -> None:
    assert len(site_symmetries(Given(ring(4), "another start on site 0"), False)) == 8


def test_what_has_no_symmetry_is_refused() -> None:
    with pytest.raises(
        InputError, match="lattice_images: the model and its initial state have no symmetry on the 4-chain"
    ):
        site_symmetries(Given(chain(4), "another start on site 0"), True)


def test_a_star_has_too_many_to_list() -> None:
    star = Lattice(9, tuple((0, k) for k in range(1, 9)), name="star")
    with pytest.raises(InputError, match="lattice_images: the star has more than 4096 symmetries"):
        site_symmetries(Given(star), True)


def test_points_ask_for_images_where_there_are_some() -> None:
    drawn = {"method": "tdvp", "lattice_images": 3, "n_samples": 50}
    assert point_of(**drawn, rows=2, cols=3).label == "tdvp-1x32-0s-Jy1.8-3images"
    assert point_of(**drawn, lattice="chain", n_sites=4).method.draws_images
    with pytest.raises(InputError, match="lattice_images = 1: expected 0, or at least 2"):
        point_of(**{**drawn, "lattice_images": 1})
    with pytest.raises(InputError, match=r"lattice_images = 3: expected draws \(estimator sampled, or n_samples\)"):
        point_of(method="tdvp", lattice_images=3)

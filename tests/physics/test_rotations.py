"""Rotations by pi: outcomes go where the elements' directions go, and L is symmetric where its whole matrix is."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from repro.physics.imaginary_time import ImaginaryTime
from repro.physics.lattice import Lattice, chain, ring
from repro.physics.lindblad import IDENTITY, PAULIS, SIGMA_MINUS, SIGMA_X, SIGMA_Y, SIGMA_Z, LindbladModel, heisenberg
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import Povm, pauli4, tetrahedral, tetrahedral_cubic
from repro.physics.rotations import asymmetric_sites, outcome_permutation
from repro.utils.errors import InputError
from tests.helpers.custom_povm import TILTED
from tests.helpers.oracles import dense_generator, qutip_generator
from tests.helpers.systems import random_model

TURNS = {"x": np.diag([1, -1, -1]), "y": np.diag([-1, 1, -1]), "z": np.diag([-1, -1, 1])}
AXES = pytest.mark.parametrize("axis", TURNS)
CUBIC = tetrahedral_cubic()


def directions(povm: Povm) -> np.ndarray:
    return np.einsum("aij,wji->aw", povm.frame, np.stack(list(PAULIS.values()))).real


@AXES
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1)])
def test_outcomes_go_where_their_directions_go(axis: str, order: tuple[int, ...]) -> None:
    povm = Povm(CUBIC.frame[list(order)])
    permutation = outcome_permutation(povm, axis)
    assert sorted(permutation) == [0, 1, 2, 3] and all(permutation[a] != a for a in range(4))
    np.testing.assert_allclose(directions(povm)[list(permutation)], directions(povm) @ TURNS[axis].T, atol=1e-14)


def test_the_cubic_tetrahedron_is_one_and_about_z_exchanges_the_outer_and_the_inner_two() -> None:
    v = 2 * directions(CUBIC)
    np.testing.assert_allclose(v @ v.T, np.where(np.eye(4), 1, -1 / 3), atol=1e-14)
    np.testing.assert_allclose(np.abs(v), 1 / np.sqrt(3), atol=1e-14)
    assert outcome_permutation(CUBIC, "z") == (3, 2, 1, 0)


@AXES
@pytest.mark.parametrize("povm", [tetrahedral(), pauli4(), Povm(TILTED)], ids=["tetrahedral", "pauli4", "own"])
def test_other_outcomes_are_not_permuted(povm: Povm, axis: str) -> None:
    with pytest.raises(InputError, match=f"rotation by pi about {axis} does not permute.*expected one.*cubic"):
        outcome_permutation(povm, axis)


def test_an_unknown_axis_is_refused() -> None:
    with pytest.raises(InputError, match="unknown axis 'w'"):
        outcome_permutation(CUBIC, "w")


def turned(model: LindbladModel, axis: str) -> LindbladModel:
    """The model with every spin rotated."""
    pauli = PAULIS[axis]

    def turn(operator: np.ndarray) -> np.ndarray:
        R = pauli if len(operator) == 2 else np.kron(pauli, pauli)
        return R @ operator @ R.conj().T

    return LindbladModel(
        model.lattice,
        [(term.sites[0], turn(term.operator)) for term in model.hamiltonian_terms if len(term.sites) == 1],
        [(term.sites, turn(term.operator)) for term in model.hamiltonian_terms if len(term.sites) == 2],
        [(jump.sites, turn(jump.operator), jump.rate) for jump in model.jumps],
    )


def sum_of(*models: LindbladModel) -> LindbladModel:
    terms = [term for model in models for term in model.hamiltonian_terms]
    return LindbladModel(
        models[0].lattice,
        [(term.sites[0], term.operator) for term in terms if len(term.sites) == 1],
        [(term.sites, term.operator) for term in terms if len(term.sites) == 2],
        [(jump.sites, jump.operator, jump.rate) for model in models for jump in model.jumps],
    )


def symmetric_by_the_whole_matrix(model: LindbladModel, axis: str) -> bool:
    """QuTiP's generator of the model, and of the rotated one, are the same."""
    difference = qutip_generator(turned(model, axis), CUBIC) - qutip_generator(model, CUBIC)
    return bool(np.abs(difference).max() < 1e-9)


def pair_terms(operator: np.ndarray, lattice: Lattice | None = None) -> LindbladModel:
    lattice = lattice or chain(3)
    return LindbladModel(lattice, two_site=[(bond, operator) for bond in lattice.bonds])


XY_YX = np.kron(SIGMA_X, SIGMA_Y) - np.kron(SIGMA_Y, SIGMA_X)
MODELS: dict[str, LindbladModel] = {
    "XYZ, decay": heisenberg(chain(3), (0.9, 1.8, 1.0), B=0.4),
    "XYZ, no decay": heisenberg(chain(3), (0.9, 1.8, 1.0), gamma=0.0),
    "field along x": LindbladModel(chain(2), one_site=[(1, 1e-6 * SIGMA_X), (0, SIGMA_Z)]),
    "Dzyaloshinskii-Moriya along z": pair_terms(XY_YX),
    "XZ": pair_terms(np.kron(SIGMA_X, SIGMA_Z)),
    "field along x, taken back by pairs": sum_of(
        LindbladModel(chain(3), one_site=[(1, 2 * SIGMA_X)]),
        LindbladModel(
            chain(3), two_site=[((0, 1), -np.kron(IDENTITY, SIGMA_X)), ((1, 2), -np.kron(SIGMA_X, IDENTITY))]
        ),
    ),
    "half of it taken back": sum_of(
        LindbladModel(chain(3), one_site=[(1, 2 * SIGMA_X)]),
        LindbladModel(chain(3), two_site=[((0, 1), -np.kron(IDENTITY, SIGMA_X))]),
    ),
    "jump that breaks it": LindbladModel(chain(2), jumps=[(0, SIGMA_MINUS + 0.1 * IDENTITY, 1.0)]),
    "pairs of jumps that are exchanged": LindbladModel(
        chain(2), jumps=[(0, SIGMA_Z + 0.3 * sign * SIGMA_X, 0.7) for sign in (1, -1)]
    ),
    "two-site jump": LindbladModel(chain(2), jumps=[((1, 0), np.kron(SIGMA_MINUS, SIGMA_X), 0.5)]),
    "nothing": LindbladModel(chain(2)),
}
SYMMETRIC = {
    "z": {*MODELS} - {"field along x", "XZ", "half of it taken back", "jump that breaks it"},
    "x": {"XYZ, no decay", "field along x, taken back by pairs", "half of it taken back", "nothing"}
    | {"pairs of jumps that are exchanged"},
}


@AXES
@pytest.mark.parametrize("name", MODELS)
def test_what_is_symmetric_is_what_the_whole_matrix_says(name: str, axis: str) -> None:
    model = MODELS[name]
    sites = asymmetric_sites(LocalLiouvillian(model, CUBIC).terms, outcome_permutation(CUBIC, axis))
    assert (not sites) == symmetric_by_the_whole_matrix(model, axis)
    if axis in SYMMETRIC:
        assert (not sites) == (name in SYMMETRIC[axis])


@AXES
@pytest.mark.parametrize("seed", range(4))
def test_a_model_and_its_image_together_are_symmetric(seed: int, axis: str) -> None:
    lattice = (ring(1), ring(2), chain(3), Lattice(3, ((2, 0), (1, 2)), name="a graph"))[seed]
    model, permutation = random_model(seed, lattice), outcome_permutation(CUBIC, axis)
    whole = sum_of(model, turned(model, axis))
    assert not asymmetric_sites(LocalLiouvillian(whole, CUBIC).terms, permutation)
    assert asymmetric_sites(LocalLiouvillian(model, CUBIC).terms, permutation)
    L = dense_generator(LocalLiouvillian(whole, CUBIC))
    moved = [
        int(np.ravel_multi_index([permutation[k] for k in a], (4,) * lattice.n_sites))
        for a in product(range(4), repeat=lattice.n_sites)
    ]
    np.testing.assert_allclose(L[np.ix_(moved, moved)], L, atol=1e-10)


@pytest.mark.parametrize(("operator", "sites"), [(SIGMA_X, (1,)), (SIGMA_Z, ())], ids=["X", "Z"])
def test_imaginary_time_is_checked_by_its_own_generator(operator: np.ndarray, sites: Any) -> None:
    model = LindbladModel(chain(2), one_site=[(1, operator)], two_site=[((0, 1), np.kron(SIGMA_X, SIGMA_X))])
    assert asymmetric_sites(ImaginaryTime(model, CUBIC).terms, outcome_permutation(CUBIC, "z")) == sites

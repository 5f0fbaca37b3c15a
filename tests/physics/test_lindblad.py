"""Lindblad models: the paper's Hamiltonians rebuilt on the whole space, and refused input."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest

from repro.physics.lattice import Lattice, chain, rectangle, ring
from repro.physics.lindblad import IDENTITY, PAULIS, SIGMA_MINUS, SIGMA_X, SIGMA_Z, LindbladModel, heisenberg, tfim
from repro.utils.errors import InputError


def on_site(operator: np.ndarray, site: int, n_sites: int) -> np.ndarray:
    return reduce(np.kron, [operator if k == site else IDENTITY for k in range(n_sites)])


def hamiltonian(model: LindbladModel) -> np.ndarray:
    """Sum of the terms on the whole space, each written as sum_mn c_mn sigma_m sigma_n."""
    n_sites = model.lattice.n_sites
    basis = [IDENTITY, *PAULIS.values()]
    total = np.zeros((2**n_sites, 2**n_sites), dtype=complex)
    for term in model.hamiltonian_terms:
        if len(term.sites) == 1:
            for m in basis:
                total += np.trace(m @ term.operator) / 2 * on_site(m, term.sites[0], n_sites)
            continue
        i, j = term.sites
        for m in basis:
            for n in basis:
                coefficient = np.trace(np.kron(m, n) @ term.operator) / 4
                total += coefficient * on_site(m, i, n_sites) @ on_site(n, j, n_sites)
    return total


LATTICES = [rectangle(2, 2), ring(4), chain(3), ring(2)]


@pytest.mark.parametrize("lattice", LATTICES, ids=lambda lattice: lattice.name)
def test_heisenberg_hamiltonian(lattice: Lattice) -> None:
    n, J, B = lattice.n_sites, (0.9, 1.8, -0.4), 0.7
    expected = sum(
        Jw * on_site(pauli, i, n) @ on_site(pauli, j, n)
        for i, j in lattice.bonds
        for Jw, pauli in zip(J, PAULIS.values(), strict=True)
    ) + sum(B * on_site(SIGMA_Z, k, n) for k in lattice.sites)
    np.testing.assert_allclose(hamiltonian(heisenberg(lattice, J, B)), expected, atol=1e-13)


@pytest.mark.parametrize("lattice", LATTICES, ids=lambda lattice: lattice.name)
def test_tfim_hamiltonian(lattice: Lattice) -> None:
    n, V, g = lattice.n_sites, 2.0, 1.3
    expected = sum(V / 4 * on_site(SIGMA_Z, i, n) @ on_site(SIGMA_Z, j, n) for i, j in lattice.bonds) + sum(
        g / 2 * on_site(SIGMA_X, k, n) for k in lattice.sites
    )
    np.testing.assert_allclose(hamiltonian(tfim(lattice, V, g)), expected, atol=1e-13)


@pytest.mark.parametrize("model", [tfim(ring(3), 1, 1, gamma=0.4), heisenberg(ring(3), (1, 1, 1), gamma=0.4)])
def test_every_site_decays(model: LindbladModel) -> None:
    assert [jump.sites for jump in model.jumps] == [(0,), (1,), (2,)]
    assert all(jump.rate == 0.4 and np.array_equal(jump.operator, SIGMA_MINUS) for jump in model.jumps)


def test_the_jump_lowers_up_to_down() -> None:
    up, down = np.eye(2)
    assert np.array_equal(SIGMA_MINUS @ up, down)
    assert not (SIGMA_MINUS @ down).any()
    assert up @ SIGMA_Z @ up == 1


def test_paulis_follow_their_algebra() -> None:
    x, y, z = PAULIS.values()
    np.testing.assert_allclose(x @ y, 1j * z)
    np.testing.assert_allclose(y @ z, 1j * x)


@pytest.mark.parametrize("sites", [1, (1,), [1], np.int64(1)])
def test_a_jump_on_one_site_may_be_named_in_any_way(sites) -> None:
    assert LindbladModel(ring(2), jumps=[(sites, SIGMA_MINUS, 1)]).jumps[0].sites == (1,)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"one_site": [(2, SIGMA_Z)]}, "sites 0 to 1"),
        ({"one_site": [(-1, SIGMA_Z)]}, "sites 0 to 1"),
        ({"one_site": [(0, SIGMA_MINUS)]}, "not Hermitian"),
        ({"one_site": [(0, np.eye(4))]}, "shape"),
        ({"two_site": [((0, 1), SIGMA_Z)]}, "shape"),
        ({"two_site": [((0, 0), np.eye(4))]}, "different sites"),
        ({"two_site": [((0, 1), np.kron(SIGMA_MINUS, SIGMA_Z))]}, "not Hermitian"),
        ({"one_site": [(0, np.nan * SIGMA_Z)]}, "not finite"),
        ({"jumps": [(0, SIGMA_MINUS, -1.0)]}, "rate -1.0"),
        ({"jumps": [(0, SIGMA_MINUS, np.nan)]}, "rate = nan"),
        ({"jumps": [((0, 1), SIGMA_MINUS, 1.0)]}, "shape"),
        ({"jumps": [(5, SIGMA_MINUS, 1.0)]}, "sites 0 to 1"),
    ],
)
def test_bad_terms_are_refused_in_one_line(terms, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        LindbladModel(ring(2), **terms)
    assert "\n" not in str(error.value)

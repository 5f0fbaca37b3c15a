"""Matrix products of the comparison of tools: the snake against dense routes, the infinite chain in closed form."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import qutip

from benchmarks.crossing.products import EXCHANGE, apply_far, infinite_chain, snake, snake_order
from benchmarks.crossing.tensor_jumps import pauli_terms
from repro.physics.lattice import rectangle, ring
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, LindbladModel, heisenberg, tfim
from repro.references.matrix_product import MatrixProduct
from repro.references.qutip_solvers import qutip_operators

LETTERS = {"I": qutip.qeye(2), "X": qutip.sigmax(), "Y": qutip.sigmay(), "Z": qutip.sigmaz()}


def test_the_snake_turns_at_every_row() -> None:
    assert snake_order(3, 3) == [0, 1, 2, 5, 4, 3, 6, 7, 8]
    assert sorted(snake_order(4, 5)) == list(range(20))


def _coefficients(state: MatrixProduct) -> np.ndarray:
    """All of them, (4,) * N."""
    whole = state.B[0]
    for B in state.B[1:]:
        whole = np.tensordot(whole, B, axes=(-1, 0))
    return whole[0, ..., 0] * np.exp(state.log_norm)


@pytest.mark.parametrize("bond", [(0, 3), (3, 0), (1, 2), (2, 0)])
def test_a_map_of_distant_places_is_the_dense_one(bond: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    vectors = [np.concatenate([[1.0], rng.uniform(-0.5, 0.5, 3)]) for _ in range(4)]
    gate = rng.standard_normal((4, 4, 4, 4))
    state = MatrixProduct(vectors, bond_dimension=64)
    apply_far(state, gate, bond)
    dense = np.einsum("a,b,c,d->abcd", *vectors)
    expected = np.moveaxis(np.tensordot(gate, dense, axes=((2, 3), bond)), (0, 1), bond)
    assert _coefficients(state) == pytest.approx(expected, abs=1e-10)


def test_an_exchange_exchanges() -> None:
    a, b = np.arange(4.0), np.arange(4.0, 8.0)
    assert np.einsum("abcd,c,d->ab", EXCHANGE, a, b) == pytest.approx(np.outer(b, a))


def test_the_snake_comes_to_rest_where_qutip_does() -> None:
    model = heisenberg(rectangle(2, 3), (0.9, 1.0, 1.0))
    found = snake(model, dt=0.1, most=120.0, say=lambda text: None)
    hamiltonian, jumps = qutip_operators(model)
    rho = qutip.steadystate(hamiltonian, jumps)
    z = sum(qutip.expand_operator(qutip.sigmaz(), [2] * 6, k) for k in range(6)) / 6
    assert found.kind == "run"
    assert found.means["sigma_z"] == pytest.approx(qutip.expect(z, rho), abs=0.005)


def test_a_snake_without_time_is_given_up() -> None:
    found = snake(heisenberg(rectangle(2, 3), (0.9, 1.8, 1.0)), dt=0.1, most=0.0, say=lambda text: None)
    assert found.kind == "missed" and not found.means


def test_independent_spins_of_the_infinite_chain_in_closed_form() -> None:
    g = 1.3
    found = infinite_chain(tfim(ring(12), V=0.0, g=g), bond_dimension=4, dt=0.05)
    # Bloch equations of H = g/2 X with decay at rate 1: s = (0, g, -1/2) / (g^2 + 1/2)
    assert found.means["sigma_z"] == pytest.approx(-0.5 / (g**2 + 0.5), abs=2e-3)
    assert found.means["sigma_y"] == pytest.approx(g / (g**2 + 0.5), abs=2e-3)
    assert found.means["sigma_x"] == pytest.approx(0.0, abs=1e-9)


def test_pauli_strings_add_up_to_the_hamiltonian() -> None:
    rng = np.random.default_rng(5)
    matrix = rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4))
    lattice = ring(4)
    two_site = [(bond, matrix + matrix.conj().T) for bond in itertools.chain(lattice.bonds, [(2, 0)])]
    model = LindbladModel(lattice, [(1, 0.3 * SIGMA_X)], two_site, [(0, SIGMA_MINUS, 1.0)])
    total = 0 * qutip.qeye([2] * 4)
    for name, weight in pauli_terms(model).items():
        factors = ["I"] * 4
        for letter, site in (part for part in name.split()):
            factors[int(site)] = letter
        total += weight * qutip.tensor([LETTERS[letter] for letter in factors])
    exact, _ = qutip_operators(model)
    difference = (total - exact).full()
    assert difference == pytest.approx(difference[0, 0] * np.eye(16), abs=1e-12)


def test_tensor_jumps_find_independent_spins() -> None:
    pytest.importorskip("mqt.yaqs")
    from benchmarks.crossing.tensor_jumps import tensor_jumps

    found = tensor_jumps(tfim(ring(3), V=0.0, g=1.0), bond_dimension=2, dt=0.2, most=5.0, say=lambda text: None)
    assert found.means["sigma_z"] == pytest.approx(-1 / 3, abs=4 * found.error + 0.01)
    assert found.means["sigma_y"] == pytest.approx(2 / 3, abs=4 * found.error + 0.01)

"""POVMs: the paper's frames by their geometry, duality, product states and observables."""

from __future__ import annotations

import numpy as np
import pytest

from repro.physics.lindblad import IDENTITY, PAULIS, SIGMA_Z
from repro.physics.povm import BLOCH_DIRECTIONS, POVMS, PROBABILITY_FLOOR, Povm, pauli4, tetrahedral
from repro.utils.errors import InputError

PAULI_STACK = np.stack(list(PAULIS.values()))
BOTH = pytest.mark.parametrize("povm", [make() for make in POVMS.values()], ids=list(POVMS))


def random_density(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2))
    rho = root @ root.conj().T
    return rho / np.trace(rho)


@BOTH
def test_frame_is_a_povm(povm: Povm) -> None:
    np.testing.assert_allclose(povm.frame.sum(0), np.eye(2), atol=1e-14)
    assert np.linalg.eigvalsh(povm.frame).min() > -1e-14


@BOTH
def test_dual_frame_is_biorthogonal(povm: Povm) -> None:
    pairing = np.einsum("aij,bji->ab", povm.frame, povm.dual_frame)
    np.testing.assert_allclose(pairing, np.eye(4), atol=1e-13)
    np.testing.assert_allclose(np.trace(povm.dual_frame, axis1=1, axis2=2), np.ones(4), atol=1e-13)


@BOTH
@pytest.mark.parametrize("seed", range(5))
def test_states_and_observables_survive_the_round_trip(povm: Povm, seed: int) -> None:
    rho = random_density(seed)
    p = np.einsum("ij,aji->a", rho, povm.frame).real
    np.testing.assert_allclose(np.einsum("b,bij->ij", p, povm.dual_frame), rho, atol=1e-13)
    for pauli in PAULIS.values():
        assert p @ povm.observable(pauli) == pytest.approx(np.trace(rho @ pauli).real, abs=1e-13)


def test_tetrahedral_elements_point_to_a_tetrahedron() -> None:
    povm = tetrahedral()
    directions = 2 * np.einsum("aij,wji->aw", povm.frame, PAULI_STACK).real
    np.testing.assert_allclose(directions @ directions.T, np.where(np.eye(4), 1, -1 / 3), atol=1e-14)
    np.testing.assert_allclose(directions.sum(0), 0, atol=1e-14)
    np.testing.assert_allclose(np.trace(povm.frame, axis1=1, axis2=2), np.full(4, 0.5), atol=1e-14)
    # Eqs. S9-S12: the first along z, the second in the x-z plane towards x, the third towards +y, the fourth -y.
    np.testing.assert_allclose(directions[0], [0, 0, 1], atol=1e-14)
    assert directions[1, 0] > 0
    assert directions[1, 1] == pytest.approx(0, abs=1e-14)
    assert directions[2, 1] > 0 > directions[3, 1]


def test_pauli4_elements_are_thirds_of_projectors() -> None:
    povm = pauli4()
    for element, pauli in zip(povm.frame, (PAULIS["z"], PAULIS["x"], PAULIS["y"]), strict=False):
        vector = np.linalg.eigh(pauli)[1][:, 1]
        np.testing.assert_allclose(element, np.outer(vector, vector.conj()) / 3, atol=1e-14)
    np.testing.assert_allclose(povm.frame[3], np.eye(2) - povm.frame[:3].sum(0), atol=1e-14)


@BOTH
@pytest.mark.parametrize(
    ("state", "pauli", "sign"),
    [("up", "z", 1), ("down", "z", -1), ("plus", "x", 1), ("minus", "x", -1), ("right", "y", 1), ("left", "y", -1)],
)
def test_product_states_point_along_their_names(povm: Povm, state: str, pauli: str, sign: int) -> None:
    p = povm.product_state(state)
    assert p.sum() == pytest.approx(1)
    assert p.min() >= -1e-15
    for name, operator in PAULIS.items():
        assert p @ povm.observable(operator) == pytest.approx(sign if name == pauli else 0, abs=1e-13)


@BOTH
@pytest.mark.parametrize("state", BLOCH_DIRECTIONS)
def test_start_bias_is_finite_and_close(povm: Povm, state: str) -> None:
    weights = np.exp(povm.product_state_bias(state))
    assert weights.min() >= PROBABILITY_FLOOR * (1 - 1e-12)
    p = weights / weights.sum()
    for operator in PAULIS.values():
        coefficients = povm.observable(operator)
        assert p @ coefficients == pytest.approx(povm.product_state(state) @ coefficients, abs=2e-5)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.stack([IDENTITY / 2] * 2), "shape"),
        (np.stack([IDENTITY / 4] * 4), "informationally complete"),
        (np.stack([IDENTITY / 4] * 3 + [IDENTITY / 2]), "sum to the identity"),
        (np.stack([np.diag([1.5, 0]), np.diag([-0.5, 0]), np.diag([0, 0.5]), np.diag([0, 0.5])]), "positive"),
        (np.stack([np.array([[0.25, 0.1], [0, 0.25]])] * 4), "Hermitian"),
    ],
)
def test_bad_frames_are_refused_in_one_line(frame: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        Povm(frame)
    assert "\n" not in str(error.value)


def flat(scale: float) -> np.ndarray:
    """The tetrahedron's elements with their z components scaled."""
    frame = tetrahedral().frame
    weights = np.einsum("kij,ji->k", frame, SIGMA_Z).real / 2
    return frame + np.multiply.outer((scale - 1) * weights, SIGMA_Z)


def test_frames_whose_states_single_precision_does_not_hold_are_refused() -> None:
    """From scale 0.1 on the product of four <Z> is off by less than 1e-4, at 0.03 it was 0.93 for 1."""
    assert np.linalg.cond(Povm(flat(0.1)).overlap) == pytest.approx(300, rel=0.05)
    with pytest.raises(InputError, match=r"condition number 3\.33e\+03, expected at most 1000"):
        Povm(flat(0.03))


def test_unknown_state_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'right'"):
        tetrahedral().product_state("rihgt")

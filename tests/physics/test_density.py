"""The density matrix of a distribution and its smallest eigenvalue, against QuTiP's states and closed forms."""

from __future__ import annotations

import math
from functools import reduce
from itertools import product

import numpy as np
import pytest
import qutip
import torch

from repro.physics.density import density_matrix, smallest_eigenvalue
from repro.physics.povm import POVMS, Povm, tetrahedral
from repro.utils.errors import InputError
from tests.helpers.oracles import probabilities

POVM = pytest.mark.parametrize("povm", [make() for make in POVMS.values()], ids=list(POVMS))
N_SITES = pytest.mark.parametrize("n_sites", [1, 2, 3, 4])


def outcome_string(outcomes: tuple[int, ...]) -> torch.Tensor:
    """The distribution that has one configuration alone."""
    p = torch.zeros((4,) * len(outcomes), dtype=torch.float64)
    p[outcomes] = 1.0
    return p


def one_spin_eigenvalues(povm: Povm) -> list[np.ndarray]:
    """Eigenvalues of each N^(b), from the frame's Bloch vectors alone: no dual frame of the code under test.

    With M_a = (w_a + v_a . sigma) / 2 an operator n_0 + n . sigma has Tr(M_a N) = w_a n_0 + v_a . n; N^(b) is the one
    that gives delta_ab, and its eigenvalues are n_0 -+ |n|.
    """
    paulis = [qutip.qeye(2), qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()]
    weights = np.array([[(qutip.Qobj(m) * pauli).tr().real for pauli in paulis] for m in povm.frame])
    inverse = np.linalg.inv(weights)
    length = np.linalg.norm(inverse[1:], axis=0)
    return [np.array([inverse[0, b] - length[b], inverse[0, b] + length[b]]) for b in range(4)]


@POVM
@N_SITES
def test_random_states_come_back_whole(povm: Povm, n_sites: int) -> None:
    for rank in (None, 1):
        rho = qutip.rand_dm([2] * n_sites, rank=rank, seed=10 + n_sites)
        p = probabilities(rho, povm)
        np.testing.assert_allclose(density_matrix(p, povm).numpy(), rho.full(), atol=1e-12)
        assert smallest_eigenvalue(p, povm) == pytest.approx(rho.eigenenergies()[0], abs=1e-12)


@POVM
@pytest.mark.parametrize("state", [qutip.bell_state("01"), qutip.ghz_state(3), qutip.w_state(4)])
def test_a_pure_entangled_state_has_eigenvalue_zero(povm: Povm, state: qutip.Qobj) -> None:
    assert smallest_eigenvalue(probabilities(state.proj(), povm), povm) == pytest.approx(0.0, abs=1e-12)


@POVM
@N_SITES
def test_the_maximally_mixed_state_has_them_all_equal(povm: Povm, n_sites: int) -> None:
    one = torch.from_numpy(np.trace(povm.frame, axis1=1, axis2=2).real / 2)
    p = reduce(lambda left, right: left[..., None] * right, [one] * n_sites)
    assert smallest_eigenvalue(p, povm) == pytest.approx(2.0**-n_sites, rel=1e-12)


@POVM
@N_SITES
def test_one_configuration_alone_is_no_state(povm: Povm, n_sites: int) -> None:
    of_one = one_spin_eigenvalues(povm)
    for outcomes in ((0, 1, 2, 3)[:n_sites], (3, 3, 1, 0)[:n_sites], (2,) * n_sites):
        products = [np.prod(each) for each in product(*(of_one[b] for b in outcomes))]
        found = smallest_eigenvalue(outcome_string(outcomes), povm)
        assert found == pytest.approx(min(products), rel=1e-12) and found < -0.1


def test_the_tetrahedrons_is_known_in_numbers() -> None:
    """N^(b) = (1 + 3 v_b . sigma) / 2: eigenvalues 2 and -1, and <sigma_z> = 3 where all outcomes are the first."""
    assert smallest_eigenvalue(outcome_string((0, 0, 0)), tetrahedral()) == pytest.approx(-4.0)
    assert smallest_eigenvalue(outcome_string((0, 2)), tetrahedral()) == pytest.approx(-2.0)
    rho = qutip.Qobj(density_matrix(outcome_string((0,)), tetrahedral()).numpy())
    assert (rho * qutip.sigmaz()).tr() == pytest.approx(3.0)


@POVM
def test_sites_stay_in_their_places(povm: Povm) -> None:
    parts = [qutip.rand_dm(2, seed=seed) for seed in range(3)]
    p = probabilities(qutip.tensor(parts), povm).float()
    np.testing.assert_allclose(density_matrix(p, povm).numpy(), qutip.tensor(parts).full(), atol=1e-6)


def test_a_distribution_that_is_not_finite_has_none() -> None:
    p = outcome_string((0, 1))
    p[1, 1] = math.nan
    assert math.isnan(smallest_eigenvalue(p, tetrahedral()))


@pytest.mark.parametrize("wrong", [torch.ones(4, 3), torch.tensor(1.0), [0.25] * 4])
def test_another_shape_is_one_line(wrong: torch.Tensor) -> None:
    with pytest.raises(InputError, match="distribution of shape"):
        smallest_eigenvalue(wrong, tetrahedral())

"""exp(h L) p by Taylor series, beside the exponential of QuTiP's generator."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch

from repro.methods.propagation import propagate
from repro.methods.sanity import WrongNumbersError
from repro.physics.imaginary_time import ImaginaryTime
from repro.physics.lattice import chain, ring
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z, LindbladModel, heisenberg
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import tetrahedral
from tests.helpers import systems
from tests.helpers.networks import random_mixture
from tests.helpers.oracles import qutip_generator

POVM = tetrahedral()


@pytest.mark.parametrize("h", [0.03, 0.4])
def test_propagation_is_the_exponential_of_qutips_generator(h: float) -> None:
    model = systems.random_model(3, chain(3))
    p = random_mixture(chain(3)).all_probs().detach()
    expected = scipy.linalg.expm(h * qutip_generator(model, POVM)) @ p.flatten().numpy()
    assert np.allclose(propagate(LocalLiouvillian(model, POVM), p, h).flatten(), expected, atol=1e-9)


def test_what_the_series_leave_out_does_not_add_up() -> None:
    """A spin that turns in a field of 1 for a long time and hardly decays."""
    model = LindbladModel(chain(1), one_site=[(0, SIGMA_X)], jumps=[(0, SIGMA_MINUS, 1e-4)])
    p = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    expected = scipy.linalg.expm(1000.0 * qutip_generator(model, POVM)) @ p.numpy()
    assert np.allclose(propagate(LocalLiouvillian(model, POVM), p, 1000.0), expected, atol=2e-7)


def test_propagation_finds_its_own_pace_at_high_energies() -> None:
    model = heisenberg(ring(3), J=(200.0, 0.0, 100.0), B=100.0)
    p = random_mixture(ring(3)).all_probs().detach()
    expected = scipy.linalg.expm(0.5 * qutip_generator(model, POVM)) @ p.flatten().numpy()
    assert np.allclose(propagate(LocalLiouvillian(model, POVM), p, 0.5).flatten(), expected, atol=1e-6)


def outcomes(rho: np.ndarray) -> np.ndarray:
    """p(a) = Tr(M_(a) rho) of one spin."""
    return np.einsum("aij,ji->a", POVM.frame, rho).real


@pytest.mark.parametrize("offset", [-100.0, 0.0, 40.0, 300.0])
def test_imaginary_time_knows_no_zero_of_energy(offset: float) -> None:
    H, h = 0.5 * SIGMA_Z + 0.8 * SIGMA_X, 0.5
    K = ImaginaryTime(LindbladModel(chain(1), [(0, H + offset * np.eye(2))]), POVM)
    found = propagate(K, torch.tensor(outcomes(np.eye(2) / 2)), h)
    rho = scipy.linalg.expm(-h * H)
    assert np.allclose(found / found.sum(), outcomes(rho / np.trace(rho)), atol=1e-6)


def test_propagation_says_that_a_step_is_far_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repro.methods.propagation.TAYLOR_ORDER", 2)
    L = LocalLiouvillian(systems.random_model(3, chain(3)), POVM)
    with pytest.raises(WrongNumbersError, match="shorter time steps"):
        propagate(L, random_mixture(chain(3)).all_probs().detach(), 0.4)

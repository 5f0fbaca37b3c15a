"""Control variates: zero mean in the steady state, unbiased, and worth it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import qutip

from repro.physics import lattice, lindblad
from repro.references.control_variates import adjoint_generator, estimate, estimate_each, pauli_sums
from repro.references.qutip_solvers import lindblad_rhs, qutip_operators

MODEL = lindblad.heisenberg(lattice.ring(3), J=(0.9, 1.4, 1.0), B=0.3)


def test_adjoint_generator_is_the_adjoint_of_the_lindblad_generator() -> None:
    hamiltonian, jumps = qutip_operators(MODEL)
    rho = qutip.rand_dm([2] * 3, seed=1)
    for operator in pauli_sums(MODEL):
        left = (adjoint_generator(hamiltonian, jumps, operator) * rho).tr()
        right = (operator * lindblad_rhs(hamiltonian, jumps, rho)).tr()
        assert left == pytest.approx(right, abs=1e-12)
        assert abs(right) > 1e-3  # away from the steady state they are not zero


def test_controls_vanish_in_the_steady_state() -> None:
    hamiltonian, jumps = qutip_operators(MODEL)
    rho = qutip.steadystate(hamiltonian, jumps)
    for operator in pauli_sums(MODEL):
        assert (adjoint_generator(hamiltonian, jumps, operator) * rho).tr() == pytest.approx(0, abs=1e-10)


def test_pauli_sums_are_averages_over_sites_and_bonds() -> None:
    up = qutip.tensor([qutip.basis(2, 0)] * 3)
    means = [qutip.expect(operator, up) for operator in pauli_sums(MODEL)]
    # x, y, z, then xx, xy, xz, yy, yz, zz
    assert means == pytest.approx([0, 0, 1, 0, 0, 0, 0, 0, 1])


def noisy(generator: np.random.Generator, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
    """Blocks of an observable of mean 0.3 that is mostly made of two controls of mean zero."""
    controls_RTC = generator.normal(size=(trajectories, 5, 2))
    noise_RTP = 0.05 * generator.normal(size=(trajectories, 5, 1))
    return 0.3 + controls_RTC @ np.array([[1.0], [-2.0]]) + noise_RTP, controls_RTC


def test_estimate_is_unbiased_with_an_honest_error_and_smaller_than_plain() -> None:
    generator = np.random.default_rng(0)
    pulls, gains = [], []
    for _ in range(300):
        observables_RTP, controls_RTC = noisy(generator, 12)
        mean_P, error_P = estimate(observables_RTP, controls_RTC)
        plain_R = observables_RTP.mean(1)[:, 0]
        pulls.append((mean_P[0] - 0.3) / error_P[0])
        gains.append(plain_R.std(ddof=1) / math.sqrt(12) / error_P[0])
    assert np.mean(pulls) == pytest.approx(0, abs=0.25)
    assert np.std(pulls) == pytest.approx(1.11, abs=0.2)  # Student's t with eleven degrees of freedom
    assert np.median(gains) > 10


def test_too_few_trajectories_have_no_error() -> None:
    observables_RTP, controls_RTC = noisy(np.random.default_rng(1), 2)
    mean_P, error_P = estimate(observables_RTP, controls_RTC)
    assert mean_P[0] == pytest.approx(observables_RTP.mean())
    assert math.isinf(error_P[0])


def test_controls_of_each_observable_are_fitted_on_the_other_trajectories() -> None:
    """Against a loop that leaves each trajectory out; where controls say nothing the plain mean stays."""
    rng = np.random.default_rng(0)
    controls_RPC = rng.normal(size=(30, 2, 3))
    values_RP = rng.normal(size=(30, 2))
    values_RP[:, 0] = 0.7 + controls_RPC[:, 0] @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=30)
    mean_P, error_P = estimate_each(values_RP, controls_RPC, ridge=0.0)
    kept = []
    for r in range(30):
        others, controls = np.delete(values_RP[:, 0], r), np.delete(controls_RPC[:, 0], r, axis=0)
        weights = np.linalg.lstsq(controls, others - others.mean(), rcond=None)[0]
        kept.append(values_RP[r, 0] - controls_RPC[r, 0] @ weights)
    assert mean_P[0] == pytest.approx(np.mean(kept)) and mean_P[0] == pytest.approx(0.7, abs=0.1)
    assert error_P[0] == pytest.approx(np.std(kept, ddof=1) / np.sqrt(30)) and error_P[0] < 0.1
    plain = values_RP[:, 1]
    assert error_P[1] <= plain.std(ddof=1) / np.sqrt(30) + 1e-12
    alone_P, _ = estimate_each(values_RP, controls_RPC[..., :0])
    np.testing.assert_allclose(alone_P, values_RP.mean(0))


def test_controls_whose_means_are_not_zero_are_left_out() -> None:
    """One of mean 1 that looks like the observable's fluctuations: the value would be 1 off."""
    rng = np.random.default_rng(3)
    truth_R1, noise_R1 = rng.normal(size=(100, 1)), 0.1 * rng.normal(size=(100, 1))
    values_R1 = 0.5 + truth_R1 + noise_R1
    wrong_P, error_P = estimate_each(values_R1, (truth_R1 + 1)[..., None])
    right_P, small_P = estimate_each(values_R1, truth_R1[..., None])
    assert abs(wrong_P[0] - 0.5) < 4 * error_P[0] and abs(right_P[0] - 0.5) < 4 * small_P[0] < 0.1

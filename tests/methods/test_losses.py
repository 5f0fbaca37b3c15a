"""Losses and their gradients against Eqs. S19-S24 written out with explicit matrices from QuTiP."""

from __future__ import annotations

import numpy as np
import pytest
import qutip
import torch
from scipy.linalg import expm

from repro.ansatz.string_mixture import StringMixture
from repro.methods import losses
from repro.methods.estimators import Enumeration, Evaluation
from repro.physics.lattice import chain
from repro.physics.lindblad import heisenberg, tfim
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import Povm, pauli4, tetrahedral
from tests.helpers.networks import all_configurations, flat_gradient, random_mixture, relative_difference

TAU = 0.05
PAULIS = (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz())


def on_site(operator: qutip.Qobj, site: int, n_sites: int) -> qutip.Qobj:
    return qutip.tensor([operator if k == site else qutip.qeye(2) for k in range(n_sites)])


def dense_generator(hamiltonian: qutip.Qobj, povm: Povm, n_sites: int) -> torch.Tensor:
    """L_a^b = Tr(M_a Liouvillian[N_b]) of a chain with decay on every site, from QuTiP's superoperator."""
    decay = [on_site(qutip.sigmam(), site, n_sites) for site in range(n_sites)]
    superoperator = qutip.liouvillian(hamiltonian, decay).full()

    def products(frame: np.ndarray) -> np.ndarray:
        """Column-stacked tensor products, first site slowest, a row each."""
        matrices = frame
        for _ in range(n_sites - 1):
            matrices = np.stack([np.kron(left, right) for left in matrices for right in frame])
        return np.stack([matrix.flatten(order="F") for matrix in matrices])

    return torch.from_numpy((products(povm.frame).conj() @ superoperator @ products(povm.dual_frame).T).real.copy())


class Case:
    """A small system: the library's objects, QuTiP's L, p and the Jacobian dp/dtheta of the network."""

    def __init__(self, name: str) -> None:
        kind, n = name.split("-")
        n_sites = int(n)
        lattice = chain(n_sites)
        bonds = [(k, k + 1) for k in range(n_sites - 1)]

        def pair(w: int, i: int, j: int) -> qutip.Qobj:
            return on_site(PAULIS[w], i, n_sites) * on_site(PAULIS[w], j, n_sites)

        if kind == "heisenberg":
            model, povm = heisenberg(lattice, (0.9, 1.8, 1.0), B=0.3), tetrahedral()
            hamiltonian = sum(J * pair(w, *bond) for bond in bonds for w, J in enumerate((0.9, 1.8, 1.0)))
            hamiltonian += sum(0.3 * on_site(PAULIS[2], k, n_sites) for k in range(n_sites))
        else:
            model, povm = tfim(lattice, V=2.0, g=1.5), pauli4()
            hamiltonian = sum(0.5 * pair(2, *bond) for bond in bonds)
            hamiltonian += sum(0.75 * on_site(PAULIS[0], k, n_sites) for k in range(n_sites))
        self.estimator = Enumeration(LocalLiouvillian(model, povm))
        self.L = dense_generator(hamiltonian, povm, n_sites)
        self.model, self.before = (random_mixture(lattice, layers=2, width=4, seed=seed) for seed in (1, 2))
        self.p, self.old = probabilities(self.model), probabilities(self.before)
        self.jacobian = jacobian(self.model)

    def evaluate(self, before: StringMixture | None = None) -> Evaluation:
        old = self.estimator.freeze(before) if before is not None else None
        return self.estimator.evaluate(self.model, None, old)


def probabilities(model: StringMixture) -> torch.Tensor:
    return model.log_prob(all_configurations(model.n_sites)).exp().detach()


def jacobian(model: StringMixture) -> torch.Tensor:
    """dp(b)/dtheta, a row per configuration and a column per parameter."""
    return torch.stack(
        [
            flat_gradient(model.log_prob(configuration[None]).exp(), model)
            for configuration in all_configurations(model.n_sites)
        ]
    )


@pytest.fixture(scope="module", params=["heisenberg-2", "heisenberg-3", "tfim-2", "tfim-3"])
def case(request: pytest.FixtureRequest) -> Case:
    return Case(request.param)


def test_variational_loss_and_gradient(case: Case) -> None:
    """Eqs. S21 and S22."""
    residual = case.L @ case.p
    loss, stats = losses.variational(case.evaluate())
    assert relative_difference(loss, residual.abs().sum()) < 1e-10
    assert relative_difference(stats["residual"], residual.abs().sum()) < 1e-10
    expected = (case.L @ case.jacobian).T @ residual.sign()
    assert relative_difference(flat_gradient(loss, case.model), expected) < 1e-9


def test_dynamics_loss_and_gradient(case: Case) -> None:
    """Eqs. S19 and S20."""
    one = torch.eye(len(case.p), dtype=torch.float64)
    mismatch = (one - TAU * case.L) @ case.p - (one + TAU * case.L) @ case.old
    loss, stats = losses.dynamics(case.evaluate(case.before), TAU)
    assert relative_difference(loss, mismatch.abs().sum()) < 1e-10
    assert relative_difference(stats["residual"], (case.L @ case.p).abs().sum()) < 1e-10
    expected = ((one - TAU * case.L) @ case.jacobian).T @ mismatch.sign()
    assert relative_difference(flat_gradient(loss, case.model), expected) < 1e-9


def test_dynamics_gradient_where_the_state_has_not_moved(case: Case) -> None:
    """Eq. S24: tau times the variational gradient, less that of sum_a p(a) sign(Lp)(a)."""
    loss, _ = losses.dynamics(case.evaluate(case.model), TAU)
    variational, _ = losses.variational(case.evaluate())
    assert relative_difference(loss, 2 * TAU * variational) < 1e-9
    sign = (case.L @ case.p).sign()
    expected = TAU * flat_gradient(variational, case.model) - case.jacobian.T @ sign
    assert relative_difference(flat_gradient(loss, case.model), expected) < 1e-9


@pytest.mark.parametrize("mixing", [0.0, 0.3, 1.0])
def test_interpolated_loss_and_gradient(case: Case, mixing: float) -> None:
    """Eq. S23: lambda times Eq. S19 and (1 - lambda) times Eq. S21."""
    one = torch.eye(len(case.p), dtype=torch.float64)
    mismatch = (one - TAU * case.L) @ case.p - (one + TAU * case.L) @ case.old
    residual = case.L @ case.p
    loss, stats = losses.interpolated(case.evaluate(case.before), TAU, mixing)
    assert relative_difference(loss, mixing * mismatch.abs().sum() + (1 - mixing) * residual.abs().sum()) < 1e-10
    evolve = ((one - TAU * case.L) @ case.jacobian).T @ mismatch.sign()
    expected = mixing * evolve + (1 - mixing) * (case.L @ case.jacobian).T @ residual.sign()
    assert relative_difference(flat_gradient(loss, case.model), expected) < 1e-9
    assert relative_difference(stats["residual"], residual.abs().sum()) < 1e-10


@pytest.mark.parametrize("mixing", [0.0, 0.9, 1.0])
def test_sign_augmented_loss_and_gradient(case: Case, mixing: float) -> None:
    """Eq. S25."""
    residual = case.L @ case.p
    loss, stats = losses.sign_augmented(case.evaluate(), mixing)
    expected = mixing * residual.abs().sum() - (1 - mixing) * (case.p * residual.sign()).sum()
    assert relative_difference(loss, expected) < 1e-10
    gradient = mixing * (case.L @ case.jacobian).T @ residual.sign() - (1 - mixing) * case.jacobian.T @ residual.sign()
    assert relative_difference(flat_gradient(loss, case.model), gradient) < 1e-9
    assert relative_difference(stats["residual"], residual.abs().sum()) < 1e-10


def test_sign_augmented_gradient_is_that_of_the_dynamics_at_a_fixed_point(case: Case) -> None:
    """Eqs. S24 and S25: at lambda = tau / (1 + tau) they differ by the factor 1 + tau alone."""
    evolve, _ = losses.dynamics(case.evaluate(case.model), TAU)
    augmented, _ = losses.sign_augmented(case.evaluate(), TAU / (1 + TAU))
    expected = flat_gradient(evolve, case.model)
    assert relative_difference((1 + TAU) * flat_gradient(augmented, case.model), expected) < 1e-9


def test_exact_trapezoid_step_has_no_loss(case: Case) -> None:
    """p' of (1 - tau L) p' = (1 + tau L) p, and only it; it is exp(2 tau L) p to third order in tau."""

    def loss_and_deviation(tau: float) -> tuple[float, float, float]:
        one = torch.eye(len(case.old), dtype=torch.float64)
        stepped = torch.linalg.solve(one - tau * case.L, (one + tau * case.L) @ case.old)
        weight, old_Lp = torch.ones_like(stepped), case.L @ case.old
        evaluation = Evaluation(stepped, case.L @ stepped, weight, case.old, old_Lp)
        not_stepped = Evaluation(case.old, old_Lp, weight, case.old, old_Lp)
        exact = torch.from_numpy(expm(2 * tau * case.L.numpy())) @ case.old
        deviation = (stepped - exact).abs().sum()
        return float(losses.dynamics(evaluation, tau)[0]), float(losses.dynamics(not_stepped, tau)[0]), float(deviation)

    loss, unmoved, deviation = loss_and_deviation(0.004)
    assert loss < 1e-14 and unmoved == pytest.approx(0.008 * float((case.L @ case.old).abs().sum()))
    assert deviation / loss_and_deviation(0.002)[2] == pytest.approx(8, rel=0.03)


def test_losses_weigh_every_configuration() -> None:
    """Weights of a draw multiply each configuration's term; no gradient flows through them."""
    p = torch.tensor([0.5, 0.3, 0.2], requires_grad=True)
    Lp = torch.stack([p[1] - p[0], p[0] - 2 * p[1], p[1]])
    weight, old_p, old_Lp = torch.tensor([2.0, 0.0, 1.0]), torch.tensor([0.4, 0.4, 0.2]), torch.tensor([1.0, -2.0, 1.0])
    evaluation = Evaluation(p, Lp, weight, old_p, old_Lp)
    loss, stats = losses.variational(evaluation)
    assert loss.item() == pytest.approx(2 * 0.2 + 0.3)
    (gradient,) = torch.autograd.grad(loss, p, retain_graph=True)
    assert gradient.tolist() == pytest.approx([2.0, -2.0 + 1.0, 0.0])
    loss, stats = losses.dynamics(evaluation, 0.1)
    assert loss.item() == pytest.approx(2 * abs(0.5 + 0.02 - 0.4 - 0.1) + abs(0.2 - 0.03 - 0.2 - 0.1))
    assert not any(value.requires_grad for value in stats.values())


def test_dynamics_needs_the_state_before() -> None:
    one = torch.ones(4)
    with pytest.raises(ValueError, match="no state before the time step"):
        losses.dynamics(Evaluation(one, one, one), 0.1)

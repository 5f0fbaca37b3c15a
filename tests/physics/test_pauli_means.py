"""Expectation values against QuTiP's, and error bars against the spread over seeds."""

from __future__ import annotations

import numpy as np
import pytest
import qutip
import torch

from repro.physics.pauli_means import pauli_means, sampled_pauli_means, site_marginals
from repro.physics.povm import BLOCH_DIRECTIONS, Povm, pauli4, tetrahedral
from repro.utils.names import PAULI_AVERAGES
from tests.helpers.networks import all_configurations, generator

POVMS = [tetrahedral(), pauli4()]
POVM = pytest.mark.parametrize("povm", POVMS, ids=lambda povm: povm.name)
PAULIS = (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz())


def outcome_distribution(rho: qutip.Qobj, povm: Povm) -> torch.Tensor:
    """p(a) = Tr(rho M_a) of N spins, shape (4,) * N."""
    elements = [qutip.Qobj(element) for element in povm.frame]
    n_sites = len(rho.dims[0])
    values = [
        qutip.expect(qutip.tensor([elements[a] for a in outcomes]), rho)
        for outcomes in all_configurations(n_sites).tolist()
    ]
    return torch.tensor(np.real(values)).view((4,) * n_sites)


def exact_means(rho: qutip.Qobj) -> dict[str, float]:
    n = len(rho.dims[0])
    return {
        name: float(np.mean([qutip.expect(pauli, rho.ptrace(site)) for site in range(n)]))
        for name, pauli in zip(("sigma_x", "sigma_y", "sigma_z"), PAULIS, strict=True)
    }


def random_density(n_sites: int, seed: int, rank: int | None = None) -> qutip.Qobj:
    return qutip.rand_dm([2] * n_sites, rank=rank, seed=seed)


@POVM
@pytest.mark.parametrize("state", BLOCH_DIRECTIONS)
@pytest.mark.parametrize("n_sites", [1, 3])
def test_product_states_give_their_bloch_vector(povm: Povm, state: str, n_sites: int) -> None:
    one = torch.from_numpy(povm.product_state(state))
    p = one
    for _ in range(n_sites - 1):
        p = p[..., None] * one
    assert list(pauli_means(p, povm).values()) == pytest.approx(list(BLOCH_DIRECTIONS[state]), abs=1e-12)


@POVM
@pytest.mark.parametrize(("n_sites", "rank"), [(1, 1), (2, 1), (2, None), (3, 2), (4, None)])
def test_random_states_give_their_expectation_values(povm: Povm, n_sites: int, rank: int | None) -> None:
    rho = random_density(n_sites, seed=n_sites, rank=rank)
    means = pauli_means(outcome_distribution(rho, povm), povm)
    assert tuple(means) == PAULI_AVERAGES == ("sigma_x", "sigma_y", "sigma_z")
    assert max(abs(value) for value in means.values()) > 0.02
    assert means == pytest.approx(exact_means(rho), abs=1e-12)


@POVM
def test_marginals_are_those_of_the_reduced_states(povm: Povm) -> None:
    rho = random_density(3, seed=5)
    given_NK = site_marginals(outcome_distribution(rho, povm))
    expected = [outcome_distribution(rho.ptrace(site), povm) for site in range(3)]
    torch.testing.assert_close(given_NK, torch.stack(expected), rtol=0, atol=1e-12)
    assert (given_NK[0] - given_NK[1]).abs().max() > 1e-2


def test_single_precision_and_gradients_do_no_harm() -> None:
    rho = random_density(3, seed=6)
    p = outcome_distribution(rho, tetrahedral()).float().requires_grad_()
    assert pauli_means(p, tetrahedral()) == pytest.approx(exact_means(rho), abs=1e-6)


def draw(p: torch.Tensor, n: int, seed: int) -> torch.Tensor:
    chosen = torch.multinomial(p.flatten(), n, replacement=True, generator=generator(seed))
    return all_configurations(p.ndim)[chosen]


@POVM
def test_sampled_means_lie_within_their_error_bars(povm: Povm) -> None:
    """Sites are correlated (a pure state), so an error bar that took them as independent would be wrong."""
    rho = qutip.ket2dm(qutip.ghz_state(3))
    p = outcome_distribution(rho, povm).clamp_min(0)
    results = [sampled_pauli_means(draw(p, 400, seed), povm) for seed in range(400)]
    for name, exact in exact_means(rho).items():
        means, errors = np.array([result[name] for result in results]).T
        spread = means.std(ddof=1)
        # 400 seeds know the mean to spread / 20 and the spread to 3.5 %
        assert abs(means.mean() - exact) < 4 * spread / 20
        assert errors.mean() == pytest.approx(spread, rel=0.14)
        assert 0.60 < np.mean(np.abs(means - exact) < errors) < 0.76


def test_more_samples_smaller_error() -> None:
    p = outcome_distribution(random_density(2, seed=8), tetrahedral())
    few, many = (sampled_pauli_means(draw(p, n, 1), tetrahedral()) for n in (1_000, 100_000))
    for name, (mean, error) in many.items():
        assert few[name][1] / error == pytest.approx(10, rel=0.1)
        assert abs(mean - exact_means(random_density(2, seed=8))[name]) < 4 * error

"""Imaginary time in the POVM picture against Gibbs states of dense matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
import qutip
import torch
from scipy.linalg import expm

from repro.methods.propagation import propagate
from repro.physics.imaginary_time import ImaginaryTime
from repro.physics.lattice import chain, rectangle, ring
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z, LindbladModel
from repro.physics.pauli_means import pauli_means
from repro.physics.povm import POVMS, Povm, tetrahedral
from repro.utils.errors import InputError
from tests.helpers.oracles import probabilities, qutip_model
from tests.helpers.systems import random_model

BOTH = pytest.mark.parametrize("povm", [make() for make in POVMS.values()], ids=list(POVMS))


def hamiltonian(seed: int, n_sites: int) -> LindbladModel:
    """A random model without its jumps."""
    model = random_model(seed, ring(n_sites))
    one = [(term.sites[0], term.operator) for term in model.hamiltonian_terms if len(term.sites) == 1]
    two = [(term.sites, term.operator) for term in model.hamiltonian_terms if len(term.sites) == 2]
    return LindbladModel(model.lattice, one, two)


def distribution(rho: np.ndarray, povm: Povm, n_sites: int) -> torch.Tensor:
    return probabilities(qutip.Qobj(rho, dims=[[2] * n_sites] * 2), povm)


def gibbs(model: LindbladModel, beta: float) -> np.ndarray:
    rho = expm(-beta * qutip_model(model)[0].full())
    return rho / rho.trace()


@BOTH
@pytest.mark.parametrize("seed", range(4))
def test_cooled_from_infinite_temperature(seed: int, povm: Povm) -> None:
    n_sites, beta = 3, 0.7
    model = hamiltonian(seed, n_sites)
    K = ImaginaryTime(model, povm)
    mixed = distribution(np.eye(2**n_sites) / 2**n_sites, povm, n_sites)
    cooled = propagate(K, mixed, beta, 1e-13)
    cooled /= cooled.sum()
    assert float((cooled - distribution(gibbs(model, beta), povm, n_sites)).abs().max()) < 1e-12


@BOTH
def test_the_energy_is_what_is_lost(povm: Povm) -> None:
    model = hamiltonian(7, 3)
    rho = gibbs(model, 0.4)
    p = distribution(rho, povm, 3)
    energy = (rho @ qutip_model(model)[0].full()).trace().real
    assert -float(ImaginaryTime(model, povm).apply(p).sum()) == pytest.approx(energy, abs=1e-12)


def test_spins_in_a_field() -> None:
    """H = B Z: <sigma_z> = -tanh(beta B)."""
    B, beta = 0.8, 1.3
    model = LindbladModel(chain(2), [(0, B * SIGMA_Z), (1, B * SIGMA_Z)])
    povm = tetrahedral()
    cooled = propagate(ImaginaryTime(model, povm), torch.full((4, 4), 1 / 16, dtype=torch.float64), beta, 1e-12)
    means = pauli_means(cooled / cooled.sum(), povm)
    assert means["sigma_z"] == pytest.approx(-math.tanh(beta * B), abs=1e-9)
    assert means["sigma_x"] == pytest.approx(0, abs=1e-9)


def test_every_state_on_the_way_is_a_probability() -> None:
    model = LindbladModel(rectangle(2, 2), [(k, SIGMA_X) for k in range(4)], [((0, 1), np.kron(SIGMA_Z, SIGMA_Z))])
    p = torch.full((4,) * 4, 4.0**-4, dtype=torch.float64)
    for _ in range(10):
        p = propagate(ImaginaryTime(model, tetrahedral()), p, 0.3, 1e-13)
        p /= p.sum()
        assert float(p.min()) > -1e-12


def test_a_model_that_dissipates_is_refused() -> None:
    model = LindbladModel(chain(1), jumps=[(0, SIGMA_MINUS, 1.0)])
    with pytest.raises(InputError, match="imaginary time of a model with jump operators: expected a Hamiltonian alone"):
        ImaginaryTime(model, tetrahedral())

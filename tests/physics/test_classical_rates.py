"""Classical master equations: populations against the dense rate matrix, and the rates that are refused."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from repro.methods.propagation import propagate
from repro.physics.classical_rates import master_equation
from repro.physics.lattice import Lattice, chain, ring
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import POVMS, Povm
from repro.utils.errors import InputError

BOTH = pytest.mark.parametrize("povm", [make() for make in POVMS.values()], ids=list(POVMS))
Terms = list[tuple[tuple[int, ...], np.ndarray]]


def random_rates(seed: int, lattice: Lattice) -> Terms:
    generator = np.random.default_rng(seed)
    one = [((site,), generator.uniform(0, 1, (2, 2))) for site in lattice.sites]
    return one + [(bond, generator.uniform(0, 1, (4, 4)) * generator.integers(0, 2, (4, 4))) for bond in lattice.bonds]


def rate_matrix(terms: Terms, n_sites: int) -> np.ndarray:
    """dP/dt = R P over 2^N configurations, entry by entry."""
    states = list(product((0, 1), repeat=n_sites))
    R = np.zeros((len(states), len(states)))
    for sites, W in terms:
        locals_ = list(product((0, 1), repeat=len(sites)))
        for b, before in enumerate(states):
            row = locals_.index(tuple(before[site] for site in sites))
            for k, to in enumerate(locals_):
                if k != row:
                    after = list(before)
                    for site, value in zip(sites, to, strict=True):
                        after[site] = value
                    R[states.index(tuple(after)), b] += W[k, row]
                    R[b, b] -= W[k, row]
    return R


def as_outcomes(P: np.ndarray, povm: Povm, n_sites: int) -> np.ndarray:
    """p(a) of the state without coherences whose populations are P."""
    weight = povm.frame[:, [0, 1], [0, 1]].real  # Tr(|s><s| M_a), (4, 2)
    left = P.reshape((2,) * n_sites)
    for _ in range(n_sites):
        left = np.tensordot(left, weight, axes=([0], [1]))
    return left


@BOTH
@pytest.mark.parametrize("seed", range(4))
def test_populations_obey_the_master_equation(seed: int, povm: Povm) -> None:
    lattice = (ring(3), chain(3), Lattice(3, ((2, 0),)), ring(2))[seed]
    terms = random_rates(seed, lattice)
    model = master_equation(lattice, [(s[0], W) for s, W in terms if len(s) == 1], [t for t in terms if len(t[0]) == 2])
    P = np.random.default_rng(seed + 100).dirichlet(np.ones(2**lattice.n_sites))
    t = 0.6
    p = propagate(LocalLiouvillian(model, povm), torch.from_numpy(as_outcomes(P, povm, lattice.n_sites)), t, 1e-13)
    later = expm(t * rate_matrix(terms, lattice.n_sites)) @ P
    assert np.abs(p.numpy() - as_outcomes(later, povm, lattice.n_sites)).max() < 1e-11


def test_the_diagonal_is_not_read() -> None:
    W = np.array([[5.0, 0.3], [0.0, 7.0]])
    [jump] = master_equation(chain(1), [(0, W)]).jumps
    assert (jump.sites, jump.rate) == ((0,), 0.3)
    assert jump.operator.tolist() == [[0, 1], [0, 0]]


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ([(0, [[0, -1], [0, 0]])], "rates on 0: expected real numbers not below zero"),
        ([(0, [[0, 1j], [0, 0]])], "rates on 0: expected real numbers not below zero"),
        ([(0, np.zeros((4, 4)))], r"rates on 0: shape \(4, 4\), expected \(2, 2\)"),
        ([(3, [[0, 1], [0, 0]])], "the lattice has sites 0 to 1"),
        ([5], r"one_site\[0\]: expected a tuple of 2, such as \(site, matrix\)"),
        (5, "one_site: expected a list of tuples of 2"),
    ],
)
def test_rates_that_are_none(terms: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        master_equation(chain(2), terms)  # type: ignore[arg-type]

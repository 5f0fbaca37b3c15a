"""d<O>/dt from the state: traces with QuTiP's Liouvillian, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import qutip

from repro.physics.lattice import Lattice, chain, ring
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z, LindbladModel
from repro.physics.observable_parser import parse_observables
from repro.physics.observables import Observable, named
from repro.physics.rates import rates_of
from repro.utils.errors import InputError
from tests.helpers.oracles import qutip_model
from tests.helpers.systems import RANDOM_LATTICES, random_model

ASKED = ("X", "Y", "Z", "X*", "Z*")
LETTERS = {"X": qutip.sigmax(), "Y": qutip.sigmay(), "Z": qutip.sigmaz()}


def operator(observable: Observable, n_sites: int) -> qutip.Qobj:
    """sum_k c_k P_k by QuTiP."""
    found = qutip.qzero([2] * n_sites)
    for factor, string in observable.terms:
        letters = dict(string)
        found += factor * qutip.tensor([LETTERS[letters[k]] if k in letters else qutip.qeye(2) for k in range(n_sites)])
    return found


@pytest.mark.parametrize("number", range(len(RANDOM_LATTICES)), ids=lambda number: RANDOM_LATTICES[number].name)
def test_traces_with_the_liouvillian(number: int) -> None:
    """Random terms and jumps on sites and pairs, a random mixed state, strings of one to all sites."""
    lattice: Lattice = RANDOM_LATTICES[number]
    N = lattice.n_sites
    model = random_model(number, lattice)
    every = " ".join(f"{'XYZ'[k % 3]}{k}" for k in range(N))
    asked = parse_observables([*ASKED, every, {"mixed": [(0.3, "I"), (-2.0, every), (1.5, "Y0")]}], (), N)
    rho = qutip.rand_dm([2] * N, seed=number)
    change = qutip.vector_to_operator(qutip.liouvillian(*qutip_model(model)) * qutip.operator_to_vector(rho))
    for each, rate in zip(asked, rates_of(asked, model), strict=True):
        assert rate.name == each.name
        expected = (operator(each, N) * change).tr().real
        assert (operator(rate, N) * rho).tr().real == pytest.approx(expected, abs=1e-10)


def test_a_driven_spin_that_decays() -> None:
    """dx/dt = -x/2 - h y, dy/dt = h x - y/2 - g z, dz/dt = g y - (1 + z) for H = h/2 Z + g/2 X, decay at 1."""
    g, h = 0.7, 0.4
    model = LindbladModel(ring(1), [(0, g / 2 * SIGMA_X), (0, h / 2 * SIGMA_Z)], [], [(0, SIGMA_MINUS, 1.0)])
    rates = rates_of(parse_observables([*"XYZ"], (), 1), model)
    x, y, z = ({named(string): factor for factor, string in rate.terms} for rate in rates)
    assert x == pytest.approx({"X0": -0.5, "Y0": -h})
    assert y == pytest.approx({"X0": h, "Y0": -0.5, "Z0": -g})
    assert z == pytest.approx({"I": -1.0, "Z0": -1.0, "Y0": g})


def test_what_does_not_meet_a_string_adds_nothing() -> None:
    """The rate of a spin at the end of a chain has strings of its neighbour and itself alone."""
    bond = np.kron(SIGMA_X, SIGMA_X)
    line = chain(6)
    model = LindbladModel(line, [], [(pair, bond) for pair in line.bonds], [(k, SIGMA_MINUS, 1.0) for k in line.sites])
    [rate] = rates_of(parse_observables(["Z0"], (), 6), model)
    assert {site for _, string in rate.terms for site, _ in string} == {0, 1}


def test_what_has_no_such_rate() -> None:
    model = LindbladModel(ring(2), jumps=[(0, SIGMA_MINUS, 1.0)])
    for entries in ({"observables": ["purity"]}, {"observables": (), "correlators": [("Z0", "Z1")]}):
        asked = parse_observables(entries["observables"], entries.get("correlators", ()), 2)
        with pytest.raises(InputError, match="expected a Pauli string or a linear combination"):
            rates_of(asked, model)

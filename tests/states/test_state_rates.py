"""Rates of a state: Tr(O L(rho)) with QuTiP, from draws within their error, and in the unit of a user's problem."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import qutip

import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X
from repro.states import state as state_module
from repro.states.state import State
from repro.utils.errors import InputError
from tests.helpers.oracles import qutip_model, state_of
from tests.states.test_state import operator, random_state


def traces(state: State, string: dict[int, str]) -> float:
    """Tr(P L(rho)) of a random network's operator, with QuTiP's Liouvillian of the point's model."""
    N = state.n_sites
    rho = qutip.Qobj(state_of(state.probabilities(), state.point.povm), dims=[[2] * N] * 2)
    liouvillian = qutip.liouvillian(*qutip_model(state.point.system.build_model()))
    change = qutip.vector_to_operator(liouvillian * qutip.operator_to_vector(rho)).full()
    return float(np.trace(change @ operator(string, N)).real)


@pytest.mark.parametrize("more", [{"Jy": 1.8}, {"povm": "pauli4"}, {"model": "tfim", "V": 2.0, "g": 1.6}])
def test_rates_are_traces_with_the_liouvillian(more: dict[str, object]) -> None:
    state = random_state(4, **more)
    rates = state.rates(["Z", "Y1", "X0 Z2", "Z*"])
    assert rates["Y1"] == (pytest.approx(traces(state, {1: "Y"}), abs=1e-7), 0.0)
    assert rates["X0 Z2"][0] == pytest.approx(traces(state, {0: "X", 2: "Z"}), abs=1e-7)
    of_sites = [traces(state, {k: "Z"}) for k in range(4)]
    assert rates["Z"][0] == pytest.approx(np.mean(of_sites), abs=1e-7)
    assert [rates[f"Z{k}"][0] for k in range(4)] == pytest.approx(of_sites, abs=1e-7)
    assert list(state.rates()) == ["X", "Y", "Z"]


def test_rates_from_draws_are_within_their_error(monkeypatch: pytest.MonkeyPatch) -> None:
    state = random_state(4, Jy=1.8)
    exact = state.rates()
    monkeypatch.setattr(state_module, "MAX_ENUMERATED_SITES", 3)
    drawn = state.rates(samples=40_000, seed=3)
    for name, (value, error) in drawn.items():
        assert 0 < error < 0.1
        assert abs(value - exact[name][0]) < 4.5 * error
    few = state.rates(samples=400, seed=4)
    assert few["Z"][1] == pytest.approx(10 * drawn["Z"][1], rel=0.2)


def test_a_problem_in_the_users_unit(tmp_path: Path) -> None:
    """A spin that decays at 250: d<Z>/dt = -250 (1 + <Z>), d<X>/dt = -125 <X>, whatever the state is."""
    spins = repro.chain(2)
    decay = [(site, SIGMA_MINUS, 250.0) for site in spins.sites]
    problem = repro.Problem(repro.LindbladModel(spins, jumps=decay), [(0.6, 0, 0.8)] * 2)
    solution = repro.solve(problem, t_end=0.001, runs=tmp_path, quiet=True, iterations=20, exact=False)
    state = solution.state
    rates = state.rates()
    assert rates["Z"][0] == pytest.approx(-250 * (1 + state.mean("Z")), rel=1e-5)
    assert rates["X"][0] == pytest.approx(-125 * state.mean("X"), rel=1e-5)
    assert rates["Z"][0] == pytest.approx(-250 * 1.8 * np.exp(-0.25), rel=0.02), "the slope of 1.8 exp(-250 t) - 1"


def test_what_has_no_rates(tmp_path: Path) -> None:
    state = random_state(3)
    with pytest.raises(InputError, match="rate of purity: expected a Pauli string"):
        state.rates(["purity"])
    with pytest.raises(InputError, match="is no Pauli matrix"):
        state.rates(["Q0"])
    pair = repro.LindbladModel(repro.chain(2), one_site=[(0, SIGMA_X), (1, SIGMA_X)])
    thermal = repro.Problem(pair, (0, 0, 0), imaginary_time=True)
    found = repro.solve(thermal, t_end=0.1, runs=tmp_path, quiet=True, iterations=20, exact=False).state
    with pytest.raises(InputError, match="imaginary time: expected one that follows the Lindblad equation"):
        found.rates()

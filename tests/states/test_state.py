"""A state's values by an independent route: rho from p with the frame alone, traces with QuTiP's operators."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np
import pytest
import qutip
import torch

from repro.config.point import Point, point_of
from repro.methods.build import build_ansatz
from repro.states.state import State
from repro.utils.errors import InputError
from tests.helpers.oracles import state_of

SMALL: dict[str, Any] = {"lattice": "ring", "width": 8, "feedforward": 8}


def random_state(n_sites: int, **more: Any) -> State:
    """A state of random weights, far from a product."""
    point = point_of(n_sites=n_sites, **{**SMALL, **more})
    return State(point, with_random_weights(point), math.inf)


def with_random_weights(point: Point) -> Any:
    model = build_ansatz(point).requires_grad_(False)
    generator = torch.Generator().manual_seed(5)
    for parameter in model.parameters():
        parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def operator(string: dict[int, str], n_sites: int) -> np.ndarray:
    """A Pauli string by QuTiP."""
    of_letter = {"X": qutip.sigmax(), "Y": qutip.sigmay(), "Z": qutip.sigmaz()}
    return qutip.tensor(
        [of_letter[string[site]] if site in string else qutip.qeye(2) for site in range(n_sites)]
    ).full()


def trace(rho: np.ndarray, string: dict[int, str], n_sites: int) -> float:
    return float(np.trace(rho @ operator(string, n_sites)).real)


@pytest.mark.parametrize(
    "more", [{}, {"povm": "pauli4"}, {"strings": "translations"}], ids=["plain", "pauli4", "images"]
)
def test_values_are_traces_with_rho(more: dict[str, Any]) -> None:
    state = random_state(4, **more)
    rho = state_of(state.probabilities(), state.point.povm)
    np.testing.assert_allclose(state.density_matrix(), rho, atol=1e-9)
    assert state.purity() == pytest.approx(np.trace(rho @ rho).real, abs=1e-9)
    assert state.mean("purity") == state.purity()
    assert state.smallest_eigenvalue() == pytest.approx(np.linalg.eigvalsh(rho)[0], abs=1e-9)
    assert state.mean("X0 Z2 Y3") == pytest.approx(trace(rho, {0: "X", 2: "Z", 3: "Y"}, 4), abs=1e-9)
    averaged = np.mean([trace(rho, {site: "Z"}, 4) for site in range(4)])
    assert state.mean("Z") == pytest.approx(averaged, abs=1e-9)
    both, alone = trace(rho, {1: "X", 3: "Y"}, 4), [trace(rho, {1: "X"}, 4), trace(rho, {3: "Y"}, 4)]
    assert state.connected("X1", "Y3") == pytest.approx(both - alone[0] * alone[1], abs=1e-9)
    combined = state.mean({"energy": [(2.0, "X0 Y1"), (-0.5, "Z3")]})
    assert combined == pytest.approx(2 * trace(rho, {0: "X", 1: "Y"}, 4) - 0.5 * trace(rho, {3: "Z"}, 4), abs=1e-9)
    assert state.mean_with_error("Z")[1] == 0.0


def test_many_values_at_once() -> None:
    state = random_state(3)
    assert [*state.values(["Z2 X0"])] == ["X0 Z2"]
    values = state.values(["Z", "X*"], [("Z0", "Z2")])
    assert [*values] == ["Z", "X0", "X1", "X2", "Z0 Z2", "Z0 Z2 connected"]
    assert values["X1"] == (state.mean("X1"), 0.0)
    assert len(state.values()) == 12


def test_what_a_caller_does_with_probabilities_changes_no_later_value() -> None:
    state = random_state(3)
    before = state.mean("Z"), state.purity()
    probabilities = state.probabilities()
    probabilities *= probabilities.log()
    assert (state.mean("Z"), state.purity()) == before


def test_log_prob_is_that_of_the_enumeration() -> None:
    state = random_state(4)
    drawn_BN = state.sample(50, seed=3)
    expected_B = state.probabilities()[tuple(drawn_BN.T)].log()
    for given in (drawn_BN, drawn_BN.numpy(), drawn_BN.tolist(), drawn_BN.to(torch.uint8)):
        torch.testing.assert_close(state.log_prob(given), expected_B, atol=1e-5, rtol=0)
    for turned in (np.s_[::-1], np.s_[:, ::-1], np.s_[::-2, ::-1]):
        expected = state.log_prob(drawn_BN.numpy()[turned].copy())
        assert torch.equal(state.log_prob(drawn_BN.numpy()[turned]), expected)
    assert not state.log_prob(drawn_BN).requires_grad
    assert float(state.probabilities().sum()) == pytest.approx(1, abs=1e-5)


def test_draws_are_of_p_and_of_their_seed() -> None:
    state = random_state(2)
    drawn_BN = state.sample(40_000, seed=1)
    counted = np.bincount(4 * drawn_BN[:, 0] + drawn_BN[:, 1], minlength=16) / 40_000
    assert np.abs(counted - state.probabilities().flatten().numpy()).max() < 0.015
    assert torch.equal(drawn_BN, state.sample(40_000, seed=1))
    assert not torch.equal(drawn_BN, state.sample(40_000, seed=2))


def test_many_draws_go_through_the_network_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a million draws of a large lattice memory holds a part at a time; the parts are draws of their own."""
    state = random_state(4)
    drawn_BN = state.sample(50, seed=3)
    together_B = state.log_prob(drawn_BN)
    sizes = []
    for name in ("sample", "log_prob"):
        whole = getattr(state.model, name)
        monkeypatch.setattr(
            state.model, name, lambda x, *more, whole=whole: sizes.append(x if more else len(x)) or whole(x, *more)
        )
    monkeypatch.setattr("repro.states.state.AT_ONCE", 20)
    in_parts_BN = state.sample(50, seed=3)
    assert sizes == [20, 20, 10]
    assert in_parts_BN.shape == (50, 4) and not torch.equal(in_parts_BN[:20], in_parts_BN[20:40])
    torch.testing.assert_close(state.log_prob(drawn_BN), together_B)
    assert sizes[3:] == [20, 20, 10]
    counted = np.bincount(state.sample(40_000, seed=1)[:, 0], minlength=4) / 40_000
    assert np.abs(counted - state.probabilities().sum((1, 2, 3)).numpy()).max() < 0.015


def test_beyond_enumeration_means_are_of_draws() -> None:
    """The start of a network is the product state, whose means are known at any size."""
    point = point_of(n_sites=14, **SMALL)
    state = State(point, build_ansatz(point).requires_grad_(False), 0.0)
    up = qutip.basis(2, 0).proj()
    for observable, exact in (("Z", 1.0), ("Z0 Z1", 1.0), ("X", 0.0)):
        assert qutip.expect(qutip.sigmaz() if "Z" in observable else qutip.sigmax(), up) == exact
        mean, error = state.mean_with_error(observable, samples=20_000, seed=7)
        assert 0 < error < 0.05 and abs(mean - exact) < 5 * error
        assert mean == state.mean(observable, samples=20_000, seed=7) != state.mean(observable, samples=20_000, seed=8)
    half = state.mean_with_error("Z", samples=5_000)[1]
    assert half == pytest.approx(2 * state.mean_with_error("Z", samples=20_000)[1], rel=0.1)


def test_settings_are_those_of_the_point() -> None:
    state = random_state(3, Jy=1.8)
    assert (state.settings["Jy"], state.settings["n_sites"], state.n_sites) == (1.8, 3, 3)
    assert "Transformer" not in repr(state)


BAD = {
    "no string": (lambda s: s.mean("Q0"), "'Q0' is no Pauli matrix"),
    "no site": (lambda s: s.mean("Z0 Z9"), "the lattice has sites 0 to 2"),
    "several": (lambda s: s.mean("Z*"), "3 of them, expected one"),
    "nothing": (lambda s: s.mean(None), "observable None: expected text such as 'X0 Z3'"),
    "no number": (lambda s: s.sample("many"), "number of samples = 'many': expected a whole number"),
    "none": (lambda s: s.sample(0), "number of samples = 0: expected at least 1"),
    "seed": (lambda s: s.sample(3, seed=-1), "seed = -1: expected at least 0"),
    "shape": (lambda s: s.log_prob([0, 1, 2]), r"expected a \(B, N\) tensor"),
    "sites": (lambda s: s.log_prob([[0, 1]]), "configurations of 2 sites: expected 3"),
    "outcome": (lambda s: s.log_prob([[0, 1, 4]]), "outcomes from 0 to 4, expected 0 to 3"),
    "fraction": (lambda s: s.log_prob([[0.0, 1.0, 2.0]]), "whole numbers"),
    "text": (lambda s: s.log_prob("up"), "expected outcomes 0 to 3"),
    "number": (lambda s: s.log_prob(3), r"expected a \(B, N\) tensor"),
    "shared": (lambda s: s.connected("Z0", "Z0"), "both have site 0"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_used_is_one_line(kind: str) -> None:
    call, message = BAD[kind]
    with pytest.raises(InputError, match=message) as refused:
        call(random_state(3))
    assert "\n" not in str(refused.value)


def test_what_cannot_be_enumerated_is_one_line() -> None:
    point = point_of(n_sites=13, **SMALL)
    state = State(point, build_ansatz(point), 0.0)
    for call in (state.probabilities, state.purity, state.density_matrix, state.smallest_eigenvalue):
        with pytest.raises(InputError, match="13 sites") as refused:
            call()
        assert "--" not in str(refused.value), "no option of the command line: there is none here"
    with pytest.raises(InputError, match="purity from samples"):
        state.mean("purity")


def test_the_product_frame_is_the_one_of_the_oracle() -> None:
    """The oracle has no dual frame in it; here it is checked on a state that QuTiP makes."""
    povm = random_state(2).point.povm
    rho = qutip.rand_dm([2, 2], seed=4).full()
    elements = [reduce(np.kron, (povm.frame[a], povm.frame[b])) for a in range(4) for b in range(4)]
    p = torch.tensor([np.trace(rho @ element).real for element in elements]).view(4, 4)
    np.testing.assert_allclose(state_of(p, povm), rho, atol=1e-12)

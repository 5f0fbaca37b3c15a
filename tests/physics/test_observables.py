"""Pauli strings, combinations, correlators and purity against QuTiP's density matrices of random states."""

from __future__ import annotations

import numpy as np
import pytest
import qutip
import torch

from repro.physics.observable_parser import parse_observables
from repro.physics.observables import (
    Observable,
    column,
    exact_values,
    expectation,
    named,
    parse,
    purity,
    sampled_values,
)
from repro.physics.povm import POVMS, Povm
from repro.references.qutip_solvers import density_operators
from repro.utils.errors import InputError
from tests.helpers.custom_povm import TILTED
from tests.helpers.oracles import probabilities

PAULI = {"X": qutip.sigmax(), "Y": qutip.sigmay(), "Z": qutip.sigmaz(), "I": qutip.qeye(2)}
FRAMES = [POVMS["tetrahedral"](), POVMS["pauli4"](), Povm(TILTED)]
TEXTS = ["X0", "Z2", "Y1 Z0", "X0 Y1 Z2", "Z2 X0", "I"]


def random_state(n_sites: int) -> qutip.Qobj:
    return qutip.rand_dm([2] * n_sites, seed=7)


def operator(text: str, n_sites: int) -> qutip.Qobj:
    letters = {int(word[1:]): word[0] for word in text.split() if word != "I"}
    return qutip.tensor([PAULI[letters.get(site, "I")] for site in range(n_sites)])


@pytest.mark.parametrize("povm", FRAMES, ids=lambda povm: povm.name)
@pytest.mark.parametrize("text", TEXTS)
def test_string_of_a_random_state(text: str, povm: Povm) -> None:
    rho = random_state(3)
    found = expectation(probabilities(rho, povm), parse(text, 3), povm)
    assert found == pytest.approx(qutip.expect(operator(text, 3), rho), abs=1e-10)


@pytest.mark.parametrize("povm", FRAMES, ids=lambda povm: povm.name)
@pytest.mark.parametrize("n_sites", [1, 2, 3])
def test_purity_of_a_random_state(n_sites: int, povm: Povm) -> None:
    rho = random_state(n_sites)
    assert purity(probabilities(rho, povm), povm) == pytest.approx(rho.purity(), abs=1e-10)


def test_combinations_and_correlators_of_a_random_state() -> None:
    rho, povm = random_state(3), FRAMES[0]
    asked = parse_observables(["Z", "X*", {"current": [(2.0, "X0 Y1"), (-0.5, "I")]}], [("Z0", "Y1 X2")], 3)
    values = exact_values(probabilities(rho, povm), povm, asked)
    mean = {
        text: qutip.expect(operator(text, 3), rho) for text in ("Z0", "Z1", "Z2", "X1", "X0 Y1", "Z0 Y1 X2", "Y1 X2")
    }
    expected = {
        "Z": (mean["Z0"] + mean["Z1"] + mean["Z2"]) / 3,
        "X1": mean["X1"],
        "current": 2 * mean["X0 Y1"] - 0.5,
        "Z0 Y1 X2": mean["Z0 Y1 X2"],
        "Z0 Y1 X2 connected": mean["Z0 Y1 X2"] - mean["Z0"] * mean["Y1 X2"],
    }
    for name, value in expected.items():
        assert values[column(name)] == pytest.approx(value, abs=1e-10), name
    assert [each.name for each in asked] == ["Z", "X0", "X1", "X2", "current", "Z0 Y1 X2", "Z0 Y1 X2 connected"]


def test_samples_agree_with_exact_within_their_errors() -> None:
    povm = FRAMES[0]
    p = probabilities(qutip.tensor([random_state(2), random_state(1)]), povm)
    asked = parse_observables(["X0 Y1 Z2", {"sum": [(0.3, "Z0"), (2.0, "X1 X2")]}], [("Z0", "X1")], 3)
    exact = exact_values(p, povm, asked)
    numbers = torch.multinomial(p.flatten(), 40_000, replacement=True, generator=torch.Generator().manual_seed(3))
    samples_BN = torch.stack(torch.unravel_index(numbers, (4, 4, 4)), 1)
    for name, (mean, error) in sampled_values(samples_BN, povm, asked).items():
        assert 0 < error < 0.2
        assert abs(mean - exact[name]) < 4 * error, name


def test_error_of_a_connected_correlator_is_the_scatter_of_repeated_estimates() -> None:
    # polarised, so that what the factors' own means contribute to the error is as large as the rest
    polarised = (0.95 * qutip.fock_dm([2, 2], [0, 0]) + 0.05 * random_state(2)).unit()
    povm, p = FRAMES[0], probabilities(polarised, FRAMES[0])
    (asked,) = [one for one in parse_observables((), [("Z0", "Z1")], 2) if one.factors]
    generator = torch.Generator().manual_seed(5)
    means, errors = [], []
    for _ in range(300):
        numbers = torch.multinomial(p.flatten(), 400, replacement=True, generator=generator)
        samples_BN = torch.stack(torch.unravel_index(numbers, (4, 4)), 1)
        mean, error = sampled_values(samples_BN, povm, [asked])[column(asked.name)]
        means.append(mean)
        errors.append(error)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.15)


def test_operators_for_qutip_are_the_same_strings() -> None:
    strings = [parse(text, 3) for text in TEXTS]
    for text, found in zip(TEXTS, density_operators(strings, 3).values(), strict=True):
        assert (found - operator(text, 3)).norm() < 1e-12


def test_all_pairs_of_one_letter() -> None:
    names = [each.name for each in parse_observables((), "Z", 3)]
    assert names == [f"Z{i} Z{j}{kind}" for i, j in ((0, 1), (0, 2), (1, 2)) for kind in ("", " connected")]


def test_names_are_sorted_by_site() -> None:
    assert named(parse("Z3 X0", 4)) == "X0 Z3"


@pytest.mark.parametrize(
    ("observables", "correlators", "message"),
    [
        (["W0"], (), "'W0' is no Pauli matrix"),
        (["x0"], (), "'x0' is no Pauli matrix"),
        (["X0 Z"], (), "'Z' is no Pauli matrix"),
        (["X0 Z0"], (), "site 0 occurs twice"),
        (["X3"], (), "the lattice has sites 0 to 2"),
        (["X-1"], (), "the lattice has sites 0 to 2"),
        ([""], (), "expected text such as 'X0 Z3'"),
        ([7], (), "expected text such as 'X0 Z3'"),
        (7, (), "observables = 7: expected a list"),
        ([], (), "expected at least one"),
        ([{"a": []}], (), "has no terms"),
        ([{"a": "X0"}], (), "expected a list of pairs"),
        ([{"a": ["X0"]}], (), "expected a pair such as (2.0, 'X0 Y1')"),
        ([{"a": [(1j, "X0")]}], (), "coefficient = 1j: expected a number"),
        ([{"a<": [(1.0, "X0")]}], (), "without < and >"),
        ([{"a": [(2.0, "X0")]}, {"a": [(1.0, "X0")]}], (), "two different ones of that name"),
        (["X"], [("Z0", "X0")], "both have site 0"),
        (["X"], ["Z0"], "expected a pair such as ('Z0', 'Z3')"),
        (["X"], [("Z0", "Z1", "Z2")], "expected a pair"),
    ],
)
def test_what_cannot_be_measured_is_one_line(observables: object, correlators: object, message: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_observables(observables, correlators, 3)  # type: ignore[arg-type]
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_purity_from_samples_is_refused() -> None:
    with pytest.raises(InputError, match="expected enumeration"):
        sampled_values(torch.zeros(5, 2, dtype=torch.long), FRAMES[0], [Observable("purity", purity=True)])

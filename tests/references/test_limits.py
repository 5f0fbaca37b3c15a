"""Exact steady states against the evolution itself, for models whose steady state depends on the start.

The other route is a dense superoperator written out here and squared until it changes no more.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg

import repro
from repro.physics.lindblad import (
    IDENTITY,
    PAULIS,
    SIGMA_MINUS,
    SIGMA_PLUS,
    SIGMA_X,
    SIGMA_Y,
    SIGMA_Z,
    LindbladModel,
    heisenberg,
    tfim,
)
from repro.physics.povm import product_state_density
from repro.references.limits import has_unique_steady_state
from repro.solver import exact
from repro.utils.errors import InputError

XX_YY = np.kron(SIGMA_X, SIGMA_X) + np.kron(SIGMA_Y, SIGMA_Y)
ZZ = np.kron(SIGMA_Z, SIGMA_Z)
ASKED = ["Z*", "X*", "Y*"]


def on_all(operator: np.ndarray, sites: tuple[int, ...], n_sites: int) -> np.ndarray:
    """An operator on one or two sites among N, by moving axes."""
    k = len(sites)
    full = np.kron(operator, np.eye(2 ** (n_sites - k))).reshape((2,) * (2 * n_sites))
    order = [*sites, *(site for site in range(n_sites) if site not in sites)]
    back = np.argsort(order)
    return full.transpose([*back, *(n_sites + back)]).reshape(2**n_sites, 2**n_sites)


def superoperator(model: LindbladModel) -> np.ndarray:
    """L on density matrices stacked row by row (Eq. 1)."""
    N, one = model.lattice.n_sites, np.eye(2**model.lattice.n_sites)
    H = sum((on_all(t.operator, t.sites, N) for t in model.hamiltonian_terms), np.zeros_like(one, dtype=complex))
    L = -1j * (np.kron(H, one) - np.kron(one, H.T))
    for jump in model.jumps:
        G = on_all(jump.operator, jump.sites, N)
        loss = G.conj().T @ G
        L += jump.rate * (np.kron(G, G.conj()) - (np.kron(loss, one) + np.kron(one, loss.T)) / 2)
    return L


def end_of_evolution(problem: repro.Problem) -> dict[str, float] | None:
    """Means at the end of the evolution; None where it has not come to rest after 2^34 of its shortest times."""
    L = superoperator(problem.model)
    step = scipy.linalg.expm(L / (np.abs(L).sum(0).max() or 1.0))
    start = initial_state(problem)
    for _ in range(34):
        moved = step @ step
        rest = np.abs((moved - step) @ start).max()
        step = moved
        if rest < 1e-9:
            break
    else:
        return None
    return means_after(step, problem)


def initial_state(problem: repro.Problem) -> np.ndarray:
    rho = np.eye(1)
    for vector in problem.bloch_vectors:
        rho = np.kron(rho, product_state_density(vector))
    return rho.ravel()


def means_after(propagator: np.ndarray, problem: repro.Problem) -> dict[str, float]:
    """Of every Pauli on every site, after exp(L t)."""
    N = problem.n_sites
    end = (propagator @ initial_state(problem)).reshape(2**N, 2**N)
    return {
        f"{axis.upper()}{site}": float(np.trace(on_all(pauli, (site,), N) @ end).real)
        for axis, pauli in PAULIS.items()
        for site in range(N)
    }


def found(problem: repro.Problem, folder: Path) -> dict[str, float]:
    return {name: float(values[0]) for name, values in exact.steady_state(problem, folder).items()}


def draw(rng: np.random.Generator, N: int) -> repro.Problem:
    """A model with symmetries, decoupled parts, dark states, weak and strong rates, in any unit."""
    lattice = repro.chain(N)
    unit = 10.0 ** rng.uniform(-9, 9)

    def strength() -> float:
        return unit * 10.0 ** rng.uniform(-1.5, 1.5)

    two = [(b, strength() * (XX_YY, ZZ, XX_YY + ZZ)[rng.integers(3)]) for b in lattice.bonds if rng.random() < 0.7]
    one = [(s, strength() * (SIGMA_X, SIGMA_Z)[rng.integers(2)]) for s in lattice.sites if rng.random() < 0.4]
    local = (SIGMA_MINUS, SIGMA_PLUS, SIGMA_Z, SIGMA_X, IDENTITY, IDENTITY + SIGMA_MINUS)
    jumps = [(s, local[rng.integers(len(local))], strength()) for s in lattice.sites if rng.random() < 0.7]
    if rng.random() < 0.3:
        both = np.kron(SIGMA_MINUS, IDENTITY) + rng.choice([-1, 1]) * np.kron(IDENTITY, SIGMA_MINUS)
        jumps.append(((0, 1), both, strength()))  # type: ignore[arg-type]
    if not jumps:
        jumps = [(0, SIGMA_Z, strength())]
    initial = [(rng.uniform(-0.6, 0.6), rng.uniform(-0.5, 0.5), rng.uniform(-0.6, 0.6)) for _ in range(N)]
    return repro.Problem(LindbladModel(lattice, one, two, jumps), initial, observables=ASKED)


def test_the_exact_column_is_the_end_of_the_evolution_or_absent(tmp_path: Path) -> None:
    rng, compared, refused = np.random.default_rng(0), 0, []
    for number, n_sites in enumerate([2] * 57 + [3] * 38 + [4] * 4 + [5]):
        problem = draw(rng, n_sites)
        expected = end_of_evolution(problem)
        try:
            values = found(problem, tmp_path)
        except InputError as error:
            refused.append(str(error))
            assert "\n" not in str(error) and "expected" in str(error)
            assert expected is None, f"draw {number}: it does come to rest"
            continue
        if expected is None:
            continue
        compared += 1
        assert values == pytest.approx(expected, abs=1e-6), f"draw {number}"
    assert compared >= 75 and compared + len(refused) >= 95


def test_the_exact_evolution_is_the_evolution(tmp_path: Path) -> None:
    """At three times, up to ten of the model's shortest time scale, from the dense superoperator's exponential."""
    rng = np.random.default_rng(1)
    for number, n_sites in enumerate([2] * 12 + [3] * 9 + [4] * 3 + [5]):
        problem = draw(rng, n_sites)
        unit = problem.model.unit
        times = [0.0, *(rng.uniform(0.1, 10) / unit for _ in range(2))]
        found = exact.evolution(problem, sorted(times), tmp_path)
        for k, t in enumerate(sorted(times)):
            expected = means_after(scipy.linalg.expm(superoperator(problem.model) * t), problem)
            assert {name: values[k] for name, values in found.items()} == pytest.approx(expected, abs=1e-6), number


def collective(initial: list[str]) -> repro.Problem:
    jump = np.kron(SIGMA_MINUS, IDENTITY) + np.kron(IDENTITY, SIGMA_MINUS)
    drive = [(site, 0.5 * SIGMA_X) for site in range(2)]
    model = LindbladModel(repro.chain(2), one_site=drive, jumps=[((0, 1), jump, 1.0)])
    return repro.Problem(model, initial, observables=["Z0", "Z0 Z1"])


@pytest.mark.parametrize(
    ("initial", "expected"), [(["up", "up"], (-6 / 11, 5 / 11)), (["up", "down"], (-3 / 11, -3 / 11))]
)
def test_collective_decay_remembers_its_start(
    initial: list[str], expected: tuple[float, float], tmp_path: Path
) -> None:
    values = found(collective(initial), tmp_path)
    assert (values["Z0"], values["Z0 Z1"]) == pytest.approx(expected, abs=1e-6)


def test_dephasing_keeps_the_magnetisation_of_six_spins(tmp_path: Path) -> None:
    """Every arrangement of three up of six becomes as likely: <Z0 Z1> = (3 * 3 * -2 + 6) / 30 * 2 = -1/5."""
    chain = repro.chain(6)
    model = LindbladModel(
        chain, two_site=[(bond, XX_YY) for bond in chain.bonds], jumps=[(s, SIGMA_Z, 0.3) for s in chain.sites]
    )
    values = found(repro.Problem(model, ["up", "down"] * 3, observables=["Z0", "Z0 Z1"]), tmp_path)
    assert (values["Z0"], values["Z0 Z1"]) == pytest.approx((0.0, -0.2), abs=1e-6)


@pytest.mark.parametrize(("state", "expected"), [("up", 1.0), ("down", -1.0), ("plus", 0.0)])
def test_a_site_that_nothing_touches_stays(state: str, expected: float, tmp_path: Path) -> None:
    graph = repro.graph([(0, 1)], n_sites=3)
    model = LindbladModel(
        graph,
        one_site=[(site, 0.5 * SIGMA_X) for site in (0, 1)],
        two_site=[((0, 1), ZZ)],
        jumps=[(site, SIGMA_MINUS, 1.0) for site in (0, 1)],
    )
    values = found(repro.Problem(model, ["up", "up", state], observables=["Z2"]), tmp_path)
    assert values["Z2"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n_sites", [2, 6])
def test_jumps_that_do_nothing_leave_the_start(n_sites: int, tmp_path: Path) -> None:
    model = LindbladModel(repro.chain(n_sites), jumps=[(site, IDENTITY, 1.0) for site in range(n_sites)])
    values = found(repro.Problem(model, ["up"] + ["down"] * (n_sites - 1), observables=["Z0", "Z1"]), tmp_path)
    assert (values["Z0"], values["Z1"]) == pytest.approx((1.0, -1.0), abs=1e-9)


def test_an_evolution_that_oscillates_for_ever_has_no_exact_steady_state(tmp_path: Path) -> None:
    """The second spin only turns."""
    model = LindbladModel(repro.chain(2), one_site=[(1, SIGMA_X)], jumps=[(0, SIGMA_MINUS, 1.0)])
    with pytest.raises(InputError, match="oscillates for ever"):
        exact.steady_state(repro.Problem(model, observables=["Z*"]), tmp_path)
    at_rest = repro.Problem(model, ["up", "plus"], observables=["Z0", "X1"])
    assert found(at_rest, tmp_path) == pytest.approx({"Z0": -1.0, "X1": 1.0}, abs=1e-6)


def test_what_is_shown_to_be_unique() -> None:
    ring = repro.ring(4)
    assert has_unique_steady_state(tfim(ring, 2.0, 1.0)) and has_unique_steady_state(heisenberg(ring, (1.0, 2.0, 3.0)))
    assert not has_unique_steady_state(tfim(ring, 2.0, 1.0, gamma=0.0))
    shifted = [(site, SIGMA_PLUS + 0.3 * IDENTITY, 0.1) for site in ring.sites]
    assert has_unique_steady_state(LindbladModel(ring, jumps=shifted))
    assert not has_unique_steady_state(LindbladModel(ring, jumps=shifted[1:]))
    assert not has_unique_steady_state(LindbladModel(ring, jumps=[(site, SIGMA_Z, 1.0) for site in ring.sites]))


@pytest.mark.parametrize("unit", [1e-9, 1e-6, 3.0, 1e9])
def test_a_steady_state_does_not_depend_on_the_unit(unit: float, tmp_path: Path) -> None:
    """Six driven spins with rates of 1e-6 once gave the maximally mixed state."""
    chain = repro.chain(6)

    def problem(s: float) -> repro.Problem:
        model = LindbladModel(
            chain,
            one_site=[(site, 0.4 * s * SIGMA_X) for site in chain.sites],
            two_site=[(bond, 0.7 * s * ZZ) for bond in chain.bonds],
            jumps=[(site, SIGMA_MINUS, s) for site in chain.sites],
        )
        return repro.Problem(model, observables=["Z", "X"])

    assert found(problem(unit), tmp_path) == pytest.approx(found(problem(1.0), tmp_path), abs=1e-7)


def test_beyond_eight_sites_the_limit_is_left_out_with_a_line(tmp_path: Path) -> None:
    model = LindbladModel(repro.chain(9), jumps=[(site, SIGMA_Z, 1.0) for site in range(9)])
    with pytest.raises(InputError, match="9 sites, expected at most 8 where a steady state is not shown"):
        exact.steady_state(repro.Problem(model), tmp_path)


def test_exact_values_of_another_version_are_found_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a version with a wrong solver has left in the folder is not believed."""
    problem = collective(["up", "up"])
    with monkeypatch.context() as older:
        older.setitem(exact.NUMBERS, exact.STEADY, 0)
        older.setattr(exact.limits, "limit", lambda *_: ("wrong", exact._initial_state(problem)))
        assert found(problem, tmp_path)["Z0"] == pytest.approx(1)
    assert found(problem, tmp_path)["Z0"] == pytest.approx(-6 / 11, abs=1e-6)

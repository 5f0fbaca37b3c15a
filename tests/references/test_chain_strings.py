"""Strings, combinations and the purity by matrix products: against QuTiP and closed forms; errors; what is left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import repro
from repro.physics import lattice, lindblad
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z
from repro.references import chain_strings, line_observables
from repro.references.cache import Reference
from repro.references.limits import yet_to_go
from repro.references.line_observables import one_way_round, shorter, still_to_move
from repro.solver import exact
from repro.utils.errors import InputError
from tests.references.test_chain import random_chain

VECTORS = [(0.3, -0.5, 0.7), (0.0, 0.6, -0.2), (-0.9, 0.1, 0.0), (0.2, 0.2, 0.9), (0.0, 0.0, -1.0), (0.0, 0.0, 1.0)]
STRINGS = ["Z", "X1", "Z0 Z3", "Y1 Z2 X5", "purity", {"current": [(2.0, "X0 Y1"), (-1.0, "Z4 Z5")]}]


def curves(reference: Reference, problem: repro.Problem) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Name, means and errors of every observable."""
    rows = np.split(reference.table[["mean", "error"]].to_numpy(), len(problem.asked))
    return [(each.name, *part.T) for each, part in zip(problem.asked, rows, strict=True)]


def evolved(problem: repro.Problem, t_end: float, folder: Path) -> Reference:
    return chain_strings.evolution(problem.model, problem.bloch_vectors, problem.asked, t_end, [folder])


@pytest.fixture
def irregular() -> repro.Problem:
    """Six spins on an open chain, every term and every start different."""
    problem = repro.Problem(random_chain(3, 6), VECTORS, observables=STRINGS, correlators=[("Z0", "X3")])
    return problem.in_natural_units()


def test_an_open_chain_is_qutips(irregular: repro.Problem, tmp_path: Path) -> None:
    reference = evolved(irregular, 2.0, tmp_path)
    times = reference.table["t"].unique()
    expected = exact.evolution(irregular, list(times), tmp_path)
    for name, mean, error in curves(reference, irregular):
        off = np.abs(mean - expected[name])
        assert off.max() < 2e-4 and (off <= error + 1e-4).all(), name
        assert np.ptp(expected[name]) > 5e-4, "the test would see nothing"
    assert reference.info["missing"] == []


@pytest.mark.slow
def test_a_steady_state_of_an_open_chain_is_qutips(irregular: repro.Problem, tmp_path: Path) -> None:
    reference = chain_strings.steady_state(irregular.model, irregular.bloch_vectors, irregular.asked, [tmp_path])
    expected = exact.steady_state(irregular, tmp_path)
    for name, (mean,), (error,) in curves(reference, irregular):
        assert abs(mean - expected[name][0]) <= min(error + 1e-4, 1e-3), name


def test_a_ring_is_qutips_within_its_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring of eight as the infinite chain, compared with a ring of six: strings the shorter way round."""
    monkeypatch.setattr(line_observables, "RING", 6)
    monkeypatch.setattr(line_observables.Evolution, "ring", 6)
    strings = ["Z", "X3", "Z0 Z2", "Z7 Z0", "X6 Y1", "Y0 Z4", "Z2 X5 Y6", "purity", "Z0 Z2 Z5 Z7"]
    model = lindblad.tfim(lattice.ring(8), 2.0, 1.0)
    problem = repro.Problem(model, (0.6, 0.0, 0.8), observables=strings, correlators=[("Z0", "Z3")])
    reference = evolved(problem, 1.5, tmp_path)
    expected = exact.evolution(problem, list(reference.table["t"].unique()), tmp_path)
    for name, mean, error in curves(reference, problem):
        if name in ("purity", "Z0 Z2 Z5 Z7"):
            assert np.isnan(mean).all() and np.isnan(error).all()
            continue
        off = np.abs(mean - expected[name])
        assert off.max() < 1e-3 and (off <= error + 1e-6).all(), name
    assert "2 of 11 observables left out" in reference.info["missing"][0]
    assert reference.info["errors"]["ring"] > 1e-5


@pytest.mark.slow
def test_correlators_of_a_ring_of_ten_at_short_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_observables, "RING", 8)
    monkeypatch.setattr(line_observables.Evolution, "ring", 8)
    model = lindblad.heisenberg(lattice.ring(10), (0.9, 1.8, 1.0), B=0.3).in_units_of(2.0)
    pairs = [("Z0", f"Z{k}") for k in range(1, 6)]
    problem = repro.Problem(model, "plus", observables=["X"], correlators=pairs)
    reference = evolved(problem, 1.0, tmp_path)
    expected = exact.evolution(problem, list(reference.table["t"].unique()), tmp_path)
    for name, mean, error in curves(reference, problem):
        off = np.abs(mean - expected[name])
        assert np.nanmax(off) < 2e-3 and np.nanmax(off - error) < 1e-6, name


def independent(n_sites: int, observables: Sequence[str]) -> repro.Problem:
    model = repro.LindbladModel(lattice.chain(n_sites), jumps=[(k, SIGMA_MINUS, 1.0) for k in range(n_sites)])
    return repro.Problem(model, observables=observables)


def test_independent_spins_decay(tmp_path: Path) -> None:
    """<Z_k> = 2 exp(-t) - 1, and products of it; the purity is that of one spin to the twelfth."""
    problem = independent(12, ["Z", "Z3", "Z2 Z9", "purity"])
    reference = evolved(problem, 2.0, tmp_path)
    t = reference.table["t"].unique()
    z = 2 * np.exp(-t) - 1
    expected = {"Z": z, "Z3": z, "Z2 Z9": z**2, "purity": ((1 + z**2) / 2) ** 12}
    for name, mean, error in curves(reference, problem):
        np.testing.assert_allclose(mean, expected[name], atol=1e-6)
        assert error.max() < 1e-6


def test_what_misses_the_target_is_left_out_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bond dimension of sixteen is enough at first; a shorter time is had whole, and stored apart."""
    monkeypatch.setattr(chain_strings, "BOND_DIMENSIONS", (8, 16))
    model = lindblad.heisenberg(lattice.chain(6), (2.0, 0.0, 1.0), B=1.0)
    problem = repro.Problem(model, "left", observables=["X", "Z2 Z4"]).in_natural_units()
    reference = evolved(problem, 7.0, tmp_path)
    expected = exact.evolution(problem, list(reference.table["t"].unique()), tmp_path)
    for name, mean, error in curves(reference, problem):
        there = ~np.isnan(mean)
        assert 3 < there.sum() < len(mean) and there[: there.sum()].all()
        assert (np.abs(mean - expected[name])[there] <= 0.01).all() and (error[there] <= 0.01).all(), name
    (line,) = reference.info["missing"]
    assert "2 of 2 observables left out at late times" in line and "at bond dimension 16" in line
    assert evolved(problem, 0.3, tmp_path).info["missing"] == []
    monkeypatch.setattr(chain_strings, "_reference", lambda *_: pytest.fail("computed again"))
    assert evolved(problem, 7.0, tmp_path).table.equals(reference.table)
    assert evolved(problem, 0.2, tmp_path).t_end == pytest.approx(0.4, abs=0.2)


def test_no_time_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_strings, "SECONDS", 0.0)
    reference = evolved(independent(12, ["Z"]), 1.0, tmp_path)
    assert reference.table["mean"].isna().all() and "not within 0 s" in reference.info["missing"][0]


def test_a_steady_state_that_takes_too_long_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decay a hundred times slower than the field, never at rest within twenty."""
    monkeypatch.setattr(line_observables, "LONGEST", 20.0)
    jumps = [(k, SIGMA_MINUS, 0.01) for k in range(11)]
    model = repro.LindbladModel(lattice.chain(11), one_site=[(k, SIGMA_Z) for k in range(11)], jumps=jumps)
    asked = repro.Problem(model, observables=["Z", "X"]).asked
    reference = chain_strings.steady_state(model, [(0.0, 0.0, 1.0)] * 11, asked, [tmp_path])
    assert np.isnan(reference.table["mean"][0]) and reference.table["mean"][1] == pytest.approx(0, abs=1e-9)
    assert "rest" in reference.info["missing"][0]


def test_what_a_slow_decay_has_yet_to_go() -> None:
    """exp(-t / 50) seen to t = 40 has exp(-0.8) to go; exp(-t) nothing that counts; constants nothing."""
    t = np.arange(41.0)
    left = still_to_move(np.stack([np.exp(-t / 50), np.exp(-t), np.ones(41)], axis=1), 1.0)
    assert left[0] == pytest.approx(math.exp(-0.8), rel=0.01)
    assert left[1] < 1e-9 and left[2] == 0


@pytest.mark.parametrize("rate", [1e-9, 1e-6, 0.01, 0.05])
def test_a_decay_of_any_slowness_has_all_of_its_rest_to_go(rate: float) -> None:
    """exp(-rate t) seen to t = 20, rounded as matrix products round; of the slowest no more than that it is much."""
    t = np.arange(21.0)
    rounded = np.exp(-rate * t) + 1e-14 * np.random.default_rng(0).normal(size=21)
    left = still_to_move(rounded[:, None], 1.0)[0]
    assert left > 0.9 * math.exp(-rate * 20) and (rate < 1e-5 or left == pytest.approx(math.exp(-rate * 20), rel=0.01))


def test_noise_is_no_slow_decay() -> None:
    """A last change larger than the first is none; and of noise, few windows say more than ten times its size."""
    assert yet_to_go(np.cumsum([0.0, 0.00021, 0.00108, 0.00041])[:, None], 1.0)[0] == 0
    assert yet_to_go(np.cumsum([0.0, 0.00021, 0.00030, 0.00041])[:, None], 1.0)[0] == 0
    assert yet_to_go(np.cumsum([0.0, 0.001486, 0.001490, 0.001484])[:, None], 1.0)[0] > 1, "a decay, fitted to 0.3 %"
    left = yet_to_go(1e-3 * np.random.default_rng(0).normal(size=(4, 100_000)), 1.0)
    assert np.mean(left > 0.01) < 1e-3 and np.mean(left > 0) < 0.01
    assert (yet_to_go(0.3 + 1e-16 * np.random.default_rng(1).normal(size=(4, 1000)), 1.0) == 0).all()


def test_a_relaxation_that_is_hardly_seen_is_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A weak field beside dephasing turns <Z> from 1 to 0 at a rate of 2e-8 of the unit."""
    monkeypatch.setattr(line_observables, "LONGEST", 20.0)
    jumps = [(k, SIGMA_Z, 1.0) for k in range(3)]
    model = repro.LindbladModel(lattice.chain(3), one_site=[(k, 1e-4 * SIGMA_X) for k in range(3)], jumps=jumps)
    asked = repro.Problem(model, observables=["Z", "Z0 Z1"]).asked
    reference = chain_strings.steady_state(model, [(0.0, 0.0, 1.0)] * 3, asked, [tmp_path])
    assert reference.table["mean"].isna().all()
    assert "rest 2" in reference.info["missing"][0] or "rest 1" in reference.info["missing"][0]


@pytest.mark.parametrize(
    ("string", "expected"),
    [
        (((0, "X"), (11, "Y")), ((0, "Y"), (1, "X"))),
        (((3, "Z"),), ((0, "Z"),)),
        (((1, "X"), (4, "Y"), (11, "Z")), ((0, "Z"), (2, "X"), (5, "Y"))),
        ((), ()),
    ],
)
def test_the_shorter_way_round(string: tuple[tuple[int, str], ...], expected: tuple[tuple[int, str], ...]) -> None:
    assert one_way_round(string, 12) == expected


def test_gaps_are_shortened_to_fit() -> None:
    assert shorter(((0, "X"), (7, "Y")), 5) == ((0, "X"), (5, "Y"))
    assert shorter(((0, "X"), (1, "Z"), (6, "Y")), 4) == ((0, "X"), (1, "Z"), (4, "Y"))
    assert shorter(tuple((k, "Z") for k in range(7)), 5) is None


@pytest.mark.parametrize(
    ("model", "vectors", "said"),
    [
        (lindblad.tfim(lattice.rectangle(3, 4), 2.0, 1.0), "up", "expected a chain or a ring"),
        (lindblad.tfim(lattice.ring(9), 2.0, 1.0), "up", "ring with 9 sites"),
        (lindblad.tfim(lattice.ring(12), 2.0, 1.0), ["up", "down"] * 6, "an initial state per site"),
        (repro.LindbladModel(lattice.ring(12), one_site=[(3, SIGMA_X)]), "up", "the sites differ"),
    ],
)
def test_what_is_no_line_is_refused(model: repro.LindbladModel, vectors: str, said: str, tmp_path: Path) -> None:
    problem = repro.Problem(model, vectors, observables=["Z"])
    with pytest.raises(InputError, match=said):
        evolved(problem, 1.0, tmp_path)
    assert not list(tmp_path.iterdir())

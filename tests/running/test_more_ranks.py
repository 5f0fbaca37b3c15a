"""One rank or two with the same number of draws altogether: the same state, also where a run gains a rank midway."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import qutip

from repro.physics.lindblad import PAULIS
from repro.running import checkpoints, events
from repro.running.folders import CHECKPOINT, RunSettings, point_folder
from repro.running.runner import run_point
from tests.helpers.oracles import qutip_model
from tests.helpers.points import COUPLED, Interrupted, history, run, stop_in_iteration

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ITERATIONS, EPOCH = 200, 20
POINT = COUPLED.change(estimator="sampled", n_samples=400, iterations=ITERATIONS)
SEEDS_OF_ONE, SEEDS_OF_TWO = range(6), range(3)
TAIL = 5
"""Last rows of a history that are averaged: a search by draws goes up and down around its state."""


def shared_run(seed: int, runs: Path) -> Path:
    """The point's folder, its draws shared by two ranks."""
    return run_point(POINT.change(seed=seed), RunSettings(runs, tracking="disabled", devices=2))


def late_sigma_z(folder: Path) -> float:
    """<sigma_z> over the last epochs."""
    return float(history(folder)["sigma_z"][-TAIL:].mean())


def exact_sigma_z() -> float:
    """<sigma_z> of QuTiP's steady state."""
    hamiltonian, jumps = qutip_model(POINT.point.system.build_model())
    rho = qutip.steadystate(hamiltonian, jumps)
    sites = [qutip.expand_operator(qutip.Qobj(PAULIS["z"]), [2, 2], [site]) for site in (0, 1)]
    return float(np.mean([qutip.expect(site, rho) for site in sites]))


def assert_same_mean(a: list[float], b: list[float]) -> None:
    """Two sets of seeds: their means agree within three combined standard errors, of one spread for both."""
    inside = sum(len(x) * np.var(x) for x in (a, b)) / (len(a) + len(b) - 2)
    error = np.sqrt(inside * (1 / len(a) + 1 / len(b)))
    assert abs(np.mean(a) - np.mean(b)) < 3 * error
    assert error < 0.02  # else nothing would be tested


def test_two_ranks_find_the_state_that_one_finds_with_all_draws(tmp_path: Path) -> None:
    one = [late_sigma_z(run(POINT.change(seed=seed), tmp_path / "one")) for seed in SEEDS_OF_ONE]
    two = [late_sigma_z(shared_run(seed, tmp_path / "two")) for seed in SEEDS_OF_TWO]
    assert_same_mean(one, two)
    assert np.mean(one) == pytest.approx(exact_sigma_z(), abs=0.015)
    assert np.mean(two) == pytest.approx(exact_sigma_z(), abs=0.015)


def test_a_run_of_one_rank_goes_on_with_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    epochs_alone = ITERATIONS // EPOCH // 2
    with monkeypatch.context() as patch:
        stop_in_iteration(patch, epochs_alone, 3)
        with pytest.raises(Interrupted):
            run(POINT.change(seed=0), tmp_path)
    point = POINT.change(seed=0)
    saved = checkpoints.load(point_folder(tmp_path, point) / CHECKPOINT, point)
    assert len(saved["history"]) == 1 + epochs_alone

    folder = shared_run(0, tmp_path)
    assert [event["event"] for event in events.read(folder)] == ["started", "resumed", "finished"]
    rows = history(folder)
    assert list(rows["iteration"]) == list(range(0, ITERATIONS + 1, EPOCH))
    kept = [row["sigma_z"] for row in saved["history"]]
    assert list(rows["sigma_z"][: len(kept)]) == pytest.approx(kept, abs=1e-12)
    steps = checkpoints.load(folder / CHECKPOINT, point)["optimizer_states"][0]["state"].values()
    assert {int(of_parameter["step"]) for of_parameter in steps} == {ITERATIONS}
    assert late_sigma_z(folder) == pytest.approx(exact_sigma_z(), abs=0.03)

"""Which points solve a problem: the estimator by size and by memory, the method by what is asked for."""

from __future__ import annotations

from typing import Any

import pytest

import repro
from repro.config.point import hashed
from repro.physics.lindblad import SIGMA_MINUS
from repro.solver.plan import EVOLUTION, STEADY, Request, points
from tests.helpers.solving import GIB, pair


@pytest.mark.parametrize(("n_sites", "expected"), [(8, "enumeration"), (9, "sampled")])
def test_the_estimator_is_chosen_by_size(n_sites: int, expected: str) -> None:
    model = repro.LindbladModel(repro.chain(n_sites), jumps=[(0, SIGMA_MINUS, 1.0)])
    (point,) = points(repro.Problem(model), Request(t_end=1.0), GIB, "cpu")[EVOLUTION]
    assert point.settings["estimator"] == expected
    assert (point.settings["method"] == "projection") == (expected == "enumeration")


def test_the_estimator_is_chosen_by_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model = repro.LindbladModel(repro.chain(8), jumps=[(0, SIGMA_MINUS, 1.0)])
    monkeypatch.setattr("repro.running.memory_check.free_memory", lambda device: 650 * 2**20)
    (point,) = points(repro.Problem(model), Request(t_end=1.0), GIB, "cpu")[EVOLUTION]
    assert point.settings["estimator"] == "sampled"


@pytest.mark.parametrize("method", ["auto", "tdvp"])
def test_draws_reach_a_steady_state_by_velocities(method: str) -> None:
    found = points(pair(), Request(t_end=1.0, steady=True, estimator="sampled", method=method), GIB, "cpu")
    (evolution,), (steady,) = (found[kind] for kind in (EVOLUTION, STEADY))
    assert evolution.settings["method"] == ("collocation" if method == "auto" else "tdvp")
    assert evolution.settings["n_samples"] == (1000 if method == "auto" else 2000)
    expected = {"method": "tdvp", "n_samples": 1000, "tau": 0.04, "t_end": 10.0, "layers": 1, "substeps": 1}
    assert expected.items() <= steady.settings.items()
    assert (evolution.settings["measured_batches"], steady.settings["measured_batches"]) == (8, 1)
    assert "measured_batches" in hashed(steady.point) and "measured_batches" not in hashed(evolution.point)


@pytest.mark.parametrize(
    "asked",
    [{"iterations": 50}, {"step": 0.2}, {"changes": {"reuse": 2}}, {"changes": {"step_learning_rate": 1e-3}}],
    ids=str,
)
def test_what_only_collocation_has_keeps_it(asked: dict[str, Any]) -> None:
    (steady,) = points(pair(), Request(steady=True, estimator="sampled", **asked), GIB, "cpu")[STEADY]
    assert steady.settings["method"] == "collocation"


@pytest.mark.parametrize(
    "asked", [{"step": 0.05}, {"changes": {"n_samples": 300}}, {"changes": {"ridge": 0.1}}], ids=str
)
def test_what_velocities_have_does_not(asked: dict[str, Any]) -> None:
    (steady,) = points(pair(), Request(steady=True, estimator="sampled", **asked), GIB, "cpu")[STEADY]
    assert steady.settings["method"] == "tdvp"
    assert asked.get("changes", {}).items() <= steady.settings.items()


def test_exact_sums_are_projected_as_before() -> None:
    (steady,) = points(pair(), Request(steady=True), GIB, "cpu")[STEADY]
    expected = {"method": "projection", "tau": 1.25, "step_iterations": 1000, "dense_output": 4, "t_end": 10.0}
    assert expected.items() <= steady.settings.items() and steady.settings["n_samples"] is None

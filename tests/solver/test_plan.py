"""Which points solve a problem: the estimator by size and by memory."""

from __future__ import annotations

import pytest

import repro
from repro.physics.lindblad import SIGMA_MINUS
from repro.solver.plan import EVOLUTION, Request, points
from tests.helpers.solving import GIB


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

"""What tests of exact references share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from repro import exact

SHIPPED = Path(__file__).resolve().parents[1] / "results" / "reference"


def averages(reference: exact.Reference, t: float = np.inf) -> list[float]:
    return [float(reference.at(t, name)) for name in exact.OBSERVABLES]


def forbid_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args, **kwargs):
        raise AssertionError("computed a reference that was on disk")

    for solver in ("evolve", "solve_steady_state"):
        monkeypatch.setattr(exact, solver, refuse)

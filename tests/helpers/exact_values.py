"""What tests of exact references share."""

from __future__ import annotations

import numpy as np
import pytest

from repro.references import density_matrix, limits
from repro.references.cache import Reference
from repro.utils.names import PAULI_AVERAGES
from tests.helpers.paths import ROOT

SHIPPED = ROOT / "results" / "reference"


def averages(reference: Reference, t: float = np.inf) -> list[float]:
    return [float(reference.at(t, name)) for name in PAULI_AVERAGES]


def forbid_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args, **kwargs):
        raise AssertionError("computed a reference that was on disk")

    for module in (density_matrix, limits):
        monkeypatch.setattr(module, "evolve", refuse)
    monkeypatch.setattr(limits, "solve_steady_state", refuse)

"""What tests of exact references share."""

from __future__ import annotations

import numpy as np
import pytest

from repro.references import density_matrix, limits
from repro.references.cache import Reference
from repro.references.gates import circuit, curves
from repro.references.gates.circuit import Circuit
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


class Known:
    """Trajectories of gates that are known, without a simulator: noise of size 0.1 about 0.5 - t / 100.

    Attributes:
        seeds: of those that were asked for.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seeds: list[int] = []
        monkeypatch.setattr(circuit, "installed", lambda: True)
        monkeypatch.setattr(curves, "version", lambda package: "0")
        monkeypatch.setattr(Circuit, "trajectory", lambda made, seed: self.draw(made.times, seed))

    def draw(self, times: np.ndarray, seed: int) -> np.ndarray:
        self.seeds.append(seed)
        noise = 0.1 * np.random.default_rng(seed).normal(size=3)
        return 0.5 - times[:, None] / 100 + noise

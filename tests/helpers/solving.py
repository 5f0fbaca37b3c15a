"""A small problem and small settings to solve it with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z

TINY: dict[str, Any] = {"layers": 1, "width": 8, "heads": 1, "feedforward": 8, "quiet": True}
GIB = 2**30


def pair(**more: Any) -> repro.Problem:
    """Two coupled spins that decay."""
    model = repro.LindbladModel(
        repro.chain(2),
        one_site=[(1, 0.4 * SIGMA_X)],
        two_site=[((0, 1), 0.5 * np.kron(SIGMA_Z, SIGMA_Z))],
        jumps=[(site, SIGMA_MINUS, 1.0) for site in range(2)],
    )
    return repro.Problem(model, ["up", "plus"], **more)


def solved(problem: repro.Problem, runs: Path, t_end: float | None = 1.0, **settings: Any) -> repro.Solution:
    return repro.solve(problem, t_end, runs=runs, **{**TINY, "iterations": 200, **settings})

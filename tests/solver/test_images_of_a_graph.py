"""Images of draws on a lattice that is nobody's but the user's: two triangles that share a site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import repro
from repro.physics.lindblad import heisenberg

BOW_TIE = repro.graph([(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 2)])
ASKED = ["Z", "Z0", "Z2", "Z0 Z1", "Z0 Z4", "X0 X2", "Y2 Y4"]


def test_images_and_momentum_bring_the_same_draws_closer_to_exact(tmp_path: Path) -> None:
    problem = repro.Problem(heisenberg(BOW_TIE, (0.9, 1.8, 1.0)), ["up"] * 5, observables=ASKED)
    off = []
    for more in ({}, {"lattice_images": 4, "momentum": 0.95}):
        settings: dict[str, Any] = {"t_end": 0.4, "step": 0.05, "method": "tdvp", "width": 16, "n_samples": 150, **more}
        table = repro.solve(problem, estimator="enumeration", quiet=True, runs=tmp_path, **settings).table
        off.append(float(((table["mean"] - table["exact"]) ** 2).mean() ** 0.5))
    assert off[1] < 0.7 * off[0], off

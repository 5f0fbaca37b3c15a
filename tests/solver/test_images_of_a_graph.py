"""Images of draws on a lattice that is nobody's but the user's: two triangles that share a site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import repro
from repro.physics.lindblad import heisenberg

BOW_TIE = repro.graph([(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 2)])


def test_images_and_momentum_bring_the_same_draws_closer_to_exact(tmp_path: Path) -> None:
    problem = repro.Problem(heisenberg(BOW_TIE, (0.9, 1.8, 1.0)), ["up"] * 5, observables=["Z"])
    off = []
    for more in ({}, {"lattice_images": 4, "momentum": 0.95}):
        settings: dict[str, Any] = {"t_end": 0.4, "method": "tdvp", "estimator": "sampled", "n_samples": 200, **more}
        table = repro.solve(problem, quiet=True, runs=tmp_path, **settings).table
        off.append(float((table["mean"] - table["exact"]).abs().max()))
    assert off[1] < 0.7 * off[0] and off[1] < 0.012, off

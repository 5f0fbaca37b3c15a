"""Fig. S5: repeated variational searches of the 16-site transverse-field Ising ring, and their average.

V = g = 2 (gamma = 1), settings of Fig. 3 with other seeds. The average of the observables is the observable of the
averaged probability (Eqs. S17, S18).
"""

from __future__ import annotations

from repro.config.listed import Listed
from repro.config.point import Point

from . import fig3


def points(profile: str) -> tuple[Listed, ...]:
    """Seeds 0, 1, 2, ... of one search; seed 0 is the point of Fig. 3."""
    g = 1.6 if profile == "smoke" else 2.0
    base = next(p for p in fig3.points(profile) if p.settings["g"] == g)
    n_seeds = {"smoke": 3, "quick": 3, "workstation": 8, "paper": 8}[profile]
    return tuple(base.change(figure="figS5", seed=seed) for seed in range(n_seeds))


def exact_line(profile: str) -> tuple[Point, ...]:
    """The point whose steady state makes the black line."""
    return (points(profile)[0].point,)

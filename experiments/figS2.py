"""Fig. S2: the variational loss over the iterations.

(a) the 16-site transverse-field Ising ring at V = g = 2 (gamma = 1), one layer, width 32.
(b) the 3x3 Heisenberg lattice at J_y = 1.8, two layers, width 64, string 0.
"""

from __future__ import annotations

from repro.config.listed import Listed
from repro.config.point import Point

from . import fig3, fig4

SEEDS = tuple(range(8, 16))
"""Further searches of (b), of which the losses are kept too; the ledger takes the same (claim 7)."""
LOSSES = True
"""Every iteration's loss goes with the table."""


def points(profile: str) -> tuple[Listed, ...]:
    """One search of Fig. 3 and one of Fig. 4; the paper's profile has further seeds of the second."""
    ring = next(p for p in fig3.points(profile) if p.settings["g"] == (1.6 if profile == "smoke" else 2.0))
    width = 32 if profile == "smoke" else 64
    lattice = fig4.points(profile)[0].change(Jy=1.8, layers=2, width=width, strings="0s")
    shown = ring.change(figure="figS2", panel="a"), lattice.change(figure="figS2", panel="b")
    return (*shown, *(shown[1].change(seed=seed) for seed in SEEDS if profile == "paper"))


def exact_line(profile: str) -> tuple[Point, ...]:
    """The exact steady states of both, where QuTiP or stored trajectories reach."""
    return tuple(listed.point for listed in points(profile)[:2])

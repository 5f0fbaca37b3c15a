"""Fig. 2: time evolution of <sigma_z> on Heisenberg rings and on the 3x3 lattice, beside exact curves.

(a) rings of 10, 20 and 40 spins, B = 1, J_x = 2, J_y = 0, J_z = 1 (gamma = 1), start <sigma_y> = -1; tau = 0.005.
(b) periodic 3x3 lattice, B = 0, J_x = 0.9, J_z = 1, J_y = 1.0 and 1.8, start all spins up; tau = 0.008.
Tetrahedral POVM, one layer, width 32. QuTiP reaches ten spins.
"""

from __future__ import annotations

from typing import Any

from repro.config.listed import Listed, listed_of
from repro.config.point import Point

from . import fig4

RING = listed_of(
    figure="fig2",
    panel="a",
    lattice="ring",
    n_sites=10,
    Jx=2.0,
    Jy=0.0,
    Jz=1.0,
    B=1.0,
    initial="left",
    method="dynamics",
    t_end=4.0,
    **fig4.FALLING_RATE,
)
LATTICE_JY = (1.0, 1.8)
LATTICE_T_END = 5.0


def points(profile: str) -> tuple[Listed, ...]:
    """Rings of panel (a), then the lattice of panel (b)."""
    return {"smoke": _smoke, "quick": _quick, "workstation": _workstation, "paper": _paper}[profile]()


def exact_line(profile: str) -> tuple[Point, ...]:
    """None: exact curves are in the table, beside every evolution."""
    return ()


def sampled_ring(base: Listed, n_sites: int, n_samples: int, t_end: float, **more: Any) -> Listed:
    """The same evolution on a larger ring, from samples."""
    return base.change(n_sites=n_sites, estimator="sampled", n_samples=n_samples, t_end=t_end, **more)


def _lattice(profile: str) -> list[Listed]:
    """The evolutions that Fig. 4 has of this profile, at the two couplings of panel (b)."""
    evolved = [p for p in fig4.points(profile) if p.settings["method"] == "dynamics" and p.settings["Jy"] in LATTICE_JY]
    return [p.change(figure="fig2", panel="b", t_end=min(p.settings["t_end"], LATTICE_T_END)) for p in evolved]


def _smoke() -> tuple[Listed, ...]:
    ring = RING.change(profile="smoke", n_sites=4, tau=0.025, t_end=0.5, step_iterations=15)
    return (ring, sampled_ring(ring, 8, 60, 0.1, step_iterations=5), *_lattice("smoke"))


def _quick() -> tuple[Listed, ...]:
    """Ten spins over the first oscillations in time steps six times the paper's; the start of a larger ring."""
    ring = RING.change(profile="quick", tau=0.03, t_end=2.0, step_iterations=100)
    return (ring, sampled_ring(ring, 20, 300, 0.18), *_lattice("quick"))


def _workstation() -> tuple[Listed, ...]:
    """Ten spins whole, larger rings as far as an hour of one core carries them."""
    ring = RING.change(profile="workstation", tau=0.05, step_iterations=400)
    return (
        ring,
        sampled_ring(ring, 20, 300, 0.3, tau=0.03, step_iterations=100),
        sampled_ring(ring, 40, 200, 0.12, tau=0.03, step_iterations=80),
        *_lattice("workstation"),
    )


def _paper() -> tuple[Listed, ...]:
    """The paper's batch and time step; iterations per time step, which it does not give, of the public code.

    "N_s = 12000" may be draws of an iteration or of a time step: larger rings take the second, 100 of an iteration.
    """
    ring = RING.change(**fig4.PUBLIC_CODE, profile="paper", tau=0.005, n_samples=12000)
    return (ring, *(sampled_ring(ring, n_sites, 100, 4.0) for n_sites in (20, 40)), *_lattice("paper"))

"""Fig. 2: time evolution of <sigma_z> on Heisenberg rings and on the 3x3 lattice, beside exact curves.

(a) rings of 10, 20 and 40 spins, B = 1, J_x = 2, J_y = 0, J_z = 1 (gamma = 1), start <sigma_y> = -1; tau = 0.005.
(b) periodic 3x3 lattice, B = 0, J_x = 0.9, J_z = 1, J_y = 1.0 and 1.8, start all spins up; tau = 0.008.
Tetrahedral POVM, one layer, width 32. QuTiP reaches ten spins.
"""

from __future__ import annotations

from dataclasses import replace

from repro.config.point import Point

from . import fig4

RING = replace(
    fig4.EVOLUTION,
    figure="fig2",
    panel="a",
    method="dynamics",
    lattice="ring",
    rows=1,
    cols=10,
    Jx=2.0,
    Jy=0.0,
    Jz=1.0,
    B=1.0,
    initial="left",
    t_end=4.0,
)
LATTICE_JY = (1.0, 1.8)


def points(profile: str) -> tuple[Point, ...]:
    """Rings of panel (a), then the lattice of panel (b)."""
    return {"smoke": _smoke, "quick": _quick, "desk": _desk, "paper": _paper}[profile]()


def exact_line(profile: str) -> tuple[Point, ...]:
    """None: exact curves are in the table, beside every evolution."""
    return ()


def sampled_ring(base: Point, n_sites: int, n_samples: int, t_end: float, **more: float) -> Point:
    """The same evolution on a larger ring, from samples."""
    return replace(base, cols=n_sites, estimator="sampled", n_samples=n_samples, t_end=t_end, **more)  # type: ignore[arg-type]


def _lattice(profile: str) -> list[Point]:
    """The evolutions that Fig. 4 has of this profile, at the two couplings of panel (b)."""
    evolved = [p for p in fig4.points(profile) if p.method == "dynamics" and p.Jy in LATTICE_JY]
    return [replace(point, figure="fig2", panel="b", t_end=min(point.t_end, fig4.EVOLUTION.t_end)) for point in evolved]


def _smoke() -> tuple[Point, ...]:
    ring = replace(RING, profile="smoke", cols=4, tau=0.025, t_end=0.5, step_iterations=15)
    return (ring, sampled_ring(ring, 8, 60, 0.1, step_iterations=5), *_lattice("smoke"))


def _quick() -> tuple[Point, ...]:
    """Ten spins over the first oscillations in time steps six times the paper's; the start of a larger ring."""
    ring = replace(RING, profile="quick", tau=0.03, t_end=2.0, step_iterations=100)
    return (ring, sampled_ring(ring, 20, 300, 0.18), *_lattice("quick"))


def _desk() -> tuple[Point, ...]:
    """Ten spins whole, larger rings as far as an hour of one core carries them."""
    ring = replace(RING, profile="desk", tau=0.05, step_iterations=400)
    return (
        ring,
        sampled_ring(ring, 20, 300, 0.3, tau=0.03, step_iterations=100),
        sampled_ring(ring, 40, 200, 0.12, tau=0.03, step_iterations=80),
        *_lattice("desk"),
    )


def _paper() -> tuple[Point, ...]:
    """The paper's batch and time step; iterations per time step, which it does not give, of the public code.

    "N_s = 12000" may be draws of an iteration or of a time step: larger rings take the second, 100 of an iteration.
    """
    ring = replace(RING, **fig4.PUBLIC_CODE, profile="paper", tau=0.005, n_samples=12000)  # type: ignore[arg-type]
    return (ring, *(sampled_ring(ring, n_sites, 100, 4.0) for n_sites in (20, 40)), *_lattice("paper"))

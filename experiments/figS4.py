"""Fig. S4: long times at ten times the energy, <sigma_z> of Heisenberg rings of several sizes beside exact.

B = 10, J_x = 20, J_y = 0, J_z = 10 (gamma = 1), start <sigma_y> = -1, tau = 0.0075, one layer, width 32. The time
step is too long to follow the fastest oscillations: what counts is where the evolution settles.
"""

from __future__ import annotations

from repro.config.listed import Listed
from repro.config.point import Point

from . import fig2, fig4, figS3

RING = figS3.RING.change(figure="figS4", tau=0.0075, t_end=4.0)


def points(profile: str) -> tuple[Listed, ...]:
    """One evolution for each ring."""
    return {"smoke": _smoke, "quick": _quick, "workstation": _workstation, "paper": _paper}[profile]()


def exact_line(profile: str) -> tuple[Point, ...]:
    """None: exact curves are in the table."""
    return ()


def _smoke() -> tuple[Listed, ...]:
    return figS3.rings(RING.change(profile="smoke", tau=0.02, t_end=0.4, step_iterations=15), (3, 4))


def _quick() -> tuple[Listed, ...]:
    """The paper's time step, exact sums."""
    return figS3.rings(RING.change(profile="quick", step_iterations=100), (4, 6, 8))


def _workstation() -> tuple[Listed, ...]:
    return figS3.rings(RING.change(profile="workstation", step_iterations=100), (4, 6, 8, 10))


def _paper() -> tuple[Listed, ...]:
    base = RING.change(**fig4.PUBLIC_CODE, profile="paper", n_samples=12000)
    large = tuple(fig2.sampled_ring(base, n_sites, 100, 4.0) for n_sites in (20, 40))
    return (*figS3.rings(base, (4, 6, 8, 10)), *large)

"""Fig. S3: short times at ten times the energy, <sigma_z> of Heisenberg rings of several sizes beside exact.

B = 10, J_x = 20, J_y = 0, J_z = 10 (gamma = 1), start <sigma_y> = -1, tau = 0.0005, one layer, width 32.
"""

from __future__ import annotations

from repro.config.listed import Listed
from repro.config.point import Point

from . import fig2, fig4

RING = fig2.RING.change(figure="figS3", panel="", B=10.0, Jx=20.0, Jz=10.0, tau=0.0005, t_end=0.2)


def points(profile: str) -> tuple[Listed, ...]:
    """One evolution for each ring."""
    return {"smoke": _smoke, "quick": _quick, "workstation": _workstation, "paper": _paper}[profile]()


def exact_line(profile: str) -> tuple[Point, ...]:
    """None: exact curves are in the table."""
    return ()


def rings(base: Listed, sizes: tuple[int, ...]) -> tuple[Listed, ...]:
    """The same evolution on rings of several sizes."""
    return tuple(base.change(n_sites=n_sites) for n_sites in sizes)


def _smoke() -> tuple[Listed, ...]:
    return rings(RING.change(profile="smoke", tau=0.001, t_end=0.04, step_iterations=15), (3, 4))


def _quick() -> tuple[Listed, ...]:
    """Time steps twice the paper's, exact sums."""
    return rings(RING.change(profile="quick", tau=0.001, step_iterations=150), (4, 6, 8))


def _workstation() -> tuple[Listed, ...]:
    """Ten spins too, over the first oscillation."""
    ten = RING.change(profile="workstation", tau=0.001, step_iterations=150, n_sites=10, t_end=0.1)
    return (*(point.change(profile="workstation") for point in _quick()), ten)


def _paper() -> tuple[Listed, ...]:
    base = RING.change(**fig4.PUBLIC_CODE, profile="paper", n_samples=12000)
    large = tuple(fig2.sampled_ring(base, n_sites, 100, 0.2) for n_sites in (20, 40))
    return (*rings(base, (4, 6, 8, 10)), *large)

"""Beyond exact reach: <sigma_z> of periodic lattices from 3x3 to 6x6 over J_y, from draws alone.

The model of Fig. 2(b) from all up, one string of one layer, evolved by velocities (`repro.methods.tdvp`) to t = 5,
which stands for the steady state. A panel for every lattice, with a control of half the time step beside it. Beside
exact for 3x3 and quantum trajectories for 3x4 and 4x4: what the estimate of the error is worth there is what it is
worth on the larger ones. On one quiet core an evolution takes 3 to 15 minutes (3x3, 3x4), 8 to 25 (4x4), 20 to 60
(5x5, and 6x6 at J_y = 1.0).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from repro.config.control import half_step_control
from repro.config.listed import Listed
from repro.config.point import Point
from repro.utils.result_table import CONTROL

from . import fig4
from .methods import BY_TDVP

SEEDS = (0, 1, 2)
ALL_JY = (1.0, 1.8, 1.4)
"""The ends first."""
SHAPES = ((3, 3), (3, 4), (4, 4), (5, 5), (6, 6))
FASTER: dict[str, Any] = {"n_samples": 1500, "tau": 0.02, "lattice_images": 8, "momentum": 0.95}
"""Where J_y is not J_x the state turns faster, and draws have to tell more of it."""


def points(profile: str) -> tuple[Listed, ...]:
    """The smallest lattices first, of each a first seed of every coupling."""
    return {"smoke": _smoke, "quick": _quick, "workstation": _workstation, "paper": _paper}[profile]()


def exact_line(profile: str) -> tuple[Point, ...]:
    """The line of Fig. 4, of the 3x3 lattice: a table of steady states has one lattice for every J_y."""
    return fig4.exact_line(profile)


def lattice(profile: str, rows: int, columns: int, Jy: float, **more: Any) -> Listed:
    """The evolution of one periodic lattice at one coupling."""
    enumerated = rows * columns <= 9
    settings = BY_TDVP | ({} if Jy == 1.0 else FASTER) | {"estimator": "enumeration" if enumerated else "sampled"}
    panel = f"{rows}x{columns}"
    return fig4.EVOLUTION.change(
        **settings | more, figure="frontier", profile=profile, panel=panel, rows=rows, cols=columns, Jy=Jy
    )


def _control(point: Listed) -> Listed:
    return replace(point, point=half_step_control(point.point), panel=f"{point.panel}{CONTROL}")


def _smoke() -> tuple[Listed, ...]:
    return tuple(lattice("smoke", 2, columns, 1.8, n_samples=100, tau=0.04, t_end=0.4) for columns in (2, 3))


def _quick() -> tuple[Listed, ...]:
    return tuple(lattice("quick", 3, 3, Jy, n_samples=1000, tau=0.04, t_end=2.0) for Jy in (1.0, 1.8))


def _workstation() -> tuple[Listed, ...]:
    listed: list[Listed] = []
    for shape in SHAPES:
        first = [lattice("workstation", *shape, Jy) for Jy in ALL_JY]
        listed += [point.change(seed=seed) for seed in SEEDS for point in first]
        listed += [_control(point) for point in first]
    return tuple(listed)


def _paper() -> tuple[Listed, ...]:
    """The paper has no such lattices: what `workstation` has."""
    return tuple(point.change(profile="paper") for point in _workstation())

"""Fig. S1: the second stage of "variational, then dynamics" on the 3x3 Heisenberg lattice, <sigma_z> over time.

J_y = 1.8 (gamma = 1), one layer, width 32, string 0, tau = 0.008: the evolution of Fig. 4 that starts from the
variational steady state.
"""

from __future__ import annotations

from repro.config.listed import Listed
from repro.config.point import Point

from . import fig4


def points(profile: str) -> tuple[Listed, ...]:
    """The one computation, which Fig. 4 shows too."""
    second_stages = [p for p in fig4.points(profile) if p.settings["method"] == "variational+dynamics"]
    return tuple(p.change(figure="figS1", panel="") for p in second_stages if p.settings["Jy"] == 1.8)


def exact_line(profile: str) -> tuple[Point, ...]:
    """The same point: its exact steady state is the line."""
    return tuple(listed.point for listed in points(profile))

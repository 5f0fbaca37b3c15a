"""Fig. S1: the second stage of "variational, then dynamics" on the 3x3 Heisenberg lattice, <sigma_z> over time.

J_y = 1.8 (gamma = 1), one layer, width 32, string 0, tau = 0.008: the evolution of Fig. 4 that starts from the
variational steady state.
"""

from __future__ import annotations

from dataclasses import replace

from repro.config.point import Point

from . import fig4


def points(profile: str) -> tuple[Point, ...]:
    """The one computation, which Fig. 4 shows too."""
    second_stage = [p for p in fig4.points(profile) if p.method == "variational+dynamics" and p.Jy == 1.8]
    return tuple(replace(point, figure="figS1", panel="") for point in second_stage)


def exact_line(profile: str) -> tuple[Point, ...]:
    """The same point: its exact steady state is the line."""
    return points(profile)

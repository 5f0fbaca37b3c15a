"""Fig. 4: steady states of the dissipative 3x3 Heisenberg lattice, against J_y and against the string mixture.

Periodic lattice, B = 0, J_x = 0.9, J_z = 1 (gamma = 1), tetrahedral POVM, start from all spins up.
(a) steady <sigma_z> over J_y: variational for four sizes, dynamics, variational then dynamics.
(b) J_y = 1.8: variational for the string mixtures 0s, 1s, 2s, 4s, 8s and the four sizes.
"""

from __future__ import annotations

from dataclasses import replace

from repro.experiment import Point

SIZES = ((1, 32), (1, 64), (2, 32), (2, 64))
STRINGS = ("0s", "1s", "2s", "4s", "8s")
ALL_JY = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8)
JY_OF_STRINGS = 1.8


def points(profile: str) -> tuple[Point, ...]:
    """Every point of both panels; a computation that both panels show appears in each."""
    return {"smoke": _smoke, "quick": _quick, "paper": _paper}[profile]()


def exact_line(profile: str) -> tuple[Point, ...]:
    """Points whose exact steady states make the black line: every J_y of the paper on the profile's lattice."""
    return tuple(dict.fromkeys(replace(points(profile)[0], panel="", Jy=Jy) for Jy in ALL_JY))


def _panels(
    base: Point, sizes: tuple[tuple[int, int], ...], variational_jy: tuple[float, ...], evolved_jy: tuple[float, ...]
) -> tuple[Point, ...]:
    panel_a = [
        replace(base, panel="a", layers=layers, width=width, Jy=Jy) for layers, width in sizes for Jy in variational_jy
    ]
    panel_a += [
        replace(base, panel="a", method=method, Jy=Jy)
        for method in ("dynamics", "variational+dynamics")
        for Jy in evolved_jy
    ]
    panel_b = [
        replace(base, panel="b", Jy=JY_OF_STRINGS, layers=layers, width=width, strings=strings)
        for layers, width in sizes
        for strings in STRINGS
    ]
    return (*panel_a, *panel_b)


def _smoke() -> tuple[Point, ...]:
    base = Point(figure="fig4", profile="smoke", rows=2, cols=2, iterations=40, tau=0.05, t_end=1.0, step_iterations=10)
    return _panels(base, ((1, 32), (2, 32)), (1.0, 1.8), (1.8,))


def _quick() -> tuple[Point, ...]:
    base = Point(figure="fig4", profile="quick", tau=0.02, t_end=5.0, step_iterations=60)
    return _panels(base, ((1, 32), (2, 32)), (1.0, 1.2, 1.4, 1.6, 1.8), (1.0, 1.8))


def _paper() -> tuple[Point, ...]:
    base = Point(figure="fig4", profile="paper", n_samples=12000, tau=0.008, t_end=5.0, step_iterations=100)
    return _panels(base, SIZES, ALL_JY, ALL_JY)

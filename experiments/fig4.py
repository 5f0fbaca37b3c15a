"""Fig. 4: steady states of the dissipative 3x3 Heisenberg lattice, against J_y and against the string mixture.

Periodic lattice, B = 0, J_x = 0.9, J_z = 1 (gamma = 1), tetrahedral POVM, start from all spins up.
(a) steady <sigma_z> over J_y: variational for four sizes, dynamics, variational then dynamics.
(b) J_y = 1.8: variational for the string mixtures 0s, 1s, 2s, 4s, 8s and the four sizes.
"""

from __future__ import annotations

from dataclasses import replace

from repro.config.point import Point

SIZES = ((1, 32), (1, 64), (2, 32), (2, 64))
STRINGS = ("0s", "1s", "2s", "4s", "8s")
ALL_JY = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8)
JY_OF_STRINGS = 1.8
# Within a time step the rate falls exponentially: at equal iterations this beat the public code's single step down.
EVOLUTION = Point(figure="fig4", t_end=5.0, step_learning_rate=1e-2, step_decay="exponential", step_factor=0.01)
# Every projection onto the network's states adds an error, so that fewer, longer steps end closer to exact as long as
# the trapezoid rule itself is good to 0.02.
LONG_STEP = 0.08
PUBLIC_CODE = {"step_iterations": 120, "step_decay": "step", "step_factor": 0.5, "step_at": 80 / 120}
"""Evolutions of the authors' public code: Adam's rate of 1e-2 is halved after 80 of 120 iterations."""
SECOND_STAGE = 4.0
"""What follows a variational start is evolved this long (1/gamma)."""


def points(profile: str) -> tuple[Point, ...]:
    """Every point of both panels; a computation that both panels show appears in each."""
    return {"smoke": _smoke, "quick": _quick, "desk": _desk, "paper": _paper}[profile]()


def exact_line(profile: str) -> tuple[Point, ...]:
    """Points whose exact steady states make the black line: every J_y of the paper on the profile's lattice."""
    return tuple(dict.fromkeys(replace(points(profile)[0], panel="", Jy=Jy) for Jy in ALL_JY))


def _evolved(base: Point, values: tuple[float, ...], **second_stage: float) -> list[Point]:
    """Both ways to evolve; `second_stage` changes what follows a variational start."""
    dynamics = [replace(base, panel="a", method="dynamics", Jy=Jy) for Jy in values]
    changed = [replace(point, method="variational+dynamics", **second_stage) for point in dynamics]  # type: ignore[arg-type]
    return dynamics + changed


def _over_jy(base: Point, size: tuple[int, int], values: tuple[float, ...]) -> list[Point]:
    return [replace(base, panel="a", layers=size[0], width=size[1], Jy=Jy) for Jy in values]


def _over_strings(base: Point, size: tuple[int, int], mixtures: tuple[str, ...]) -> list[Point]:
    at = replace(base, panel="b", Jy=JY_OF_STRINGS, layers=size[0], width=size[1])
    return [replace(at, strings=strings) for strings in mixtures]


def _smoke() -> tuple[Point, ...]:
    base = Point(figure="fig4", profile="smoke", rows=2, cols=2, iterations=40, tau=0.05, step_iterations=10, t_end=1.0)
    return (
        *_over_jy(base, (1, 32), (1.0, 1.8)),
        *_over_jy(base, (2, 32), (1.0, 1.8)),
        *_evolved(base, (1.8,)),
        *_over_strings(base, (1, 32), STRINGS),
        *_over_strings(base, (2, 32), STRINGS),
    )


def _quick() -> tuple[Point, ...]:
    """Exact sums, fewer points, a time step ten times the paper's."""
    base = replace(EVOLUTION, profile="quick", tau=LONG_STEP, step_iterations=200)
    return (
        *_over_jy(base, (1, 32), (1.0, 1.2, 1.4, 1.6, 1.8)),
        *_over_jy(base, (2, 32), (1.8,)),
        *_evolved(base, (1.0, 1.8), t_end=SECOND_STAGE),
        *_over_strings(base, (1, 32), STRINGS),
        *_over_strings(base, (2, 32), ("0s", "8s")),
    )


def _desk() -> tuple[Point, ...]:
    """The paper's variational grid; evolutions in time steps ten times the paper's, from exact sums.

    They go on to t = 8, where the slowest relaxation (rate gamma / 2) has left 2 % of the start's deviation.
    """
    base = replace(EVOLUTION, profile="desk", tau=LONG_STEP, step_iterations=500, t_end=8.0)
    searches = [replace(point, profile="desk") for point in _paper() if point.method == "variational"]
    return (*searches, *_evolved(base, (1.0, 1.4, 1.8)))


def _paper() -> tuple[Point, ...]:
    """The paper's grid, batch and time step; iterations per time step, which it does not give, of the public code."""
    base = replace(EVOLUTION, **PUBLIC_CODE, profile="paper", n_samples=12000, tau=0.008, t_end=8.0)  # type: ignore[arg-type]
    return (
        *(point for size in SIZES for point in _over_jy(base, size, ALL_JY)),
        *_evolved(base, ALL_JY, t_end=SECOND_STAGE),
        *(point for size in SIZES for point in _over_strings(base, size, STRINGS)),
    )

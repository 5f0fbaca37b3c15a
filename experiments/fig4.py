"""Fig. 4: steady states of the dissipative 3x3 Heisenberg lattice, against J_y and against the string mixture.

Periodic lattice, B = 0, J_x = 0.9, J_z = 1 (gamma = 1), tetrahedral POVM, start from all spins up.
(a) steady <sigma_z> over J_y: variational for four sizes, dynamics, variational then dynamics.
(b) J_y = 1.8: variational for the string mixtures 0s, 1s, 2s, 4s, 8s and the four sizes.
"""

from __future__ import annotations

from typing import Any

from repro.config.listed import Listed, listed_of
from repro.config.point import Point

SIZES = ((1, 32), (1, 64), (2, 32), (2, 64))
STRINGS = ("0s", "1s", "2s", "4s", "8s")
ALL_JY = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8)
JY_OF_STRINGS = 1.8
FALLING_RATE: dict[str, Any] = {"step_learning_rate": 1e-2, "step_decay": "exponential", "step_factor": 0.01}
"""Within a time step the rate falls exponentially: at equal iterations this beat a single step down."""
PUBLIC_CODE: dict[str, Any] = {"step_iterations": 120, "step_decay": "step", "step_factor": 0.5, "step_at": 80 / 120}
"""Evolutions of the authors' public code: Adam's rate of 1e-2 is halved after 80 of 120 iterations."""
LONG_STEPS: dict[str, Any] = {**FALLING_RATE, "tau": 0.08}
"""Every projection onto the network's states adds an error, so that fewer, longer steps end closer to exact as long as
the trapezoid rule itself is good to 0.02."""
SECOND_STAGE = 4.0
"""What follows a variational start is evolved this long (1/gamma)."""
LATTICE = listed_of(figure="fig4")
"""The search on the paper's lattice from exact sums, which is what settings are by default."""
EVOLUTION = LATTICE.change(method="dynamics", t_end=5.0, **FALLING_RATE)


def points(profile: str) -> tuple[Listed, ...]:
    """Every point of both panels; a computation that both panels show appears in each."""
    return {"smoke": _smoke, "quick": _quick, "workstation": _workstation, "paper": _paper}[profile]()


def exact_line(profile: str) -> tuple[Point, ...]:
    """Points whose exact steady states make the black line: every J_y of the paper on the profile's lattice."""
    return tuple(points(profile)[0].change(Jy=Jy).point for Jy in ALL_JY)


def _evolved(base: Listed, values: tuple[float, ...], steps: dict[str, Any], **second_stage: float) -> list[Listed]:
    """Both ways to evolve; `second_stage` changes what follows a variational start."""
    at = [base.change(panel="a", Jy=Jy) for Jy in values]
    return [
        *(point.change(method="dynamics", **steps) for point in at),
        *(point.change(method="variational+dynamics", **steps | second_stage) for point in at),
    ]


def _over_jy(base: Listed, size: tuple[int, int], values: tuple[float, ...]) -> list[Listed]:
    return [base.change(panel="a", layers=size[0], width=size[1], Jy=Jy) for Jy in values]


def _over_strings(base: Listed, size: tuple[int, int], mixtures: tuple[str, ...]) -> list[Listed]:
    at = base.change(panel="b", Jy=JY_OF_STRINGS, layers=size[0], width=size[1])
    return [at.change(strings=strings) for strings in mixtures]


def _smoke() -> tuple[Listed, ...]:
    base = LATTICE.change(profile="smoke", rows=2, cols=2, iterations=40)
    return (
        *_over_jy(base, (1, 32), (1.0, 1.8)),
        *_over_jy(base, (2, 32), (1.0, 1.8)),
        *_evolved(base, (1.8,), {"tau": 0.05, "t_end": 1.0, "step_iterations": 10}),
        *_over_strings(base, (1, 32), STRINGS),
        *_over_strings(base, (2, 32), STRINGS),
    )


def _quick() -> tuple[Listed, ...]:
    """Exact sums, fewer points, a time step ten times the paper's."""
    base = LATTICE.change(profile="quick")
    return (
        *_over_jy(base, (1, 32), (1.0, 1.2, 1.4, 1.6, 1.8)),
        *_over_jy(base, (2, 32), (1.8,)),
        *_evolved(base, (1.0, 1.8), {**LONG_STEPS, "step_iterations": 200}, t_end=SECOND_STAGE),
        *_over_strings(base, (1, 32), STRINGS),
        *_over_strings(base, (2, 32), ("0s", "8s")),
    )


def _workstation() -> tuple[Listed, ...]:
    """The paper's variational grid; evolutions in time steps ten times the paper's, from exact sums.

    They go on to t = 8, where the slowest relaxation (rate gamma / 2) has left 2 % of the start's deviation.
    """
    searches = [p.change(profile="workstation") for p in _paper() if p.settings["method"] == "variational"]
    steps = {**LONG_STEPS, "step_iterations": 500, "t_end": 8.0}
    return (*searches, *_evolved(LATTICE.change(profile="workstation"), (1.0, 1.4, 1.8), steps))


def _paper() -> tuple[Listed, ...]:
    """The paper's grid, batch and time step; iterations per time step, which it does not give, of the public code."""
    base = LATTICE.change(profile="paper", n_samples=12000)
    return (
        *(point for size in SIZES for point in _over_jy(base, size, ALL_JY)),
        *_evolved(base, ALL_JY, {**PUBLIC_CODE, "tau": 0.008, "t_end": 8.0}, t_end=SECOND_STAGE),
        *(point for size in SIZES for point in _over_strings(base, size, STRINGS)),
    )

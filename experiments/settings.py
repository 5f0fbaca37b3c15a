"""What the paper does not give: the evolution of Fig. 2(b) over iterations, decay of the rate and draws of a time step.

3x3 lattice, J_y = 1.8, tau = 0.008, one layer, width 32, string 0, from all up, the paper's objective (Eq. 4).
grid: every combination of iterations, decay and draws. network: the public code's schedule with learned positions, four
heads or eight strings. Every point measures its relative entropy too.

The first steps decide, so that the grid is computed to t = 0.2 alone (`workstation`), and what a reader asks about goes
on to t = 1.6 (`paper`). An iteration takes 0.037 s of one core whatever is drawn, with four heads 0.074, with eight
strings 0.048: five minutes of one core for `quick`, 1.7 hours for `workstation`, 2.8 hours more for `paper`.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from repro.config.listed import Listed
from repro.config.point import Point

from . import fig4

SEEDS = (0, 1)
ITERATIONS = (120, 500, 30)
DECAYS: dict[str, dict[str, Any]] = {
    "halved": {"step_decay": "step", "step_factor": 0.5, "step_at": 80 / 120},
    "constant": {"step_decay": "step", "step_factor": 1.0, "step_at": 80 / 120},
    "exponential": {"step_decay": "exponential", "step_factor": 0.01},
}
DRAWS = {"12000": 12000, "100": 100, "exact": None}
CENTRE = (120, "halved", "12000")
"""The public code's schedule with the paper's N_s as draws of an iteration."""
NETWORKS: dict[str, dict[str, Any]] = {
    "learned positions": {"positions": "learned"},
    "four heads": {"heads": 4},
    "eight strings": {"strings": "8s"},
}
SHORT, LONG = 0.2, 1.6
BASE = fig4.EVOLUTION.change(figure="settings", panel="grid", tau=0.008, relative_entropy=True, t_end=SHORT)
LONG_ONES = (
    CENTRE,
    *((120, "halved", draws) for draws in ("100", "exact")),
    *((iterations, "halved", "12000") for iterations in (30, 500)),
    (120, "exponential", "exact"),
)
"""What of the grid goes on to t = 1.6."""


def points(profile: str) -> tuple[Listed, ...]:
    """The most telling points first."""
    return {"smoke": _smoke, "quick": _quick, "workstation": _workstation, "paper": _paper}[profile]()


def exact_line(profile: str) -> tuple[Point, ...]:
    """None: exact curves are in the table."""
    return ()


def _of_grid(base: Listed, combination: tuple[int, str, str], seed: int = 0) -> Listed:
    iterations, decay, draws = combination
    name = f"{iterations}-{decay}-{draws}" + (f"-seed{seed}" if seed else "")
    settings = {**DECAYS[decay], "step_iterations": iterations, "n_samples": DRAWS[draws], "seed": seed}
    return base.change(name=name, **settings)


def _of_network(base: Listed, name: str, seed: int = 0) -> Listed:
    named = name + (f"-seed{seed}" if seed else "")
    return _of_grid(base, CENTRE, seed).change(panel="network", name=named, **NETWORKS[name])


def _star() -> list[tuple[int, str, str]]:
    """The centre, and one thing changed at a time."""
    iterations, decay, draws = CENTRE
    every = [(i, decay, draws) for i in ITERATIONS]
    every += [(iterations, d, draws) for d in DECAYS] + [(iterations, decay, n) for n in DRAWS]
    return list(dict.fromkeys(every))


def _smoke() -> tuple[Listed, ...]:
    base = BASE.change(profile="smoke", rows=2, cols=2, t_end=0.05)
    return (*(_of_grid(base, (30, decay, "exact")) for decay in DECAYS), _of_network(base, "learned positions"))


def _quick() -> tuple[Listed, ...]:
    """One thing changed at a time, to t = 0.1, but for what takes long."""
    base = BASE.change(profile="quick", t_end=0.1)
    star = [_of_grid(base, combination) for combination in _star() if combination[0] < 500]
    return (*star, *(_of_network(base, name) for name in NETWORKS if name != "eight strings"))


def _workstation() -> tuple[Listed, ...]:
    base = BASE.change(profile="workstation")
    star = _star()
    rest = [one for one in product(ITERATIONS, DECAYS, DRAWS) if one not in star]
    first = [
        [*(_of_grid(base, one, seed) for one in star), *(_of_network(base, name, seed) for name in NETWORKS)]
        for seed in SEEDS
    ]
    return (*first[0], *first[1], *(_of_grid(base, one, seed) for one in rest for seed in SEEDS))


def _paper() -> tuple[Listed, ...]:
    """The workstation's points, some of them to t = 1.6."""
    named = {_of_grid(BASE, one, seed).name for one in LONG_ONES for seed in SEEDS}
    named |= {_of_network(BASE, name, seed).name for name in NETWORKS for seed in SEEDS}
    every = [p.change(profile="paper") for p in _workstation()]
    return tuple(p.change(t_end=LONG) if p.name in named else p for p in every)

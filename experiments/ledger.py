"""Further seeds, losses and faults that the ledger of claims needs beside the figures, on the 3x3 lattice at J_y = 1.8.

seeds: variational searches of Fig. 4(b) and evolutions of Fig. 4(a) with other seeds.
sign: the sign-augmented loss (Eq. S25) for several lambda. interpolated: the interpolated loss (Eq. S23).
sampling: two layers, sampled with the causal mask and without it as the public code does.
"""

from __future__ import annotations

from dataclasses import replace

from repro.config.point import Point

from . import fig4

SEEDS = (0, 1, 2)
FEWER = ("0s", "1s", "8s")
"""Mixtures that two-layer networks are repeated for."""
MIXINGS = (0.99, 0.9, 0.5)


def points(profile: str) -> tuple[Point, ...]:
    """Every panel's points."""
    return {"smoke": _smoke, "quick": _quick, "desk": _desk, "paper": _paper}[profile]()


def exact_line(profile: str) -> tuple[Point, ...]:
    """The one exact steady state."""
    return (_searches(profile)[0],)


def _searches(profile: str) -> list[Point]:
    """Fig. 4(b)'s variational points."""
    chosen = [p for p in fig4.points(profile) if p.method == "variational" and p.Jy == fig4.JY_OF_STRINGS]
    return [replace(point, figure="ledger", panel="seeds") for point in chosen if point.panel == "b"]


def _evolutions(profile: str) -> list[Point]:
    chosen = [p for p in fig4.points(profile) if p.method != "variational" and p.Jy == fig4.JY_OF_STRINGS]
    return [replace(point, figure="ledger", panel="seeds") for point in chosen]


def _repeated(points: list[Point], seeds: tuple[int, ...] = SEEDS) -> list[Point]:
    return [replace(point, seed=seed) for point in points for seed in seeds]


def _losses(base: Point, evolution: Point) -> list[Point]:
    """Eq. S25 beside the plain loss, and Eq. S23 growing from steady-state search to evolution half way."""
    sign = [replace(base, panel="sign", objective="sign", mixing=mixing) for mixing in MIXINGS]
    half = replace(
        evolution, panel="interpolated", objective="interpolated", mixing=0.0, mixing_time=evolution.t_end / 2
    )
    return [*_repeated([replace(base, panel="sign"), *sign]), half]


def _sampling(base: Point, sizes: tuple[tuple[int, int], ...], n_samples: int) -> list[Point]:
    drawn = [replace(base, panel="sampling", layers=n, width=d, n_samples=n_samples) for n, d in sizes]
    return _repeated([replace(point, sampling=how) for point in drawn for how in ("masked", "unmasked")])


def _smoke() -> tuple[Point, ...]:
    searches = _searches("smoke")
    base, evolution = searches[0], next(p for p in _evolutions("smoke") if p.method == "dynamics")
    seeds = _repeated([p for p in searches if p.layers == 1 and p.strings in ("0s", "8s")])
    return (*seeds, *_losses(base, evolution), *_sampling(base, ((2, 32),), 500))


def _quick() -> tuple[Point, ...]:
    """One layer for every string mixture; losses; exact sums except where samples are the question."""
    searches = _searches("quick")
    base, evolution = searches[0], next(p for p in _evolutions("quick") if p.method == "dynamics")
    return (*_repeated([p for p in searches if p.layers == 1]), *_losses(base, evolution))


def _desk() -> tuple[Point, ...]:
    return _full("desk", 3000)


def _paper() -> tuple[Point, ...]:
    return _full("paper", 12000)


def _full(profile: str, n_sampling: int) -> tuple[Point, ...]:
    searches = [p for p in _searches(profile) if p.layers == 1 or p.strings in FEWER]
    evolutions = _evolutions(profile)
    base, evolution = searches[0], next(p for p in evolutions if p.method == "dynamics")
    return (
        *_repeated(searches),
        *_repeated(evolutions),
        *_losses(base, evolution),
        *_sampling(base, ((2, 32), (2, 64)), n_sampling),
    )

"""Beyond the paper: evolutions by projection and by collocation beside exact, for the problems of Figs. 2, 4 and S4.

lattice: <sigma_z>(t) on the 3x3 lattice of Fig. 2(b). steady: its steady state over J_y. ring: up to ten spins, as in
Fig. 2(a). fast: eight spins at ten times the energy, Fig. S4. larger lattice, larger rings: sampled, beyond density
matrices; the first beside quantum trajectories. Every projection adds an error, so that steps are long: exact sums
propagate by half a unit of time at once (`repro.methods.projection`). From draws an implicit rule takes shorter ones
(`repro.methods.collocation`). Beside them the paper's own objective.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from repro.config.point import Point, halved
from repro.reporting.error_estimate import CONTROL

from . import fig2, fig4, figS3, figS4

SEEDS = (0, 1, 2)
BY_PROJECTION = {
    "figure": "methods",
    "method": "projection",
    "positions": "learned",
    "heads": 4,
    "strings": "translations",
    "step_decay": "cycle",
    "step_factor": 0.02,
    "tau": 0.25,
    "dense_output": 5,
}
FAST = {"tau": 0.5, "dense_output": 64, "strings": "symmetries", "hilbert_schmidt": 1.0}
"""Where the energy is high what a projection loses in correlations of many sites soon shows in those of few."""
BY_COLLOCATION = {
    **BY_PROJECTION,
    "method": "collocation",
    "tau": 0.1,
    "dense_output": 1,
    "n_samples": 12000,
    "first_steps": 1,
}
"""From draws the steps cannot be as long: L is known at what was drawn alone."""


def points(profile: str) -> tuple[Point, ...]:
    """Every panel's evolutions."""
    return {"smoke": _smoke, "quick": _quick, "desk": _desk, "paper": _paper}[profile]()


def exact_line(profile: str) -> tuple[Point, ...]:
    """Steady states of panel "steady"."""
    return tuple(point for point in points(profile) if (point.panel, point.method) == ("steady", "variational"))


def _lattice(base: Point, values: tuple[float, ...]) -> list[Point]:
    return [replace(base, panel="lattice", Jy=Jy) for Jy in values]


def _steady(base: Point, values: tuple[float, ...]) -> list[Point]:
    """Four steps to t = 10: what the last one adds is all that is left."""
    return [replace(base, panel="steady", Jy=Jy, tau=1.25, t_end=10.0, dense_output=1) for Jy in values]


def _rings(profile: str, sites: tuple[int, ...], **more: int) -> list[Point]:
    """Fig. 2's rings, and Fig. S4's of the first size."""
    changes = BY_PROJECTION | more
    slow = replace(fig2.RING, **changes, profile=profile, panel="ring")  # type: ignore[arg-type]
    fast = replace(figS4.RING, **changes, profile=profile, panel="fast", cols=sites[0])  # type: ignore[arg-type]
    return [*figS3.rings(slow, sites), replace(fast, **FAST, step_iterations=2 * fast.step_iterations)]  # type: ignore[arg-type]


def _by_the_papers_objective(profile: str, sites: tuple[int, ...], values: tuple[float, ...]) -> list[Point]:
    """The same problems as those figures compute them in this profile."""
    of_fig2, of_fig4 = fig2.points(profile), fig4.points(profile)
    ring = next(p for p in of_fig2 if p.panel == "a" and p.estimator == "enumeration")
    fast = figS4.points(profile)[0]
    found = {
        "lattice": [p for p in of_fig2 if p.panel == "b" and p.Jy in values],
        "steady": [p for p in of_fig4 if (p.method, p.layers, p.width, p.panel) == ("variational", 1, 32, "a")],
        "ring": figS3.rings(ring, sites),
        "fast": figS3.rings(fast, sites[:1]),
    }
    return [replace(p, figure="methods", panel=panel) for panel, chosen in found.items() for p in chosen]


def _by_collocation(profile: str, values: tuple[float, ...], **more: Any) -> list[Point]:
    """Drawn evolutions of the lattice."""
    base = replace(fig4.EVOLUTION, **(BY_COLLOCATION | more), profile=profile)  # type: ignore[arg-type]
    return _lattice(base, values)


def _steady_from_draws() -> list[Point]:
    """Evolutions that hurry until little moves: what they are off by then decays."""
    hurried: dict[str, Any] = {
        "strings": "symmetries",
        "reuse": 8,
        "first_steps": 35,
        "first_iterations": 200,
        "step_iterations": 600,
    }
    # relaxes slowest: exactly evolved, it is 0.004 off at t = 7
    slowest = _by_collocation("desk", (1.1,), t_end=12.0, **hurried)
    # of 1.0 and 1.8 the curves to t = 5 show it
    others = _by_collocation("desk", (1.2, 1.3, 1.4, 1.5, 1.6, 1.7), t_end=9.0, **hurried)
    return [replace(point, panel="steady") for point in (*slowest, *others)]


def _larger_lattices() -> list[Point]:
    """Sixteen spins: at Jy = 1.0 until it is steady."""
    base = replace(
        fig4.EVOLUTION,
        **(BY_COLLOCATION | {"estimator": "sampled", "strings": "0s"}),  # type: ignore[arg-type]
        profile="desk",
        panel="larger lattice",
        rows=4,
        cols=4,
        reuse=8,
    )
    return [
        replace(base, Jy=1.0, n_samples=500, step_iterations=400, first_iterations=600),
        replace(base, Jy=1.8, n_samples=1000, step_iterations=600, first_iterations=900, t_end=2.0),
    ]


def _rings_from_draws() -> list[Point]:
    """Drawn evolutions of enumerated rings."""
    # at a step of 0.2 the rule alone is 0.023 off, at 0.1 0.004
    shorter = {"strings": "symmetries", "tau": 0.05, "step_iterations": 400, "first_iterations": 800}
    base = replace(fig2.RING, **BY_COLLOCATION | shorter, profile="desk", panel="ring")  # type: ignore[arg-type]
    return [
        replace(base, cols=8, step_iterations=300, first_iterations=600),
        replace(base, cols=10, reuse=4),
    ]


def _larger_rings() -> list[Point]:
    """Fig. 2(a)'s rings that only samples reach, stepped as the enumerated ring of ten is."""
    ten = _rings_from_draws()[-1]
    # drawn from the network every string costs a tree
    base = replace(ten, panel="larger rings", estimator="sampled", strings="2t", reuse=8)
    return [
        replace(base, cols=20, n_samples=500, t_end=2.0),
        replace(base, cols=40, n_samples=300, t_end=1.2),
    ]


def _seeds(evolutions: list[Point]) -> tuple[Point, ...]:
    return tuple(replace(point, seed=seed) for point in evolutions for seed in SEEDS)


def _halved(evolutions: list[Point]) -> tuple[Point, ...]:
    """Controls (`repro.reporting.error_estimate`)."""
    return tuple(replace(halved(point), panel=f"{point.panel}{CONTROL}") for point in evolutions)


def _base(profile: str, **more: int) -> Point:
    return replace(fig4.EVOLUTION, **(BY_PROJECTION | more), profile=profile)  # type: ignore[arg-type]


def _smoke() -> tuple[Point, ...]:
    base, sites = _base("smoke", step_iterations=40, rows=2, cols=2), (4,)
    return (
        *_lattice(replace(base, t_end=1.0), (1.8,)),
        *_steady(base, (1.8,)),
        *_rings("smoke", sites, step_iterations=40),
        *_by_collocation("smoke", (1.8,), rows=2, cols=2, t_end=0.4, step_iterations=20, n_samples=200),
        *_by_the_papers_objective("smoke", sites, (1.8,)),
    )


def _quick() -> tuple[Point, ...]:
    base, sites = _base("quick", step_iterations=400), (8,)
    return (
        *_lattice(base, (1.8,)),
        *_steady(base, (1.4,)),
        *_rings("quick", sites, step_iterations=400),
        *_by_collocation("quick", (1.8,), t_end=1.0, step_iterations=60, first_iterations=200, strings="symmetries"),
        *_by_the_papers_objective("quick", sites, (1.8,)),
    )


def _desk() -> tuple[Point, ...]:
    long, sites = {"step_iterations": 800, "first_steps": 1, "first_iterations": 1200}, (8, 10)
    ours = [
        *_lattice(_base("desk", **long), fig2.LATTICE_JY),
        *_steady(_base("desk", step_iterations=500), fig4.ALL_JY),
        *_rings("desk", sites, **long),
    ]
    drawn = [
        *_by_collocation("desk", (1.0,), step_iterations=400, first_iterations=800),
        *_by_collocation("desk", (1.8,), step_iterations=800, first_iterations=1200, strings="symmetries"),
        *_rings_from_draws(),
        *_steady_from_draws(),
    ]
    controlled = [point for point in ours if point.build_lattice().n_sites < 10]
    return (
        *_seeds(ours),
        *_halved(controlled),
        *_seeds(drawn),
        *_larger_rings(),
        *_larger_lattices(),
        *_by_the_papers_objective("desk", sites, fig2.LATTICE_JY),
    )


def _paper() -> tuple[Point, ...]:
    """The paper has no such method: what `desk` has."""
    return tuple(replace(point, profile="paper") for point in _desk())

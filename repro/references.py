"""The exact values that a point is compared with: an evolution from its start, and its steady state."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from repro import exact
from repro.experiment import MODEL_FIELDS, Point
from repro.reference_cache import DEFAULT_FOLDERS, Reference

Exact = Callable[[float, str], float]
Say = Callable[[], None]


def _silent() -> None:
    pass


def folders(runs: Path) -> tuple[Path, Path]:
    """Where references are looked for: shipped ones first, then this machine's own."""
    return DEFAULT_FOLDERS[0], runs / "reference"


def reachable(point: Point) -> bool:
    """Whether QuTiP reaches the point's lattice."""
    return point.build_lattice().n_sites <= exact.MAX_SITES


def steady_state(point: Point, runs: Path, computing: Say = _silent) -> Reference:
    """Exact steady state of the point's model; `computing` is called when it is not stored yet."""
    label = f"{point.model} {point.build_lattice().name}"
    return exact.steady_state(point.build_model(), folders(runs), label=label, computing=computing)


def evolution(point: Point, runs: Path, computing: Say = _silent) -> Reference:
    """Exact evolution from the point's product state over its time; `computing` as in `steady_state`."""
    label = f"{point.model} {point.build_lattice().name}"
    t_end = 2 * point.tau * point.n_steps
    return exact.dynamics(point.build_model(), point.initial, t_end, folders(runs), label=label, computing=computing)


def exact_of(point: Point, runs: Path) -> Exact | None:
    """Exact value at (t, observable); t = inf for the steady state. None where QuTiP does not reach.

    A variational+dynamics point starts from no exact state: all its times are compared with the steady state.
    """
    if not reachable(point):
        return None
    steady = steady_state(point, runs)
    curve = evolution(point, runs) if point.method == "dynamics" else None

    def value(t: float, observable: str) -> float:
        source = steady if curve is None or math.isinf(t) else curve
        return float(source.at(t, observable))

    return value


def prepare(points: Sequence[Point], runs: Path, say: Callable[[str], None]) -> None:
    """Make sure that every reference the points need is there; `say` is told the name of each that is computed."""
    needed: dict[tuple[object, ...], tuple[str, Callable[[Say], Reference]]] = {}
    for point in points:
        if not reachable(point):
            continue
        name = f"{point.build_lattice().name} {point.coupling_label}"
        model = tuple(getattr(point, field) for field in MODEL_FIELDS)
        needed.setdefault((*model, "steady"), (f"steady state of {name}", partial(steady_state, point, runs)))
        if point.method == "dynamics":
            key = (*model, point.initial, point.n_steps * point.tau)
            needed.setdefault(key, (f"evolution of {name}", partial(evolution, point, runs)))
    for name, find in needed.values():
        find(partial(say, name))

"""The exact values that a point is compared with: an evolution from its start, and its steady state."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from repro.config.point import Point
from repro.references import chain, density_matrix, trajectory_evolution, trajectory_steady_state
from repro.references.cache import DEFAULT_FOLDERS, KNOWN_TO, Reference
from repro.references.gates import curves
from repro.references.gates.circuit import MAX_GATE_SITES
from repro.references.pauli_generators import is_line

Say = Callable[[], None]


def _silent() -> None:
    pass


def folders(runs: Path) -> tuple[Path, Path]:
    """Where references are looked for: shipped ones first, then this machine's own."""
    return DEFAULT_FOLDERS[0], runs / "reference"


def reachable(point: Point) -> bool:
    """Whether QuTiP reaches the point's lattice."""
    return point.lattice.n_sites <= density_matrix.MAX_DENSITY_MATRIX_SITES


def by_trajectories(point: Point) -> bool:
    """Whether QuTiP's trajectories are what the point is compared with."""
    return not reachable(point) and point.lattice.n_sites <= trajectory_steady_state.MAX_TRAJECTORY_SITES


def by_gates(point: Point) -> bool:
    """Whether trajectories of gates are: larger lattices, as far as a state vector reaches."""
    return trajectory_steady_state.MAX_TRAJECTORY_SITES < point.lattice.n_sites <= MAX_GATE_SITES


def steady_state(point: Point, runs: Path, computing: Say = _silent) -> Reference:
    """Exact steady state of the point's model; `computing` is called when it is not stored yet."""
    return density_matrix.steady_state(point.lindblad_model, folders(runs), label=name_of(point), computing=computing)


def stored_steady_state(point: Point, runs: Path, compute: bool = True) -> Reference | None:
    """The steady state to compare with: exact where QuTiP reaches, else by trajectories if stored.

    Without `compute` one that QuTiP reaches is looked up too: nothing is computed, locked or written.
    """
    if reachable(point):
        if compute:
            return steady_state(point, runs)
        return density_matrix.stored_steady_state(point.lindblad_model, folders(runs))
    if by_trajectories(point):
        return trajectory_steady_state.stored(point.lindblad_model, folders(runs))
    return curves.stored_steady_state(point.lindblad_model, folders(runs)) if by_gates(point) else None


def evolution(point: Point, runs: Path, computing: Say = _silent) -> Reference:
    """Exact evolution from the point's product state over its time; `computing` as in `steady_state`."""
    model, t_end = point.lindblad_model, end_time(point)
    return density_matrix.dynamics(
        model, point.system.initial, t_end, folders(runs), dt=spacing(point), label=name_of(point), computing=computing
    )


def stored_evolution(point: Point, runs: Path, compute: bool = True) -> Reference | None:
    """The evolution to compare with: exact where QuTiP reaches, else by matrix products or trajectories if stored.

    Trajectories of QuTiP come before those of gates, which are less exact, and all of them before matrix products that
    end too early.

    `compute` as in `stored_steady_state`.
    """
    if compute and reachable(point):
        return evolution(point, runs)
    asked = (point.lindblad_model, point.system.initial, end_time(point), folders(runs))
    if reachable(point):
        return density_matrix.stored_dynamics(*asked, dt=spacing(point))
    products = chain.stored(*asked) if is_line(point.lattice) else None
    if products is not None and not products.cut:
        return products
    if by_trajectories(point):
        found = trajectory_evolution.stored(*asked) or _without_last_step(point, runs) or curves.stored(*asked)
    else:
        found = curves.stored(*asked) if by_gates(point) else None
    return found or products


def _without_last_step(point: Point, runs: Path) -> Reference | None:
    """Trajectories that reach t_end, where the last time step goes on beyond it; later values are NaN."""
    evolution = point.method.evolution
    assert evolution is not None
    where = folders(runs)
    found = trajectory_evolution.stored(point.lindblad_model, point.system.initial, evolution.t_end, where)
    return found and replace(found, info=found.info | {KNOWN_TO: found.t_end})


def end_time(point: Point) -> float:
    """Last time of a point's evolution, t_end or up to one time step more (units 1/gamma)."""
    assert point.method.evolution is not None
    return point.method.evolution.last_time


def name_of(point: Point) -> str:
    """Model, lattice and couplings, for people."""
    return f"{point.system.model.kind} {point.lattice.name} {point.system.model.label}"


def spacing(point: Point) -> float:
    """A table's spacing in time, by the fastest coupling or rate: finer where it turns the state ten times faster."""
    fastest = max(point.system.rate, *(abs(value) for value in point.system.model.couplings.values())) or 1.0
    return density_matrix.TIME_STEP if 1 <= fastest <= 2 else density_matrix.TIME_STEP * 2 / fastest


@dataclass(frozen=True)
class ExactValues:
    """What a point is compared with: (t, observable) -> value, t = inf for the steady state, NaN where it is not known.

    A variational+dynamics point starts from no exact state: all its times are compared with the steady state.
    """

    steady: Reference | None
    curve: Reference | None
    from_initial_state: bool

    def __call__(self, t: float, observable: str) -> float:
        """The value."""
        source = self._source(t)
        return math.nan if source is None else float(source.at(t, observable))

    def along(self, times: np.ndarray, observable: str) -> np.ndarray:
        """The values at several times, which are all of the evolution, or all infinite."""
        source = self._source(float(times.flat[0])) if times.size else None
        return np.full(times.shape, math.nan) if source is None else source.at(times, observable)

    def error(self, t: float, observable: str) -> float:
        """How well it is known: 0 from a density matrix, NaN where there is no value."""
        source = self._source(t)
        return math.nan if source is None else source.error(observable, t)

    def _source(self, t: float) -> Reference | None:
        return self.steady if not self.from_initial_state or math.isinf(t) else self.curve


def exact_of(point: Point, runs: Path, compute: bool = True) -> ExactValues | None:
    """Exact values of a point, None without any; `compute` as in `stored_steady_state`."""
    steady = stored_steady_state(point, runs, compute) if point.settles else None
    curve = stored_evolution(point, runs, compute) if point.method.from_initial_state else None
    if steady is None and curve is None:
        return None
    return ExactValues(steady, curve, point.method.from_initial_state)


def _exact_ones(point: Point) -> list[tuple[str, Callable[[Point, Path, Say], Reference]]]:
    """What QuTiP computes exactly for a point, by kind; nothing beyond its reach."""
    ones: list[tuple[str, Callable[[Point, Path, Say], Reference]]] = []
    if reachable(point) and point.settles:
        ones.append(("steady state", steady_state))
    if reachable(point) and point.method.from_initial_state:
        ones.append(("evolution", evolution))
    return ones


def prepare(points: Sequence[Point], runs: Path, say: Callable[[str], None]) -> dict[str, Reference]:
    """Make sure that every QuTiP reference the points need is there; `say` is told the name of each computed.

    What is beyond density matrices is not started here: `repro.references.beyond` does, on demand.

    Returns:
        Those that had to be computed, by name.
    """
    needed: dict[tuple[object, ...], tuple[str, Callable[[Say], Reference]]] = {}
    for point in points:
        for kind, find in _exact_ones(point):
            when = (point.system.initial, end_time(point)) if find is evolution else ()
            key = (*model_key(point), kind, *when)
            needed.setdefault(key, (f"{kind} of {name_of(point)}", partial(find, point, runs)))
    computed: list[str] = []
    found = {name: find(partial(_note, name, computed, say)) for name, find in needed.values()}
    return {name: found[name] for name in computed}


class _NotStored(Exception):
    pass


def stored(points: Sequence[Point], runs: Path) -> dict[str, Reference]:
    """References of the points that are there already, by key; nothing is computed."""

    def refuse() -> None:
        raise _NotStored

    found: dict[str, Reference] = {}
    for point in points:
        for _, find in _exact_ones(point):
            with contextlib.suppress(_NotStored):
                reference = find(point, runs, refuse)
                found[reference.info["key"]] = reference
        beyond = None if reachable(point) else exact_of(point, runs)
        for known in (beyond.steady, beyond.curve) if beyond else ():
            if known is not None:
                found[known.info["key"]] = known
    return found


def _note(name: str, computed: list[str], say: Callable[[str], None]) -> None:
    computed.append(name)
    say(name)


def model_key(point: Point) -> tuple[object, ...]:
    """Equal for points of equal Lindblad equations."""
    return (point.system.geometry, point.system.model)

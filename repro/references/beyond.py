"""References beyond density matrices, made on demand: minutes to hours each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from repro.config.point import Point
from repro.references import chain, trajectory_evolution, trajectory_steady_state
from repro.references.cache import SLACK, Reference
from repro.references.gates import curves
from repro.references.gates.circuit import MAX_GATE_SITES, installed
from repro.references.of_point import (
    by_gates,
    by_trajectories,
    end_time,
    folders,
    model_key,
    name_of,
    reachable,
    spacing,
    stored_evolution,
    stored_steady_state,
)
from repro.references.pauli_generators import is_line
from repro.utils.errors import InputError

Tell = Callable[[str], None]
OF_SECONDS = 20
"""Up to so many sites a trajectory of gates takes seconds, and the target is half of the usual one; beyond it is twice
that."""


def prepare_beyond(points: Sequence[Point], runs: Path, say: Tell) -> None:
    """Make sure that what is beyond density matrices is there too.

    Evolutions of chains and rings by matrix products, cut where they miss their error, which is said; evolutions of
    what is no line or was cut, and steady states, by quantum trajectories. From 17 sites on these are of gates,
    evolutions of up to 16 sites too if qsim is there, which takes less time; without the package that is said.
    """
    far = [point for point in points if not reachable(point)]
    evolved = [point for point in far if point.method.from_initial_state]
    _prepare_chains([point for point in evolved if is_line(point.lattice)], runs, say)
    for point in {model_key(p): p for p in far if p.settles and not stored_steady_state(p, runs)}.values():
        _prepare_steady_state(point, runs, partial(_tell, say, f"steady state of {name_of(point)}"))
    for point in _longest([point for point in evolved if _is_short(stored_evolution(point, runs))]):
        _prepare_evolution(point, runs, partial(_tell, say, f"evolution of {name_of(point)}"))


def _is_short(known: Reference | None) -> bool:
    """Whether there is nothing, or matrix products that end too early."""
    return known is None or (known.info["kind"] == chain.KIND and known.cut)


def _prepare_steady_state(point: Point, runs: Path, told: Tell) -> None:
    model, where, label = point.lindblad_model, folders(runs), name_of(point)
    if by_trajectories(point):
        trajectory_steady_state.steady_state(model, where, label=label, say=told)
    elif by_gates(point):
        with _said(told):
            curves.steady_state(model, point.system.initial, where, label=label, say=told)


def _prepare_evolution(point: Point, runs: Path, told: Tell) -> None:
    model, start, where, label = point.lindblad_model, point.system.initial, folders(runs), name_of(point)
    n_sites, reached = point.lattice.n_sites, end_time(point) * point.system.rate <= curves.LENGTH
    if by_trajectories(point) and not (reached and installed()):
        trajectory_evolution.evolution(model, start, end_time(point), where, label=label, say=told)
    elif n_sites <= MAX_GATE_SITES and not reached:
        told(f"no exact values: trajectories of gates end at t = {curves.LENGTH / point.system.rate:g}")
    elif n_sites <= MAX_GATE_SITES:
        target = curves.TARGET / 2 if n_sites <= OF_SECONDS else 2 * curves.TARGET
        with _said(told):
            curves.evolution(model, start, where, t_end=end_time(point), target=target, label=label, say=told)


@contextmanager
def _said(told: Tell) -> Iterator[None]:
    """What cannot be computed is said; others go on."""
    try:
        yield
    except InputError as error:
        told(f"no exact values: {error}")


def _prepare_chains(points: Sequence[Point], runs: Path, say: Tell) -> None:
    for point in _longest(points):
        name = name_of(point)
        told = partial(_tell, say, f"evolution of {name}")
        model, start, t_end, dt = point.lindblad_model, point.system.initial, end_time(point), spacing(point)
        with _said(told):
            found = chain.evolution(model, start, t_end, folders(runs), dt=dt, partly=True, label=name, say=told)
            if found.t_end < t_end * (1 - SLACK):
                told(f"exact values to t = {found.t_end:g} of {t_end:g}: later ones miss the target")


def _longest(points: Sequence[Point]) -> list[Point]:
    """Of points of equal models and starts the one that goes on longest."""
    return list({(*model_key(p), p.system.initial): p for p in sorted(points, key=end_time)}.values())


def _tell(say: Tell, what: str, text: str) -> None:
    say(f"{what}: {text}")

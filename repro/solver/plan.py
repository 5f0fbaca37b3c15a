"""From a user's problem to the points that solve it: which method, which estimator, how many steps, seeds and controls.

Defaults are what reached 0.01 on every observable asked for at N <= 8 (docs/solve.md). Every projection onto the
network adds an error, so that steps are long where exact sums propagate them at any length; draws take shorter ones.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from repro.ansatz.string_mixture import MAX_ENUMERATED_SITES, check_enumerable
from repro.config.control import half_step_control
from repro.config.evolution import LONGEST, MOST_STEPS
from repro.config.listed import Listed
from repro.config.method import Collocation, Projection, Tdvp
from repro.config.settings import all_leaves, build, change, from_leaves, leaves
from repro.running.memory_check import fits
from repro.solver.problem import Problem
from repro.solver.problem_point import ProblemPoint
from repro.utils.errors import InputError, unknown
from repro.utils.formatting import significant
from repro.utils.result_table import CONTROL
from repro.utils.validation import check_bool, check_float, check_int, check_text, shorten

AUTO = "auto"
ENUMERATED_SITES = 8
"""Up to here "auto" sums over all configurations."""
SHORTEST = 1e-30
"""The shortest time, natural unit: single precision, in which networks compute, ends a little below."""
ROWS = 60
"""About how many times an evolution is recorded at."""
STEADY_TIME = 10.0
"""An evolution over this time (natural unit) stands for the steady state at first."""
TO_STEADY: dict[tuple[str, bool], dict[str, Any]] = {
    ("projection", False): {"step": 2.5, "step_iterations": 1000, "dense_output": 4},
    ("tdvp", True): {"n_samples": 1000, "measured_batches": 1},
}
"""Settings of that evolution by method and whether it draws. What each step of a projection leaves wrong decays in the
next one; states within a step show what turns by whole periods. What draws scatter averages out over time."""
MOST_SEEDS = 100
EVOLUTION, STEADY = "evolution", "steady state"
NETWORK = {"layers": 2, "width": 32, "heads": 4, "feedforward": 32, "positions": "learned"}
CYCLE = {"step_decay": "cycle", "step_factor": 0.02}
DEFAULTS: dict[str, dict[str, Any]] = {
    "projection": {"step": 1.0, "step_iterations": 1500, **NETWORK, **CYCLE, "step_factor": 0.005},
    "collocation": {"step": 0.2, "step_iterations": 300, **NETWORK, **CYCLE},
    "dynamics": {"step": 0.16, "step_iterations": 500, **NETWORK, "step_decay": "exponential", "step_factor": 0.01},
    "tdvp": {"step": 0.08, "n_samples": 2000, **NETWORK, "layers": 1},
    "variational": {"step": 1.0, "iterations": 2000, **NETWORK},
}
OF_DRAWS = {"layers": 1, "n_samples": 1000}
"""Of methods whose defaults have no draws."""
OF_COLLOCATION = all_leaves(Collocation).keys() - all_leaves(Tdvp).keys()  # with these "auto" keeps to it
ITERATIONS = {"variational": "iterations", "tdvp": "substeps"}
"""What the argument `iterations` sets, where it is not those of Adam within a time step."""
CHANGEABLE = (
    *("layers", "width", "heads", "feedforward", "norm", "positions", "strings", "n_samples", "learning_rate", "rule"),
    *("first_steps", "first_iterations", "step_learning_rate", "step_decay", "step_factor", "dense_output"),
    *("hilbert_schmidt", "reuse", "spin_symmetry", "substeps", "first_substeps", "ridge", "lattice_images", "momentum"),
)
"""Fields of a point that a user may set besides the arguments of `repro.solve`."""


@dataclass(frozen=True)
class Request:
    """What a user wants of a problem; see `repro.solver.solve.solve`."""

    t_end: float | None = None
    steady: bool = False
    seed: int = 0
    seeds: int = 1
    method: str = AUTO
    estimator: str = AUTO
    step: float | None = None
    iterations: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what no point could be made of.

        Raises:
            InputError: the first of it.
        """
        if not check_bool("steady", self.steady) and self.t_end is None:
            raise InputError("solve: neither t_end nor steady is given, expected at least one")
        for name, value in (("t_end", self.t_end), ("step", self.step)):
            if value is not None and check_float(name, value) <= 0:
                raise InputError(f"{name} = {shorten(value)}: expected a number above 0")
        check_int("seed", self.seed)
        check_int("seeds", self.seeds, 1, MOST_SEEDS)
        if self.iterations is not None:
            check_int("iterations", self.iterations, 1)
        known = {"method": (AUTO, *DEFAULTS), "estimator": (AUTO, "enumeration", "sampled")}
        for name, among in known.items():
            if check_text(name, getattr(self, name)) not in among:
                raise unknown(name, getattr(self, name), among)
        for name in self.changes:
            if name not in CHANGEABLE:
                raise unknown("setting", name, CHANGEABLE)
        if self.changes.get("n_samples") is not None:
            check_int("n_samples", self.changes["n_samples"])
        if self.method == "variational" and self.t_end is not None:
            raise InputError("method variational with t_end: it finds steady states alone, expected steady")

    def in_natural_units(self, unit: float) -> Request:
        """The same with its times in the inverse of a problem's natural unit.

        Raises:
            InputError: times beyond what can be evolved.
        """
        t_end, step = (_natural(name, getattr(self, name), unit) for name in ("t_end", "step"))
        return dataclasses.replace(self, t_end=t_end, step=step)


def _natural(name: str, time: float | None, unit: float) -> float | None:
    if time is None:
        return None
    time = float(time)
    if time * unit < SHORTEST:
        raise InputError(
            f"{name} = {shorten(time)}: expected at least {SHORTEST / unit:g}, {SHORTEST:g} "
            "over the model's largest energy or rate"
        )
    if time * unit > LONGEST:
        raise InputError(
            f"{name} = {shorten(time)}: expected at most {LONGEST / unit:g}, {LONGEST:g} "
            "over the model's largest energy or rate"
        )
    return significant(time * unit)


def points(problem: Problem, request: Request, memory: int, device: str) -> dict[str, list[Listed]]:
    """The points by kind, "evolution" and "steady state": one per seed, and with several seeds a control.

    They are points of the problem in its natural unit, so that no unit makes a difference; so are their times.

    Args:
        problem: what is solved.
        request: what is wanted of it.
        memory: bytes that one evaluation of the sampled estimator may take.
        device: where it will run.

    Raises:
        InputError: settings outside their range, the purity of samples, a steady state without jumps, or too little
            memory.
    """
    request.check()
    problem, request = problem.in_natural_units(), request.in_natural_units(problem.unit)
    if request.steady and not problem.model.has_jumps:
        raise InputError("steady state of a model without jump operators: expected at least one, or it is not unique")
    planned = {}
    if request.t_end is not None:
        planned[EVOLUTION] = _fitting(problem, request, EVOLUTION, request.t_end, memory, device)
    if request.steady:
        planned[STEADY] = _fitting(problem, request, STEADY, STEADY_TIME, memory, device)
    if problem.imaginary_time and not all(_projects_exactly(point) for point in planned.values()):
        raise InputError("imaginary time: expected method projection with exact sums (enumeration without n_samples)")
    return {kind: _repeated(problem, kind, point, request.seeds) for kind, point in planned.items()}


def _projects_exactly(point: ProblemPoint) -> bool:
    return isinstance(point.method, Projection) and point.estimator.exact_sums


def _fitting(problem: Problem, request: Request, kind: str, t_end: float, memory: int, device: str) -> ProblemPoint:
    """One point by the estimator asked for, or by the one that the machine can hold."""
    if request.estimator == "enumeration" or (request.estimator == AUTO and problem.n_sites <= ENUMERATED_SITES):
        check_enumerable(problem.n_sites)
        point = _point(problem, request, kind, t_end, "enumeration")
        if fits(point, memory, device):
            return point
        if request.estimator != AUTO:
            raise InputError(f"memory: enumeration of {problem.n_sites} sites does not fit, expected estimator sampled")
    if any(each.purity for each in problem.asked):
        raise InputError(
            f"purity: {problem.n_sites} sites are sampled, expected enumeration "
            f"(estimator enumeration, at most {MAX_ENUMERATED_SITES} sites)"
        )
    return _point(problem, request, kind, t_end, "sampled")


def _point(problem: Problem, request: Request, kind: str, t_end: float, estimator: str) -> ProblemPoint:
    drawn = estimator == "sampled"
    method = request.method if request.method != AUTO else _by_default(request, kind, drawn)
    relaxing = TO_STEADY.get((method, drawn), {}) if kind == STEADY else {}
    fewer = OF_DRAWS if drawn and "n_samples" not in DEFAULTS[method] else {}
    settings = {**DEFAULTS[method], **relaxing, **fewer, **request.changes}
    default_step = settings.pop("step")
    step = default_step if request.step is None else request.step
    if request.iterations is not None:
        settings[ITERATIONS.get(method, "step_iterations")] = request.iterations
    if method in ("projection", "collocation") and "first_iterations" not in request.changes:
        settings = {"first_steps": 1, "first_iterations": math.ceil(1.5 * settings["step_iterations"]), **settings}
    settings |= {"method": method, "estimator": estimator, "seed": request.seed, "problem": problem.text}
    if method != "variational":
        n_steps = math.ceil(t_end / min(step, t_end) - 1e-9)
        if n_steps > MOST_STEPS:
            raise InputError(f"step: {n_steps:.4g} time steps until t_end, expected at most {MOST_STEPS:.0e}")
        settings |= {"tau": t_end / n_steps / 2, "t_end": float(t_end)}
        exact_sums = not drawn and not settings.get("n_samples")
        if method == "projection" and exact_sums and kind == EVOLUTION and "dense_output" not in settings:
            # even, so that a control of twice as many steps has the same times
            settings["dense_output"] = 2 * math.ceil(ROWS / n_steps / 2)
    _check_changes(request.changes, method, estimator, leaves(build(ProblemPoint, settings)))
    return from_leaves(ProblemPoint, settings)


def _by_default(request: Request, kind: str, drawn: bool) -> str:
    """What "auto" is: velocities lead draws to a steady state, unless what was asked for is of another method."""
    longer = request.step is not None and request.step > DEFAULTS["tdvp"]["step"]
    other = kind == EVOLUTION or longer or request.iterations is not None or OF_COLLOCATION & request.changes.keys()
    return "projection" if not drawn else "collocation" if other else "tdvp"


def _check_changes(changes: Mapping[str, Any], method: str, estimator: str, known: Mapping[str, Any]) -> None:
    """Refuse a setting that the method or the estimator does not have, in the words of `repro.solve`."""
    for name in changes:
        if name not in known:
            there = ", ".join(each for each in CHANGEABLE if each in known)
            raise InputError(f"{name}: method {method} with {estimator} has no such setting, expected one of: {there}")


def _repeated(problem: Problem, kind: str, point: ProblemPoint, seeds: int) -> list[Listed]:
    """One point per seed; with several the control too (`repro.reporting.error_estimate`)."""
    repeated = [_listed(problem, kind, change(point, seed=point.seed + k)) for k in range(seeds)]
    return repeated if seeds == 1 else [*repeated, _listed(problem, f"{kind}{CONTROL}", control(point))]


def _listed(problem: Problem, panel: str, point: ProblemPoint) -> Listed:
    kind = panel.replace(":", "").replace(" ", "-")
    name = f"{problem.name}-N{problem.n_sites}-{point.method.short}-{kind}-seed{point.seed}"
    return Listed(point, problem.name, panel, "workstation", name)


def control(point: ProblemPoint) -> ProblemPoint:
    """A run with shorter steps, whose projections fall elsewhere, recorded at the same times; half a search."""
    flat = leaves(point)
    if point.method.evolution is None:
        return change(point, iterations=max(1, flat["iterations"] // 2))
    halved = half_step_control(point)
    return change(halved, dense_output=max(1, flat["dense_output"] // 2)) if "dense_output" in flat else halved


def longer(listed: Listed) -> Listed:
    """The same over twice the time; it goes on where the shorter one has ended."""
    return listed.change(t_end=2 * listed.settings["t_end"])

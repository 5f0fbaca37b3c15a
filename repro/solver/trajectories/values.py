"""How many trajectories a problem's values take, and where those that are finished are kept.

Trajectories are added until every standard error is small enough, or until so many or so much time have been spent;
the column `error` says what was reached. They are kept in a file, so that an interrupted computation goes on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from repro.references import limits
from repro.references.cache import Reference, Say, describe, find_or_compute, key_of
from repro.references.record import curve_table, made_in
from repro.solver.problem import Problem
from repro.solver.trajectories.base import TARGET, Trajectories
from repro.solver.trajectories.by_qutip import QutipTrajectories
from repro.utils.arrays import read_arrays, write_arrays
from repro.utils.errors import InputError
from repro.utils.formatting import duration

LEAST, LEAST_STEADY, MOST = 20, 12, 400
"""Fewest trajectories of an evolution and of a steady state, and most of those with controls."""
SECONDS = 600.0
"""After so many no further trajectory is begun."""
SAVED = 30.0
"""Seconds between two savings of finished trajectories, and two lines of progress."""
NUMBERS = 6
"""Version of the numbers, part of a key."""
KEPT = ("strings", "controls", "awaited")
"""Of finished trajectories, in the file."""


def values(
    problem: Problem,
    t_end: float,
    folder: Path,
    say: Say = lambda text: None,
    by: Callable[[Problem, float], Trajectories] = QutipTrajectories,
) -> Reference:
    """Every observable but the purity by quantum trajectories.

    Args:
        problem: in its natural unit, of no more sites than what computes them can hold.
        t_end: last time wanted; inf for the steady state. A stored curve that reaches further is returned whole.
        folder: for finished trajectories and the values.
        say: called with a line of progress now and then.
        by: what computes them.

    Returns:
        A reference with the columns t, observable, mean and error (NaN for the purity); `info["missing"]` says what was
        not reached.

    Raises:
        InputError: as what computes them, too few trajectories in the time there is, a steady state that still moves,
            a folder that cannot be written.
    """
    steady = math.isinf(t_end)
    kind = "steady observables by trajectories" if steady else "observables by trajectories"
    kind += "" if by is QutipTrajectories else " of gates"
    alike = steady and limits.has_unique_steady_state(problem.model)
    start: dict[str, Any] = {} if alike else {"initial": problem.bloch_vectors}
    asked = [[each.name, each.terms, each.factors, each.purity] for each in problem.asked]
    description = describe(problem.model, kind, asked=asked, target=TARGET, numbers=NUMBERS, **start)

    def compute() -> Reference:
        trajectories = by(problem, t_end)
        file = folder / f"{key_of(description)}.{len(trajectories.times)}.trajectories.npz"
        collected = _Collected(trajectories, file)
        missing = collected.add_until_enough(say)
        means, errors = collected.estimate()
        times = np.array([math.inf]) if steady else trajectories.times
        names = [each.name for each in problem.asked]
        table = curve_table(times, _with_purity(problem, means), _with_purity(problem, errors), names)
        info: dict[str, Any] = {"kind": kind, "solver": trajectories.solver, "missing": missing}
        info |= {"trajectories": len(collected.strings), **made_in(collected.seconds)}
        file.unlink(missing_ok=True)
        return Reference(table, info)

    return find_or_compute(description, t_end, [folder], compute)


def _with_purity(problem: Problem, values_MP: np.ndarray) -> np.ndarray:
    """With a column of NaN for what trajectories do not give."""
    found = np.full((len(values_MP), len(problem.asked)), math.nan)
    found[:, [not each.purity for each in problem.asked]] = values_MP
    return found


class _Collected:
    """Finished trajectories of a problem, kept in a file; a damaged or foreign file counts as missing."""

    def __init__(self, trajectories: Trajectories, file: Path) -> None:
        self.trajectories, self.file, self.seconds = trajectories, file, 0.0
        self.strings: list[np.ndarray] = []
        self.controls: list[np.ndarray] = []
        self.awaited: list[np.ndarray] = []
        kept = read_arrays(file)
        shape = len(trajectories.times), len(trajectories.strings)
        if kept is not None and {*KEPT, "seconds"} <= {*kept} and kept["strings"].shape[1:] == shape:
            self.strings, self.controls, self.awaited = (list(kept[name]) for name in KEPT)
            self.seconds = float(kept["seconds"])

    def estimate(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and errors so far."""
        return self.trajectories.estimate(*map(np.array, (self.strings, self.controls, self.awaited)))

    def add_until_enough(self, say: Say) -> list[str]:
        """Add trajectories until the target is met; else what there was no time for, in a line.

        Raises:
            InputError: fewer than the least in the time there is, or a steady state that still moves.
        """
        trajectories, kept = self.trajectories, len(self.strings)
        began = told = time.perf_counter()
        least = 1 if trajectories.single else LEAST_STEADY if trajectories.steady else LEAST
        most = MOST * trajectories.many
        while True:
            R, spent = len(self.strings), time.perf_counter() - began
            last = most <= R or (spent > SECONDS and kept < R) or (trajectories.single and R > 0)
            enough = least <= R
            if enough and (last or R in (least, most) or time.perf_counter() - told > SAVED):
                off = trajectories.largest(self.estimate()[1])
                say(f"exact values: {R} trajectories, standard error {off:.4f} (target {TARGET:g})")
                if off <= TARGET or last:
                    return [] if off <= TARGET else [self._short(off)]
            if last:
                self._save()
                raise InputError(
                    f"trajectories: {R} in {duration(spent)}, expected at least {least} (the same call adds to them)"
                )
            if time.perf_counter() - told > SAVED:
                self._save()
                told = time.perf_counter()
            self._add()

    def _short(self, off: float) -> str:
        return (
            f"trajectories: standard error up to {off:.2g} of an observable's range after {len(self.strings)} "
            f"trajectories in {duration(self.seconds)}, wanted {TARGET:g}"
        )

    def _add(self) -> None:
        began = time.perf_counter()
        found = self.trajectories.one(len(self.strings) + 1)
        for of_all, of_one in zip((self.strings, self.controls, self.awaited), found, strict=True):
            of_all.append(of_one)
        self.seconds += time.perf_counter() - began

    def _save(self) -> None:
        arrays = dict(zip(KEPT, (self.strings, self.controls, self.awaited), strict=True))
        write_arrays(self.file, {n: np.asarray(value) for n, value in {**arrays, "seconds": self.seconds}.items()})

"""From the histories of a problem's runs to one tidy table: mean, error, exact value and deviation.

`exact_error` says how well the exact value is known: 0 of QuTiP's density matrix, NaN where there is no value.

With one seed `error` is the standard error of the draws (0 for exact sums: it says nothing about the fit). With several
it is the estimate of `repro.reporting.error_estimate`, from the seeds' scatter and a control. Of a steady state it
includes what still moved at the end. By velocities of draws a steady state is the mean over the last `STILL_MOVING` of
its curve, and with one seed the error is that of this mean (`repro.solver.tail`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.config.listed import Listed
from repro.physics.density import SMALLEST_EIGENVALUE
from repro.physics.observables import column
from repro.references.limits import yet_to_go
from repro.reporting.error_estimate import over_time, steady_state
from repro.running.folders import point_folder
from repro.solver.problem import Problem
from repro.solver.tail import STILL_MOVING, Tail, tail, together
from repro.utils.formatting import significant
from repro.utils.result_table import CONTROL

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("t", "observable", "mean", "error", "exact", "deviation", "exact_error")
UNKNOWN = (math.nan, math.nan)


@dataclass(frozen=True)
class Exact:
    """Exact values at some times, or of the steady state.

    Attributes:
        means: of every observable, one for each time; NaN where there is none.
        errors: how well each is known: 0 of a density matrix, NaN where there is no value.
        told: a line for the summary, such as which reference it was; "" for none.
    """

    means: Mapping[str, np.ndarray]
    errors: Mapping[str, np.ndarray]
    told: str = ""

    @classmethod
    def without_errors(cls, means: Mapping[str, np.ndarray]) -> Exact:
        """Of a density matrix."""
        return cls(means, {name: np.zeros(len(values)) for name, values in means.items()})


def runs_of(problem: Problem, points: Sequence[Listed], runs: Path) -> pd.DataFrame:
    """Every run's values: columns t (NaN where a search has none), observable, mean, error, seed, control."""
    import pandas as pd

    from repro.utils.result_table import read_exactly

    parts = []
    for listed in points:
        history = read_exactly(point_folder(runs, listed) / "history.csv")
        if "t" not in history:
            history = history.tail(1).assign(t=math.nan)
        for each in problem.asked:
            name = column(each.name)
            values = {"t": history["t"].map(significant), "mean": history[name], "error": history[f"{name}_error"]}
            control = listed.panel.endswith(CONTROL)
            parts.append(
                pd.DataFrame({**values, "observable": each.name, "seed": listed.point.seed, "control": control})
            )
    return pd.concat(parts, ignore_index=True)


def least_eigenvalue(points: Sequence[Listed], runs: Path) -> float:
    """The smallest one of rho of any state of any run but controls; NaN where no run has it."""
    from repro.utils.result_table import read_exactly

    found = [math.nan]
    for listed in points:
        history = read_exactly(point_folder(runs, listed) / "history.csv")
        if SMALLEST_EIGENVALUE in history and not listed.panel.endswith(CONTROL):
            found.append(float(history[SMALLEST_EIGENVALUE].min()))
    return float(np.fmin.reduce(found))


def times_of(runs: pd.DataFrame) -> list[float]:
    """Times at which the runs that are no controls were recorded, ascending."""
    return sorted(set(runs.loc[~runs["control"], "t"]))


def evolution_rows(problem: Problem, runs: pd.DataFrame, exact: Exact | None) -> list[dict[str, object]]:
    """Rows of an evolution, observable by observable.

    Args:
        problem: for the order of the observables.
        runs: as `runs_of` gives them.
        exact: values at `times_of(runs)`, None where there are none.
    """
    rows = []
    for each in problem.asked:
        of_observable = runs[runs["observable"] == each.name].assign(exact=math.nan)
        over = _averaged(of_observable)
        known = {}
        if exact is not None:
            known = dict(
                zip(times_of(runs), zip(exact.means[each.name], exact.errors[each.name], strict=True), strict=True)
            )
        rows += [_row(t, each.name, m, e, *known.get(t, UNKNOWN)) for t, m, e in over]
    return rows


def steady_rows(
    problem: Problem, runs: pd.DataFrame, exact: Exact | None, fluctuates: bool = False
) -> list[dict[str, object]]:
    """One row per observable, t = inf: the last state of every run, and what still moved before it.

    Args:
        problem: for the order of the observables.
        runs: as `runs_of` gives them.
        exact: values of the steady state, None where there are none.
        fluctuates: the mean over the end of a curve counts in place of the last state (`repro.solver.tail`).
    """
    rows = []
    for each in problem.asked:
        of_observable = runs[runs["observable"] == each.name].assign(exact=math.nan)
        if fluctuates:
            mean, error = _over_the_end(of_observable, len(problem.asked), each.spread)
        else:
            mean, error = _at_the_end(of_observable, each.spread)
        known = UNKNOWN if exact is None else (float(exact.means[each.name][0]), float(exact.errors[each.name][0]))
        rows.append(_row(math.inf, each.name, mean, error, *known))
    return rows


def _at_the_end(runs: pd.DataFrame, spread: float) -> tuple[float, float]:
    """Mean and error of one observable, from last states."""
    import pandas as pd

    last = runs.groupby(["seed", "control"], sort=False).tail(1).assign(t=math.inf)
    timed = runs[runs["t"].notna()]
    if not _several_seeds(runs):
        return float(last["mean"].iloc[0]), math.hypot(float(last["error"].iloc[0]), drift(timed, spread))
    estimated = steady_state(pd.concat([timed, last]))
    curve = timed[~timed["control"]].groupby("t")["mean"].mean()
    to_come = _to_come(curve, curve.index.max(), spread) if len(curve) else 0.0
    return float(estimated["mean"].iloc[0]), math.hypot(float(estimated["estimate"].iloc[0]), to_come)


def _over_the_end(runs: pd.DataFrame, observables: int, spread: float) -> tuple[float, float]:
    """Mean and error of one observable, from windows of time."""
    import pandas as pd

    tails = _tails(runs)
    found = together([each for (_, control), each in tails.items() if not control])
    known = found.error
    if _several_seeds(runs):
        rows = [(seed, control, each.mean, each.error) for (seed, control), each in tails.items()]
        windows = pd.DataFrame(rows, columns=["seed", "control", "mean", "error"]).assign(t=math.inf, exact=math.nan)
        known = float(over_time(windows)["estimate"].iloc[0])
    return found.mean, math.hypot(known, max(found.moved, found.moving(observables, spread)))


def _several_seeds(runs: pd.DataFrame) -> bool:
    return bool(runs.loc[~runs["control"], "seed"].nunique() > 1)


def _tails(runs: pd.DataFrame) -> dict[Any, Tail]:
    """Of one observable, by (seed, whether it is a control)."""
    by_run = runs.groupby(["seed", "control"], sort=False)
    return {key: tail(run.set_index("t")["mean"]) for key, run in by_run}


def still_moving(problem: Problem, runs: pd.DataFrame, fluctuates: bool) -> float:
    """The most that any observable still moves by: of any run, or of the mean of all where they fluctuate.

    In units of how far the observable can go (`Observable.spread`), so that its scale does not matter.

    Args:
        problem: for those.
        runs: as `runs_of` gives them.
        fluctuates: as in `steady_rows`; then what noise alone may be the cause of does not count.
    """
    spreads = {each.name: each.spread for each in problem.asked}
    if not fluctuates:
        by_run = runs.groupby(["observable", "seed", "control"])
        moves = [(str(name), drift(run, spreads[str(name)])) for (name, _, _), run in by_run]
    else:
        by_observable = runs.groupby("observable")
        tails = {str(name): together([*_tails(run).values()]) for name, run in by_observable}
        moves = [(name, each.moving(len(tails), spreads[name])) for name, each in tails.items()]
    return max((moved / spreads[name] for name, moved in moves if moved), default=0.0)


def drift(timed: pd.DataFrame, spread: float) -> float:
    """How far one observable of one run still moves; 0 for a search.

    That is what it moved within the last `STILL_MOVING`, and where it has moved one way over the last three such times,
    hardly slowing down, all that such a relaxation has yet to go.
    """
    if len(timed) < 2:
        return 0.0
    curve = timed.set_index("t")["mean"]
    last = curve.index.max()
    recent = curve.loc[curve.index >= last - STILL_MOVING - 1e-9]
    return max(float((recent - recent.iloc[-1]).abs().max()), _to_come(curve, last, spread))


def _to_come(curve: pd.Series[float], last: float, spread: float) -> float:
    """What a slow exponential relaxation has yet to go, from four values `STILL_MOVING` apart; 0 where it is none."""
    times = [last - k * STILL_MOVING for k in (3, 2, 1, 0)]
    if times[0] < curve.index.min() - 1e-9:
        return 0.0
    return min(float(yet_to_go(np.interp(times, curve.index, curve)[:, None], spread)[0]), 2 * spread)


def _averaged(rows: pd.DataFrame) -> list[tuple[float, float, float]]:
    """t, mean and error of one observable."""
    over = over_time(rows)
    if len(over):
        return list(zip(over.index, over["mean"], over["estimate"], strict=True))
    return list(zip(rows["t"], rows["mean"], rows["error"], strict=True))


def _row(t: float, name: str, mean: float, error: float, exact: float, exact_error: float) -> dict[str, object]:
    values = {"t": t, "observable": name, "mean": mean, "error": error, "exact": exact, "deviation": mean - exact}
    return {**values, "exact_error": exact_error}

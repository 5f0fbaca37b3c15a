"""How far off a result probably is, from its own runs: what to trust where no exact curve exists.

Two things betray an error. Seeds scatter: half the width of Student's 95 % interval of their mean. And steps matter:
how far a control is off the mean, a run with twice as many steps of half the length and half the iterations, whose
projections fall elsewhere. The estimate adds the two, and the error of the draws, in quadrature:

    estimate(t)^2 = [t_(K-1) s(t) / sqrt(K)]^2 + [c(t) - m(t)]^2 + [e(t)]^2 / K,

m and s mean and standard deviation of K seeds, c the control, e the draws' standard error of one run. What counts as a
steady state is the last state of an evolution: there the largest change of m within its last unit of time is added
too.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from repro.utils.errors import InputError
from repro.utils.formatting import significant
from repro.utils.result_table import CONTROL, without_seed

CONFIDENCE = 0.95
UNIT = 1.0
"""Time over which a last state may still be changing, 1/gamma."""
COUPLINGS = ["Jx", "Jy", "Jz", "B", "V", "g", "gamma"]
PROBLEM = ["panel", "method", "lattice", "n_sites", "layers", "width", "strings", *COUPLINGS]
COMPUTATION = [*PROBLEM, "name", "profile", "povm", "n_samples", "step"]
"""What runs of one computation share, all but the seed: a control has its problem's name, and half its step."""


def estimates(table: pd.DataFrame) -> pd.DataFrame:
    """One row per computation and observable that has several seeds.

    Args:
        table: as `repro.utils.result_table` keeps it; steady states have t = inf.

    Returns:
        Its columns (`COMPUTATION`) and `kind` ("evolution" or "steady state"), `seeds`, `controlled`, `estimate`
        (largest over t), `deviation` (largest over t of the mean's distance from exact, nan without one) and `covered`
        (whether the estimate's largest value where an exact one is known is no less than that), `of times` (the part of
        those times at which the estimate is no less than the deviation).

    Raises:
        InputError: no problem has two seeds.
    """
    rows = []
    for key, of_problem in with_controls(table).groupby([*COMPUTATION, "observable"], dropna=False, sort=False):
        evolution = over_time(of_problem[np.isfinite(of_problem["t"])])
        for kind, over_t in (("evolution", evolution), ("steady state", steady_state(of_problem))):
            if len(over_t):
                named = dict(zip([*COMPUTATION, "observable"], key, strict=True)) | {"kind": kind}
                rows.append(named | _judged(of_problem, over_t))
    if not rows:
        raise InputError("error estimate: no problem has two seeds, expected at least two runs that differ in seed")
    return pd.DataFrame(rows)


def with_controls(table: pd.DataFrame) -> pd.DataFrame:
    """The table with further columns: `control`, whether a row is of one, then in the panel that it controls; `name`,
    the point's without its seed; `step`, tau of the computation that a row is a run or the control of."""
    control = table["panel"].str.endswith(CONTROL)
    return table.assign(
        t=table["t"].map(significant),
        control=control,
        panel=table["panel"].str.removesuffix(CONTROL),
        name=without_seed(table["point"]),
        step=table["tau"].where(~control, 2 * table["tau"]).map(significant),
    )


def _judged(rows: pd.DataFrame, over_t: pd.DataFrame) -> dict[str, object]:
    """Largest estimate and deviation over time; the estimate is judged over the times at which that is known."""
    known = over_t[over_t["exact"].notna()]
    off_t, largest = (known["mean"] - known["exact"]).abs(), over_t["estimate"].max()
    off = off_t.max()
    return {
        "seeds": rows.loc[~rows["control"], "seed"].nunique(),
        "controlled": bool(rows["control"].any()),
        "estimate": largest,
        "deviation": off,
        "covered": None if off != off else bool(known["estimate"].max() >= off),
        "of times": float((known["estimate"] >= off_t).mean()),
    }


def steady_state(rows: pd.DataFrame) -> pd.DataFrame:
    """mean, exact and estimate of the steady state (t = inf) of one problem, what still moves included.

    Args:
        rows: rows of the runs as `over_time` takes them, those with t = inf among them.
    """
    at_rest = np.isinf(rows["t"])
    steady = over_time(rows[at_rest])
    # of the runs alone: a control's steps may not end where theirs do
    mean_t = over_time(rows[~at_rest & ~rows["control"]])["mean"]
    if len(steady) and len(mean_t):
        before = mean_t.index[mean_t.index <= mean_t.index.max() - UNIT]
        recent = mean_t.loc[before.max() if len(before) else 0.0 :]
        drift = (recent - recent.iloc[-1]).abs().max()
        steady["estimate"] = np.hypot(steady["estimate"], drift)
    return steady


def over_time(rows: pd.DataFrame) -> pd.DataFrame:
    """mean, exact and estimate at every time that all runs of one problem share, empty with fewer than two seeds.

    Args:
        rows: columns t, seed, control (whether it is one), mean, error, exact.
    """
    from scipy import stats

    seeds, controls = rows[~rows["control"]], rows[rows["control"]]
    K = seeds["seed"].nunique()
    columns = {"mean": ("mean", "mean"), "s": ("mean", "std"), "e": ("error", "mean"), "exact": ("exact", "first")}
    over = seeds.groupby("t").agg(**columns)
    over = over[seeds.groupby("t")["seed"].nunique() == K]
    if K < 2:
        return over.iloc[:0].assign(estimate=0.0)
    square = (stats.t.ppf((1 + CONFIDENCE) / 2, K - 1) * over["s"]) ** 2 / K + over["e"] ** 2 / K
    if len(controls):
        apart = controls.groupby("t")["mean"].mean().reindex(over.index) - over["mean"]
        square = (square + apart**2).dropna()
    return over.loc[square.index].assign(estimate=np.sqrt(square))


def printed(estimated: pd.DataFrame) -> str:
    """A line per computation and observable with what distinguishes it, and how many estimates hold."""
    varied = [name for name in COMPUTATION if estimated[name].nunique(dropna=False) > 1 or name == "panel"]
    found = ["kind", "observable", "seeds", "controlled", "estimate", "deviation", "covered", "of times"]
    shown = estimated[[*varied, *found]]
    judged = estimated["covered"].dropna()
    held = f"{int(judged.sum())} of {len(judged)} estimates cover the true error" if len(judged) else "no exact curve"
    return f"{shown.to_string(index=False, float_format='{:.4f}'.format)}\n{held}"

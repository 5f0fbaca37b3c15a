"""How far off a result probably is, from its own runs: what to trust where no exact curve exists.

Two things betray an error. Seeds scatter: half the width of Student's 95 % interval of their mean. And steps matter:
how far a control is off the mean, a run with twice as many steps of half the length and half the iterations, whose
projections fall elsewhere. The estimate adds the two, and the error of the draws, in quadrature:

    estimate(t)^2 = [t_(K-1) s(t) / sqrt(K)]^2 + [c(t) - m(t)]^2 + [e(t)]^2 / K,

m and s mean and standard deviation of K seeds, c the control, e the draws' standard error of one run.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from repro.errors import InputError

CONTROL = ": control"
"""End of the name of a panel whose runs are controls of those of another."""
CONFIDENCE = 0.95
PROBLEM = ["panel", "method", "lattice", "n_sites", "layers", "width", "strings", "Jx", "Jy", "Jz", "B", "V", "g"]


def estimates(table: pd.DataFrame) -> pd.DataFrame:
    """One row per problem and observable that has several seeds.

    Args:
        table: as `repro.results` keeps it; steady states have t = inf.

    Returns:
        The problem's columns and `seeds`, `controlled`, `estimate` (largest over t), `deviation` (largest over t of the
        mean's distance from exact, nan without one) and `covered` (whether the estimate is no less than that).

    Raises:
        InputError: no problem has two seeds.
    """
    is_control = table["panel"].str.endswith(CONTROL)
    named = table.assign(panel=table["panel"].str.removesuffix(CONTROL), control=is_control)
    rows = []
    for key, mine in named.groupby([*PROBLEM, "observable"], dropna=False, sort=False):
        over_t = _over_time(mine)
        if over_t is not None:
            off = (over_t["mean"] - over_t["exact"]).abs().max()
            largest = over_t["estimate"].max()
            found = {"seeds": mine.loc[~mine["control"], "seed"].nunique(), "controlled": bool(mine["control"].any())}
            covered = None if off != off else bool(largest >= off)
            rows.append(
                dict(zip([*PROBLEM, "observable"], key, strict=True))
                | {**found, "estimate": largest, "deviation": off, "covered": covered}
            )
    if not rows:
        raise InputError("error estimate: no problem has two seeds, expected at least two runs that differ in seed")
    return pd.DataFrame(rows)


def _over_time(mine: pd.DataFrame) -> pd.DataFrame | None:
    """mean, exact and estimate at every time that all runs of one problem share, None with fewer than two seeds.

    A problem that has steady states is judged by them; its evolutions to there have panels of their own.
    """
    from scipy import stats

    mine = mine.assign(t=mine["t"].round(9))
    if np.isinf(mine["t"]).any():
        mine = mine[np.isinf(mine["t"])]
    seeds, controls = mine[~mine["control"]], mine[mine["control"]]
    K = seeds["seed"].nunique()
    if K < 2:
        return None
    over = seeds.groupby("t").agg(
        mean=("mean", "mean"), s=("mean", "std"), e=("error", "mean"), exact=("exact", "first")
    )
    square = (stats.t.ppf((1 + CONFIDENCE) / 2, K - 1) * over["s"]) ** 2 / K + over["e"] ** 2 / K
    if len(controls):
        apart = controls.groupby("t")["mean"].mean().reindex(over.index) - over["mean"]
        square = (square + apart**2).dropna()
    return over.loc[square.index].assign(estimate=np.sqrt(square))

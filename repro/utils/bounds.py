"""Means that no state has: which ones, and which rows of a table are of a state that could be one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from repro.utils.names import PAULI_AVERAGES, SCORED

if TYPE_CHECKING:
    import pandas as pd

ERRORS, ROUNDING = 3.0, 1e-6
"""A mean is unphysical that exceeds its bound by so many errors and this fraction, rounding in single precision."""
YES, NO = "yes", "no"


def beyond(mean: pd.Series[float], error: pd.Series[float], bound: pd.Series[float] | float) -> pd.Series[bool]:
    """Which means exceed a bound by more than their errors.

    Args:
        mean: values.
        error: their errors, NaN or 0 where there are none.
        bound: the largest absolute value that any state has.
    """
    return mean.abs() > bound * (1 + ROUNDING) + ERRORS * error.fillna(0.0)


def physical(table: pd.DataFrame) -> np.ndarray:
    """ "yes" where all Pauli averages of the same point at the same t are within [-1, 1] by `beyond`, else "no".

    "" where the table has none of them, or one that is no number. Within the bounds is not yet a state: that takes a
    smallest eigenvalue that is not negative.

    Args:
        table: columns figure, panel, point, point_id, t, observable, mean, error.

    Returns:
        A text for each row.
    """
    of_p = table["observable"].str.startswith(SCORED)
    averages = table["observable"].str.removeprefix(SCORED).isin(PAULI_AVERAGES)
    asked = {
        "out": averages & beyond(table["mean"], table["error"], 1.0),
        "unknown": averages & table["mean"].isna(),
        "known": averages,
    }
    keys = [table[name] for name in ("figure", "panel", "point", "point_id", "t")]
    found = table.assign(**asked)[[*asked]].groupby([*keys, of_p], sort=False, dropna=False).transform("any")
    inside = found["known"] & ~found["unknown"]
    return np.where(found["out"], NO, np.where(inside, YES, "")) if len(table) else np.array([], dtype=str)

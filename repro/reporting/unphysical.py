"""Means that no state has, by more than their error: loud wherever results are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

ERRORS, ROUNDING = 3.0, 1e-6
"""A mean is unphysical that exceeds its bound by so many errors and this fraction, rounding in single precision."""
PAULI_AVERAGES = ("sigma_x", "sigma_y", "sigma_z")


def beyond(mean: pd.Series[float], error: pd.Series[float], bound: pd.Series[float] | float) -> pd.Series[bool]:
    """Which means exceed a bound by more than their errors.

    Args:
        mean: values.
        error: their errors, NaN or 0 where there are none.
        bound: the largest absolute value that any state has.
    """
    return mean.abs() > bound * (1 + ROUNDING) + ERRORS * error.fillna(0.0)


def worst(rows: pd.DataFrame, bound: Callable[[str], float], place: Callable[[pd.Series], str]) -> list[str]:
    """One line for every observable with unphysical means: its worst one, and how many there are.

    Args:
        rows: columns observable, mean, error, t.
        bound: of an observable's absolute value.
        place: a row's, for the message.
    """
    lines = []
    bounds = rows["observable"].map(bound).astype(float)
    wrong = rows[beyond(rows["mean"], rows["error"], bounds)]
    for name, each in wrong.groupby("observable", sort=False):
        row = each.iloc[int((each["mean"].abs() - ERRORS * each["error"].fillna(0.0)).argmax())]
        more = f", {len(each)} such values" if len(each) > 1 else ""
        at = "the steady state" if np.isinf(row["t"]) else f"t = {row['t']:g}"
        limit = f"{bound(str(name)):g}"
        lines.append(
            f"unphysical: <{name}> = {row['mean']:.6g} +- {row['error']:.2g} at {at}{place(row)}{more}; "
            f"expected at most {limit} in absolute value"
        )
    return lines


def print_unphysical(table: pd.DataFrame, stream: IO[str]) -> None:
    """Print a line for every Pauli average of a table of results with means outside [-1, 1]."""
    rows = table[table["observable"].isin(PAULI_AVERAGES)].reset_index(drop=True)
    for line in worst(rows, lambda name: 1.0, lambda row: f" of {row['panel']} {row['point']}"):
        print(line, file=stream)

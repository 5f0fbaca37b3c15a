"""Means that no state has, by more than their error: loud wherever results are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TYPE_CHECKING

import numpy as np

from repro.utils.bounds import ERRORS, beyond
from repro.utils.names import PAULI_AVERAGES

if TYPE_CHECKING:
    import pandas as pd


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
            f"unphysical: <{name}> = {row['mean']:.8g} +- {row['error']:.2g} at {at}{place(row)}{more}; "
            f"expected at most {limit} in absolute value"
        )
    return lines


def print_unphysical(table: pd.DataFrame, stream: IO[str]) -> None:
    """Print a line for every Pauli average of a table of results with means outside [-1, 1]."""
    rows = table[table["observable"].isin(PAULI_AVERAGES)].reset_index(drop=True)
    for line in worst(rows, lambda name: 1.0, lambda row: f" of {row['panel']} {row['point']}"):
        print(line, file=stream)

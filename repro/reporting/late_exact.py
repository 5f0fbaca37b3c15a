"""Exact values that became known after a table was shipped: its runs may be gone, its settings are there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.config.point import Point
from repro.config.settings import build
from repro.references.of_point import ExactValues, exact_of, reachable
from repro.utils.files import SHIPPED_DIGITS
from repro.utils.formatting import significant
from repro.utils.names import PAULI_AVERAGES

if TYPE_CHECKING:
    import pandas as pd


def filled(table: pd.DataFrame, settings: Iterable[Mapping[str, Any]], runs: Path) -> pd.DataFrame:
    """The table with exact values, and their errors, of points beyond density matrices where it had none.

    Nothing is computed: what counts is stored in the shipped references or those of a folder of runs.

    Args:
        table: tidy table.
        settings: resolved settings of its points, as `<figure>.json` has them.
        runs: folder with a subfolder `reference`.
    """
    table = table.copy()
    for described in settings:
        rows = (table["point_id"] == described["point_id"]) & table["observable"].isin(PAULI_AVERAGES)
        rows &= table["exact"].isna()
        if not rows.any():
            continue
        point = build(Point, described)
        if reachable(point) or point.point_id != described["point_id"]:
            continue
        if exact := exact_of(point, runs):
            _fill(table, rows, exact)
    return table


def _fill(table: pd.DataFrame, rows: pd.Series[bool], exact: ExactValues) -> None:
    for index, row in table[rows].iterrows():
        value, error = exact(row["t"], row["observable"]), exact.error(row["t"], row["observable"])
        if not math.isnan(value):
            table.loc[index, "exact"] = significant(value, SHIPPED_DIGITS)
            table.loc[index, "exact_error"] = significant(error, 4)

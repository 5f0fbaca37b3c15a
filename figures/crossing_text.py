"""What the table of `python -m benchmarks.crossing` says, in sentences and as the page's table: nothing typed in."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from repro.utils.names import PAULI_AVERAGES
from repro.utils.pages import between_marks

OURS = "network"
WAYS = ("density matrix", "trajectories", "matrix products", "gates", "tensor jumps", OURS)
MOST_EXACT = WAYS[:4]
"""Others are measured by the first of these that has means of a size."""
BEYOND = 0.01
"""Largest error of a steady mean that counts as an answer."""
RUN, PART, MISSED, EXTRAPOLATED = "run", "part", "missed", "extrapolated"
USED = "used"
SURE = 2.0
"""Standard errors that a way may be off by beyond the target."""
SIZES: dict[str, tuple[int, ...]] = {"1d": (8, 16, 40), "2d": (9, 16, 20, 25)}
FEW: dict[str, tuple[int, ...]] = {"1d": (16, 40), "2d": (16, 25)}
PAGES = {"README.md": FEW, "docs/index.md": FEW, "docs/tutorial.md": FEW, "docs/notebook.md": SIZES}
"""Pages with the table, and the sizes that each shows."""
BEGIN, END = "<!-- tools -->", "<!-- end -->"
NAMES = {
    "density matrix": "density matrix (QuTiP)",
    "trajectories": "trajectories (QuTiP)",
    "matrix products": "matrix products",
    "gates": "trajectories of gates (qsim)",
    "tensor jumps": "tensor jumps",
    OURS: "this suite",
}


def used(table: pd.DataFrame) -> pd.DataFrame:
    """Rows that count, not those of the search, with `off`: the distance from the most exact way of the same size."""
    rows = table[table["use"] == USED].copy()
    rows["off"] = [_off(rows, row) for row in rows.to_dict("records")]
    return rows


def _off(rows: pd.DataFrame, row: dict[Any, Any]) -> float:
    """From the first of `MOST_EXACT` that has means of that size."""
    same = rows[(rows["problem"] == row["problem"]) & (rows["n_sites"] == row["n_sites"])]
    for way in MOST_EXACT:
        known = same[(same["way"] == way) & same["sigma_z"].notna()]
        if way != row["way"] and len(known):
            return float(np.max([abs(float(row[name]) - float(known[name].iloc[0])) for name in PAULI_AVERAGES]))
    return math.nan


def answers(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows that are an answer: within the target of a better way, or by their own error; extrapolated ones too.

    This suite's own error is no whole one, so that its rows count only where another way has the same size.
    """
    error = rows["error"].fillna(0.0)
    off = rows["off"].isna() | (rows["off"] <= BEYOND + SURE * error)
    known = (rows["way"] != OURS) | rows["off"].notna()  # neither are iterations that were not run
    return rows[off & known & (error <= 1.5 * BEYOND) & (rows["kind"] != MISSED)]


def cheapest(table: pd.DataFrame) -> pd.DataFrame:
    """The cheapest answer of every problem and size."""
    rows = answers(used(table))
    return rows.loc[rows.groupby(["problem", "n_sites"], sort=False)["seconds"].idxmin()].sort_values(
        ["panel", "problem", "n_sites"]
    )


def sentences(table: pd.DataFrame) -> list[str]:
    """Which way is the cheapest where, and what this suite's place is."""
    best = cheapest(table)
    said = [_of_problem(str(problem), rows) for problem, rows in best.groupby("problem", sort=False)]
    of_each = used(table).groupby("problem", sort=False)
    return [*said, *(_of_ours(str(problem), rows, best) for problem, rows in of_each)]


def _of_problem(problem: str, best: pd.DataFrame) -> str:
    parts: list[list[dict[Any, Any]]] = []
    previous = ""
    for row in best.sort_values("n_sites").to_dict("records"):
        if row["way"] != previous:
            parts.append([row, row])
        parts[-1][1], previous = row, row["way"]
    told = [f"{_range(first, last)} {NAMES[first['way']]} ({seconds(last)})" for first, last in parts]
    return f"{problem}: cheapest within {BEYOND:g} " + "; ".join(told) + "."


def _range(first: dict[Any, Any], last: dict[Any, Any]) -> str:
    start, end = size(first), size(last)
    return f"at {start}" if start == end else f"from {start} to {end}"


def _of_ours(problem: str, rows: pd.DataFrame, best: pd.DataFrame) -> str:
    mine = rows[(rows["way"] == OURS)].sort_values("n_sites")
    ran = mine[mine["sigma_z"].notna()]
    if not len(ran):
        return f"{problem}: this suite was not run."
    wins = best[(best["problem"] == problem) & (best["way"] == OURS)]
    last = ran.iloc[-1].to_dict()
    off = "" if math.isnan(last["off"]) else f", {last['off']:.3f} off"
    place = (
        "nowhere the cheapest" if not len(wins) else "the cheapest at " + ", ".join(map(size, wins.to_dict("records")))
    )
    largest = f"at {size(last)}, the largest that was run, it took {seconds(last)}{off}"
    return f"{problem}: this suite is {place} of the ways that were run; {largest}."


def size(row: dict[Any, Any]) -> str:
    """A ring's number of spins, a lattice's rows and columns."""
    return f"N = {row['n_sites']}" if row["panel"] == "1d" else str(row["lattice"]).split()[0]


def seconds(row: dict[Any, Any]) -> str:
    """Seconds with two digits, and whether they were run."""
    value = float(row["seconds"])
    digits = 1 - math.floor(math.log10(value)) if value > 0 else 1
    number = f"{round(value, digits):,.{max(0, digits)}f}"
    how = {RUN: "", PART: ", from a part", MISSED: ", given up", EXTRAPOLATED: ", extrapolated"}[str(row["kind"])]
    return f"{number} s{how}"


def markdown(table: pd.DataFrame, sizes: dict[str, tuple[int, ...]]) -> str:
    """Which tool for which problem: the cheapest answer and this suite's at some sizes of every panel, a line each."""
    rows, best = used(table), cheapest(table)
    lines = ["| problem | size | cheapest within 0.01 | this suite |", "|---|---|---|---|"]
    for row in best.to_dict("records"):
        if row["n_sites"] in sizes[row["panel"]]:
            mine = rows[
                (rows["problem"] == row["problem"]) & (rows["n_sites"] == row["n_sites"]) & (rows["way"] == OURS)
            ]
            told = _mine(mine.iloc[0].to_dict()) if len(mine) else ""
            lines.append(f"| {row['problem']} | {size(row)} | {NAMES[row['way']]}, {seconds(row)} | {told} |")
    return "\n".join(lines)


def _mine(row: dict[Any, Any]) -> str:
    if np.isnan(float(row["sigma_z"])):
        return seconds(row) + (", not run" if row["kind"] == PART else "")
    off = float(row["off"])
    return seconds(row) + (", how far off not known" if math.isnan(off) else f", {off:.3f} off")


def with_table(page: str, table: pd.DataFrame, sizes: dict[str, tuple[int, ...]]) -> str:
    """A page with the table between its marks written anew.

    Raises:
        InputError: a page without the marks.
    """
    return between_marks(page, (BEGIN, END), markdown(table, sizes))

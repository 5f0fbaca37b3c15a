"""Summary of a table, point by point and in one line: deviation from exact, wall time, what is of no state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from repro.config.method import METHODS
from repro.utils.bounds import NO
from repro.utils.formatting import duration
from repro.utils.names import PAULI_AVERAGES

if TYPE_CHECKING:
    import pandas as pd

GROUP = ["figure", "panel", "point", "point_id"]
SETTINGS = ["method", "n_sites", "layers", "width", "strings", "model", "Jy", "g"]
MEASURES = ["steady", "error", "exact", "deviation", "largest", "largest_t", "last", "last_t", "seconds"]

SHORT_NAMES = {method.kind: method.short for method in METHODS}
"""How tables call a method."""
NO_STATE = "no state"
"""In place of a deviation."""
FOLLOWING = {method.kind for method in METHODS if method.from_initial_state}
"""Methods whose curves are compared with exact ones at every time."""


def deviations(table: pd.DataFrame, observable: str = "sigma_z") -> pd.DataFrame:
    """How far every point of a table is from exact.

    Args:
        table: rows as `repro.utils.result_table.read_table` gives them.
        observable: "sigma_x", "sigma_y" or "sigma_z", averaged over the sites.

    Returns:
        One row per panel and point with figure, panel, point, point_id, method, n_sites, layers, width, strings,
            model, Jy, g and
            steady, error, exact: the steady-state estimate, its standard error and the exact steady state;
            deviation: steady - exact, of no unphysical state;
            largest, largest_t: for dynamics the largest |mean - exact| over finite t, and the t where it occurs, of
            no unphysical state;
            last, last_t: the same at the last finite t, and that t (in 1/gamma); "variational+dynamics" is
            compared with the exact steady state at every t;
            seconds: wall time of the whole point.
        NaN where a table has no such row.
    """
    import pandas as pd

    chosen = table[table["observable"] == observable]
    rows = [
        {
            **dict(zip(GROUP, key, strict=True)),
            **{name: point[name].iloc[0] for name in SETTINGS},
            **_measures(point),
        }
        for key, point in chosen.groupby(GROUP, sort=False)
    ]
    return pd.DataFrame(rows, columns=[*GROUP, *SETTINGS, *MEASURES])


def _measures(point: pd.DataFrame) -> dict[str, Any]:
    result = dict.fromkeys(MEASURES, math.nan)
    result["seconds"] = float(point["seconds"].max())
    steady = point[point["t"] == math.inf]
    if len(steady):
        mean, error, exact = (float(steady[name].iloc[-1]) for name in ("mean", "error", "exact"))
        off = math.nan if steady["physical"].iloc[-1] == NO else mean - exact
        result |= {"steady": mean, "error": error, "exact": exact, "deviation": off}
    if point["method"].iloc[0] in ("variational", "rbm"):
        return result
    curve = point[point["t"] < math.inf].sort_values("t")
    # A second stage starts from a state of no exact evolution: only the steady state can be compared.
    second_stage = point["method"].iloc[0] == "variational+dynamics"
    difference = (curve["mean"] - (result["exact"] if second_stage else curve["exact"])).to_numpy(copy=True)
    difference[(curve["physical"] == NO).to_numpy()] = math.nan
    times = curve["t"].to_numpy()
    if len(curve):
        result |= {"last": float(difference[-1]), "last_t": float(times[-1])}
    if np.isfinite(difference).any():
        worst = int(np.nanargmax(abs(difference)))
        result |= {"largest": float(abs(difference[worst])), "largest_t": float(times[worst])}
    return result


@dataclass(frozen=True)
class Headline:
    """A table in one line.

    Attributes:
        largest: the largest deviation from exact of any state that is not unphysical, NaN without one.
        of: whose it is.
        physical, points: how many points have no unphysical state, and how many there are.
    """

    largest: float
    of: str
    physical: int
    points: int

    @property
    def counted(self) -> str:
        """ "23 of 24"."""
        return f"{self.physical} of {self.points}"


def headline(table: pd.DataFrame) -> Headline:
    """Count the points of a table, and find the largest |mean - exact| over all Paulis that its figure shows.

    That is of any evolution at any time (of a second stage: at its end) and of any steady state, but never of an
    unphysical one.
    """
    largest, of = math.nan, ""
    for observable in observables_of(table):
        for row in deviations(table, observable).to_dict("records"):
            on_the_way = row["largest"] if row["method"] in FOLLOWING else math.nan
            off = float(np.fmax(on_the_way, abs(row["deviation"])))  # what is not known does not count
            if off == off and not off <= largest:
                largest, of = off, row["point"]
    wrong = table.loc[table["physical"] == NO, "point_id"].nunique()
    points = table["point_id"].nunique()
    return Headline(largest, of, points - wrong, points)


def print_summary(table: pd.DataFrame, stream: IO[str], observable: str = "sigma_z") -> None:
    """Print `deviations` as a table of at most 100 columns, on a terminal or into a file."""
    from rich.box import Box
    from rich.console import Console
    from rich.table import Table

    unit = "1/gamma" if table["gamma"].isna().all() else "the model's unit"
    title = f"<{observable}>: steady state, and deviation from exact (t in {unit})"
    # A rule below the head and nothing else, in ASCII, so that any terminal, pipe or log can show it.
    rule = Box("    \n    \n -- \n" + 5 * "    \n", ascii=True)
    grid = Table(title=title, title_justify="left", box=rule, padding=0, pad_edge=False)
    for name in ("panel", "method", "ansatz", "g" if observables_of(table)[1:] else "Jy"):
        grid.add_column(name, overflow="fold")
    for name in ("steady", "error", "exact", "off by", "largest", "at t", "last", "time"):
        grid.add_column(name, justify="right", no_wrap=True)
    for row in deviations(table, observable).to_dict("records"):
        grid.add_row(
            *(row["panel"], SHORT_NAMES.get(row["method"], row["method"])),
            *(f"{row['layers']}x{row['width']} {row['strings']}".strip(), _at(row)),
            *(_short(row["steady"], "+.4f"), _short(row["error"], ".4f"), _short(row["exact"], "+.4f")),
            *(off_by(row), _short(row["largest"], ".4f"), _short(row["largest_t"], ".2f")),
            *(_short(row["last"], "+.4f"), duration(row["seconds"])),
        )
    # Pinned, because away from a terminal rich would fold the table to 80 columns.
    Console(file=stream, width=100, markup=False, highlight=False, emoji=False).print(grid)


def _at(row: Mapping[Any, Any]) -> str:
    """The coupling that figures vary, or the size of a ring where they vary that."""
    if row["model"] == "tfim":
        return _short(row["g"], "g")
    return _short(row["Jy"], "g") if row["Jy"] else f"N{row['n_sites']}"


def observables_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The observables that the paper shows of a model: all three Paulis of an Ising ring, else sigma_z."""
    return PAULI_AVERAGES if (table["model"] == "tfim").all() else ("sigma_z",)


def off_by(row: Mapping[Any, Any]) -> str:
    """Deviation of a steady state, as text; of one that is unphysical, that it is none."""
    known = not math.isnan(row["steady"] - row["exact"])
    return NO_STATE if known and math.isnan(row["deviation"]) else _short(row["deviation"], "+.4f")


def print_headline(table: pd.DataFrame, stream: IO[str]) -> None:
    """Print how many points are physical, and the largest deviation of those states."""
    if len(table):
        found = headline(table)
        off = f"; largest deviation from exact: {found.largest:.3f} ({found.of})" if found.of else ""
        print(f"{found.counted} points physical{off}", file=stream)


def _short(value: float, form: str) -> str:
    return "" if value != value else format(value, form)

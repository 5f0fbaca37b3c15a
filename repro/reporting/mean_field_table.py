"""Mean field beside exact curves: the table that figures draw a faint line from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.config.point import Point
from repro.config.settings import build
from repro.references import mean_field
from repro.references.cache import Reference
from repro.references.of_point import end_time
from repro.utils.errors import InputError
from repro.utils.formatting import significant
from repro.utils.names import PAULI_AVERAGES
from repro.utils.result_table import read_table

if TYPE_CHECKING:
    import pandas as pd

NAME = "mean_field"
"""Ending of the table's file, and what drawings know it by."""
FIGURES = ("fig2", "fig3", "fig4")
"""Those that show it."""
SPACING = 0.05
"""Of the table's times (1/gamma)."""
DIGITS = 8
COLUMNS = ("lattice", "Jy", "g", "t", "observable", "mean")


def mean_field_table(points: Iterable[Point]) -> pd.DataFrame:
    """Evolutions from the points' product states, and states at rest (t = inf), of all their lattices and couplings.

    Columns: lattice, Jy, g, t (1/gamma), observable, mean; NaN where the state at rest depends on the start or there is
    none (`repro.references.mean_field.steady_state`).
    """
    import pandas as pd

    longest: dict[tuple[Any, ...], Point] = {}
    settling: dict[tuple[Any, ...], Point] = {}
    for point in points:
        if point.settles:
            settling.setdefault(_key(point), point)
        if point.method.from_initial_state:
            known = longest.get(_key(point))
            longest[_key(point)] = max(known or point, point, key=end_time)
    parts = [_rows(key, _evolution(point)) for key, point in longest.items()]
    parts += [_rows(key, _at_rest(point)) for key, point in settling.items()]
    return pd.concat(parts, ignore_index=True)[[*COLUMNS]] if parts else pd.DataFrame(columns=[*COLUMNS])


def shipped_text(figure: str, described: Iterable[Mapping[str, Any]], line: Iterable[Point]) -> str:
    """`<figure>_mean_field.csv` of points by their settings and of an exact line's; empty where no figure shows it."""
    if figure not in FIGURES:
        return ""
    table = mean_field_table([*(build(Point, each) for each in described), *line])
    return table.to_csv(index=False, lineterminator="\n")


def check_shown(figure: str) -> None:
    """Refuse a figure that does not show mean field.

    Raises:
        InputError: it is one.
    """
    if figure not in FIGURES:
        raise InputError(f"mean field of {figure}: expected one of {', '.join(FIGURES)}")


def _key(point: Point) -> tuple[Any, ...]:
    couplings = point.system.model.couplings
    return point.lattice.name, couplings.get("Jy"), couplings.get("g")


def _evolution(point: Point) -> Reference:
    times = np.array([significant(SPACING * k) for k in range(math.ceil(end_time(point) / SPACING - 1e-9) + 1)])
    return mean_field.evolution(point.lindblad_model, point.system.initial, times)


def _at_rest(point: Point) -> Reference:
    return mean_field.steady_state(point.lindblad_model, point.system.initial)


def _rows(key: tuple[Any, ...], found: Reference) -> pd.DataFrame:
    means = [significant(value, DIGITS) if math.isfinite(value) else math.nan for value in found.table["mean"]]
    return found.table.assign(mean=means, **dict(zip(COLUMNS[:3], key, strict=True)))


def compared(table: pd.DataFrame, means: pd.DataFrame, observable: str = "sigma_z") -> pd.DataFrame:
    """How far mean field and results are from exact, the largest over couplings and times at which all are known.

    Args:
        table: tidy rows of a figure.
        means: its mean field.
        observable: which.

    Returns:
        Columns: method, lattice, of ("evolution" or "steady state"), values (how many), mean field, ours.
    """
    import pandas as pd

    rows = table[(table["observable"] == observable) & table["exact"].notna() & (table["physical"] != "no")]
    rows = rows.assign(mean_field=_at(rows, means[means["observable"] == observable]))
    rows = rows[rows["mean_field"].notna() & ((rows["t"] < math.inf) <= (rows["method"] == "dynamics"))]
    rows = rows.assign(of=rows["t"].map(lambda t: "steady state" if math.isinf(t) else "evolution"))
    found = [
        {
            **dict(zip(("method", "lattice", "of"), key, strict=True)),
            "values": len(group),
            "mean field": float((group["mean_field"] - group["exact"]).abs().max()),
            "ours": float((group["mean"] - group["exact"]).abs().max()),
        }
        for key, group in rows.groupby(["method", "lattice", "of"])
    ]
    return pd.DataFrame(found, columns=["method", "lattice", "of", "values", "mean field", "ours"])


def distances(figure: str, results: Path) -> str:
    """The same of every Pauli of a shipped figure, as text.

    Raises:
        InputError: a figure that does not show mean field.
    """
    import pandas as pd

    check_shown(figure)
    table, means = read_table(results / f"{figure}.csv"), pd.read_csv(results / f"{figure}_{NAME}.csv")
    parts = [compared(table, means, name).assign(observable=name) for name in PAULI_AVERAGES]
    return pd.concat(parts).to_string(index=False, float_format="{:.3f}".format)


def _at(rows: pd.DataFrame, means: pd.DataFrame) -> np.ndarray:
    """Mean field at the lattice, couplings and time of every row, NaN where there is none."""
    from scipy.interpolate import CubicSpline

    found = np.full(len(rows), math.nan)
    t = rows["t"].to_numpy(dtype=float)
    for key, known in means.groupby([*COLUMNS[:3]], dropna=False):
        same = np.logical_and.reduce([_equal(rows[name], value) for name, value in zip(COLUMNS, key, strict=False)])
        at_rest, curve = known[np.isinf(known["t"])], known[known["t"] < math.inf]
        if len(at_rest):
            found[same & np.isinf(t)] = float(at_rest["mean"].iloc[0])
        if len(curve):
            within = same & (t <= curve["t"].max() + 1e-9)
            found[within] = CubicSpline(curve["t"], curve["mean"])(t[within])
    return found


def _equal(column: pd.Series, value: object) -> np.ndarray:
    return (column.isna() if value != value else column == value).to_numpy()

"""What several figures draw alike: evolutions over their deviation, and Pauli expectation values."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from figures import style

TIME = r"$\gamma t$"
MEANS = {f"sigma_{axis}": rf"$\langle\sigma_{axis}\rangle$" for axis in "xyz"}
DEVIATION = r"$-\,$exact"


def curves(table: pd.DataFrame, observable: str = "sigma_z") -> pd.DataFrame:
    """Rows of evolutions, in the order of point and time."""
    chosen = (table["observable"] == observable) & (table["t"] < math.inf)
    return table[chosen].drop_duplicates(["point_id", "panel", "t"]).sort_values(["n_sites", "Jy", "point_id", "t"])


def steady(table: pd.DataFrame, observable: str = "sigma_z") -> pd.DataFrame:
    """Rows of steady states."""
    return table[(table["observable"] == observable) & (table["t"] == math.inf)]


def evolution(top: Axes, bottom: Axes, curve: pd.DataFrame, colour: Any, label: str) -> None:
    """One curve with its band of error, the exact one over it, and below how far apart they are."""
    line: dict[str, Any] = {"color": colour, "linewidth": 1.6, "zorder": 2}
    top.plot(curve["t"], curve["mean"], label=label, **line)
    band = (curve["mean"] - curve["error"], curve["mean"] + curve["error"])
    if (curve["error"] > 0).any():
        top.fill_between(curve["t"], *band, color=colour, alpha=0.25, linewidth=0, zorder=1)
    if curve["exact"].notna().any():
        # listed once: a legend keeps the first of equal labels
        top.plot(curve["t"], curve["exact"], color=style.BLACK, linewidth=0.8, label="exact", zorder=3)
        bottom.plot(curve["t"], curve["mean"] - curve["exact"], **{**line, "linewidth": 1.2})


def zero_line(axes: Axes) -> None:
    """Where a deviation is nought."""
    axes.axhline(0, color=style.BLACK, linewidth=0.8, zorder=1)


def to_time(curve: pd.DataFrame, whole: float) -> str:
    """ " (to t = 0.6)" for a curve that ends before the whole time, else nothing."""
    end = float(curve["t"].max())
    return rf" (to $t = {end:.2g}$)" if end < 0.95 * whole else ""

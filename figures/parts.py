"""Parts that several figures share: evolutions over their deviation, and Pauli expectation values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from repro.reporting import style

TIME = r"$\gamma t$"
MEANS = {f"sigma_{axis}": rf"$\langle\sigma_{axis}\rangle$" for axis in "xyz"}
DEVIATION = r"$-\,$exact"
# Sampling and a POVM's p may overshoot |<sigma>| = 1 a little; beyond, no state is meant.
LARGEST = 1.2
STRIPS = (2.1, 1.0)
"""Heights of a panel and of its strip."""
MANY = 2
"""Collapsed runs that are named; more are counted."""


def curves(table: pd.DataFrame, observable: str = "sigma_z") -> pd.DataFrame:
    """Rows of evolutions, in the order of point and time."""
    chosen = (table["observable"] == observable) & (table["t"] < math.inf)
    return table[chosen].drop_duplicates(["point_id", "panel", "t"]).sort_values(["n_sites", "Jy", "point_id", "t"])


def steady(table: pd.DataFrame, observable: str = "sigma_z") -> pd.DataFrame:
    """Rows of steady states."""
    return table[(table["observable"] == observable) & (table["t"] == math.inf)]


def size(rows: pd.DataFrame) -> str:
    """Layers and width as in the paper's legends, "1 32"; of several sizes each."""
    return ", ".join(
        f"{layers} {width}" for layers, width in sorted(set(zip(rows["layers"], rows["width"], strict=True)))
    )


def lattice(rows: pd.DataFrame) -> str:
    """ "3x3" of the lattice that the rows are of, in mathematics; the paper's where there are no rows."""
    name = str(rows["lattice"].iloc[0]).split()[0] if len(rows) else "3x3"
    return "$" + name.replace("x", r"\times") + "$"


def on_scale(axes: Axes, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that can be a state; the others, collapsed runs that would flatten the panel, are named above it."""
    possible = rows["mean"].abs() <= LARGEST
    lines = [f"off scale: {row['point']}: {row['mean']:+.2f}" for row in rows[~possible].to_dict("records")]
    if len(lines) > MANY:
        lines[MANY:] = [f"and {len(lines) - MANY} more"]
    if lines:
        earlier = axes.get_title(loc="right")
        axes.set_title("\n".join([earlier, *lines] if earlier else lines), loc="right", fontsize=5.5)
    return rows[possible]


def evolution(top: Axes, bottom: Axes, curve: pd.DataFrame, colour: Any, label: str, order: float = 2) -> None:
    """Draw a curve with its band of error, the exact curve over it, and the deviation below.

    Args:
        top, bottom: panel, and strip of deviations.
        curve: rows of one evolution in the order of time.
        colour: of the curve.
        label: its name in the legend, where "exact" comes before it.
        order: the higher, the further in front; below 3, where exact curves are.
    """
    exact = curve["exact"].notna().any()
    if exact:
        alone = "_" if len(curve) == 1 else ""
        # listed once: a legend keeps the first of equal labels
        top.plot(curve["t"], curve["exact"], color=style.BLACK, linewidth=0.8, label="exact", zorder=3, marker=alone)
        zero_line(bottom)
        with_band(bottom, curve, curve["exact"], color=colour, linewidth=1.2, zorder=order)
    with_band(top, curve, 0.0, color=colour, linewidth=1.6, zorder=order, label=label)


def with_band(axes: Axes, curve: pd.DataFrame, below: Any, **line: Any) -> None:
    """Draw the mean less `below` (a number or a column) with a band of its errors; `line` has at least a color."""
    height = curve["mean"] - below
    # a curve of which only the start is there yet
    axes.plot(curve["t"], height, marker="o" if len(curve) == 1 else "", **line)
    if (curve["error"] > 0).any():
        band = (height - curve["error"], height + curve["error"])
        axes.fill_between(curve["t"], *band, color=line["color"], alpha=0.25, linewidth=0, zorder=1)


def panels_over_strips(figure: Figure, lines: int, columns: int, sharex: bool = False) -> list[tuple[Axes, Axes]]:
    """Axes of panels, row after row, each with the axes of its strip of deviations."""
    grid = figure.subplots(2 * lines, columns, sharex=sharex, squeeze=False, height_ratios=STRIPS * lines)
    figure.align_ylabels(grid[:, 0])
    return [(grid[2 * line, column], grid[2 * line + 1, column]) for line in range(lines) for column in range(columns)]


def strip(axes: Axes, x: str, y: str) -> None:
    """Label a strip of deviations, with few ticks for its little height."""
    style.label(axes, x, y)
    axes.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))


def zero_line(axes: Axes) -> None:
    """Draw the line of no deviation."""
    axes.axhline(0, color=style.BLACK, linewidth=0.8, zorder=1)


def no_exact(axes: Axes) -> None:
    """Write into a strip of deviations that there is no exact curve."""
    text = "no exact curve at this size"
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=style.GREY, style="italic")
    axes.yaxis.set_tick_params(which="both", length=0, labelleft=False)


def span(curve: pd.DataFrame) -> float:
    """The last time of a curve."""
    return float(curve["t"].max())


def to_time(curve: pd.DataFrame, whole: float) -> str:
    """ " (to t = 0.6)" for a curve that ends before the whole time, else nothing."""
    end = span(curve)
    return rf" (to $t = {end:.2g}$)" if end < 0.95 * whole else ""


def time_limits(axes: Axes, whole: float) -> None:
    """Limit the axis to 0 and the whole time, unless no curve has got beyond its start."""
    if whole > 0:
        axes.set_xlim(0, whole)


def value_at(exact: pd.DataFrame, g: float) -> dict[str, float] | None:
    """Mean and error of the exact row at a field, if there is one."""
    rows = exact[np.isclose(exact["g"], g)].head(1)
    return {"mean": float(rows["mean"].iloc[0]), "error": float(rows["error"].iloc[0])} if len(rows) else None

"""Figure 3: variational steady states of the 16-site transverse-field Ising ring over g, beside exact and an RBM.

Mean field is a faint line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.reporting import style
from repro.reporting.style import Look

from . import hollow, parts

OURS, RBM = Look(style.ORANGE, "o"), Look(style.GREEN, "s", filled=False)
WITHIN = 0.03
"""Half the shaded band of deviations."""
HARD = (1.0, 2.5)
"""Fields where the paper finds the RBM to have trouble."""


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The drawing, with the RBM's points where its table exists."""
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 3.4))
        grid = figure.subplots(2, 3, sharex=True, height_ratios=(2.2, 1))
        ours = table[table["method"] == "variational"]
        rbm = _of_the_same_ring(extra.get("rbm", table.iloc[:0]), ours)
        for letter, name, (top, bottom) in zip("abc", parts.MEANS, grid.T, strict=True):
            style.panel(top, letter, parts.MEANS[name])
            style.label(top, "", "expectation value" if letter == "a" else "")
            parts.strip(bottom, r"$g/\gamma$", "deviation" if letter == "a" else "")
            exact = reference[reference["observable"] == name].drop_duplicates("g").sort_values("g")
            _panel(top, bottom, parts.steady(ours, name), parts.steady(rbm, name), exact)
            rows = parts.of_mean_field(extra, name, t=math.inf).sort_values("g")
            if len(rows) and len(ours):
                parts.mean_field(top, rows["g"], rows["mean"])
        figure.align_ylabels(grid[:, 0])
        style.legend_above(figure, [*grid[0], grid[1, 0]], columns=6)
        style.stamp(figure, profile)
    return {"fig3": figure}


def _of_the_same_ring(rbm: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """The RBM's rows of rings and couplings that the table has; all where it has nothing."""
    rings = set(zip(ours["n_sites"], ours["V"], ours["gamma"].fillna(1.0), strict=True))
    theirs = zip(rbm["n_sites"], rbm["V"], rbm.get("gamma", pd.Series(1.0, rbm.index)).fillna(1.0), strict=True)
    return rbm[np.array([ring in rings or not rings for ring in theirs], dtype=bool)]


def over_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each g: the mean over seeds and, as its error, the larger of their standard error and their own."""
    grouped = rows.groupby("g")
    columns = {"mean": ("mean", "mean"), "error": ("error", "max"), "exact": ("exact", "mean")}
    out = grouped.agg(**columns, physical=("physical", hollow.of_any))
    spread = grouped["mean"].sem() if len(rows) else out["error"]
    out["error"] = np.fmax(out["error"], spread)
    return out.reset_index()


def _panel(top: Axes, bottom: Axes, ours: pd.DataFrame, rbm: pd.DataFrame, exact: pd.DataFrame) -> None:
    if not len(ours) and not len(rbm):
        style.nothing_yet(top)
        style.nothing_yet(bottom)
        return
    parts.zero_line(bottom)
    if len(exact):
        _exact(top, bottom, exact)
    for rows, look, label, order in (
        (rbm, RBM, "RBM (NetKet)", 3),
        (ours, OURS, f"variational {parts.size(ours)}", 4),
    ):
        rows = parts.on_scale(top, rows)
        if len(rows):
            points = over_seeds(rows)
            known = points["exact"].fillna(points["g"].map(dict(zip(exact["g"], exact["mean"], strict=True))))
            style.points(top, points["g"], points["mean"], points["error"], look, label, zorder=order)
            off = points["mean"] - known
            style.points(bottom, points["g"], off, points["error"], look, label, zorder=order, markersize=3.2)
            for axes, heights in ((top, points["mean"]), (bottom, off)):
                hollow.over(axes, points["g"], heights, points, look)
    _shade(top, bottom)
    top.margins(x=0.04, y=0.08)
    bottom.margins(y=0.1)


def _exact(top: Axes, bottom: Axes, exact: pd.DataFrame) -> None:
    """Draw the exact line with its band of error; in the strip that band lies about zero."""
    line: dict[str, Any] = {"color": style.BLACK, "linewidth": 0.9, "marker": "_" if len(exact) == 1 else ""}
    top.plot(exact["g"], exact["mean"], label="exact", markersize=12, zorder=1, **line)
    error = exact["error"].where(exact["error"] > 0, 0.0)
    if not error.any():
        return
    for axes, middle in ((top, exact["mean"]), (bottom, 0 * error)):
        band = (middle - error, middle + error)
        axes.fill_between(exact["g"], *band, color=style.GREY, alpha=0.4, linewidth=0, zorder=0.5)


def _shade(top: Axes, bottom: Axes) -> None:
    hard = rf"${HARD[0]:g}<g/\gamma<{HARD[1]:g}$: hard for the RBM"
    for axes, label in ((top, None), (bottom, hard)):
        axes.axvspan(*HARD, color=style.GREY, alpha=0.1, linewidth=0, zorder=0, label=label)
    within = rf"$|$deviation$|\leq {WITHIN:g}$"
    bottom.axhspan(-WITHIN, WITHIN, color=style.BLUE, alpha=0.12, linewidth=0, zorder=0, label=within)

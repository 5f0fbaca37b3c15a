"""Figure 3: variational steady states of the 16-site transverse-field Ising ring over g, beside exact and an RBM."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import parts, style
from figures.style import Look

OURS, RBM = Look(style.ORANGE, "o"), Look(style.GREEN, "s", filled=False)
WITHIN = 0.03
"""Half the shaded band of deviations."""
HARD = (1.0, 2.5)
"""Fields where the paper finds the RBM to have trouble."""


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The one drawing; the RBM's points where its table is there."""
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 3.4))
        grid = figure.subplots(2, 3, sharex=True, height_ratios=(2.2, 1))
        for letter, name, (top, bottom) in zip("abc", parts.MEANS, grid.T, strict=True):
            style.panel(top, letter, parts.MEANS[name])
            ours = over_seeds(parts.steady(table[table["method"] == "variational"], name))
            rbm = extra.get("rbm", table.iloc[:0])
            exact = reference[reference["observable"] == name].drop_duplicates("g").sort_values("g")
            _panel(top, bottom, ours, over_seeds(parts.steady(rbm, name)), exact)
            style.label(bottom, r"$g/\gamma$", "deviation" if letter == "a" else "")
            style.label(top, "", "expectation value" if letter == "a" else "")
        figure.align_ylabels(grid[:, 0])
        style.legend_above(figure, grid[0])
        style.stamp(figure, profile)
    return {"fig3": figure}


def over_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each g: the mean over seeds, its standard error where there are several, else the row's own."""
    grouped = rows.groupby("g")
    out = grouped.agg(mean=("mean", "mean"), error=("error", "max"), exact=("exact", "mean"))
    spread = grouped["mean"].sem() if len(rows) else out["error"]
    out["error"] = np.fmax(out["error"], spread)
    return out.reset_index()


def _panel(top: Axes, bottom: Axes, ours: pd.DataFrame, rbm: pd.DataFrame, exact: pd.DataFrame) -> None:
    for axes in (top, bottom):
        axes.axvspan(*HARD, color=style.GREY, alpha=0.08, linewidth=0, zorder=0)
    bottom.axhspan(-WITHIN, WITHIN, color=style.BLUE, alpha=0.12, linewidth=0, zorder=0)
    parts.zero_line(bottom)
    if not len(ours) and not len(rbm):
        style.nothing_yet(top)
        return
    if len(exact):
        top.plot(exact["g"], exact["mean"], color=style.BLACK, linewidth=0.9, label="exact", zorder=1)
        if "error" in exact and (exact["error"] > 0).any():
            band = (exact["mean"] - exact["error"], exact["mean"] + exact["error"])
            top.fill_between(exact["g"], *band, color=style.GREY, alpha=0.4, linewidth=0, zorder=0)
    for points, look, label, order in ((rbm, RBM, "RBM (NetKet)", 3), (ours, OURS, "variational 1 32", 4)):
        if len(points):
            style.points(top, points["g"], points["mean"], points["error"], look, label, zorder=order)
            off = points["mean"] - points["exact"]
            style.points(bottom, points["g"], off, points["error"], look, label, zorder=order, markersize=3.2)
    top.margins(x=0.04, y=0.08)

"""Figure S2: the variational loss over the iterations, of the Ising ring (a) and of the 3x3 lattice (b)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from figures import parts, style

TITLES = {"a": r"16-site Ising ring, $V = g = 2\gamma$", "b": r"$3\times3$ Heisenberg lattice, $J_y = 1.8\gamma$"}
WINDOW = 25
"""Iterations of the running median."""


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The one drawing; the losses are a table of their own."""
    losses = extra.get("losses", pd.DataFrame(columns=["panel", "point_id", "iteration", "loss"]))
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 2.4))
        for axes, (panel, title) in zip(figure.subplots(1, 2), TITLES.items(), strict=True):
            style.panel(axes, panel, _title(table, panel, title))
            axes.set_yscale("log")
            axes.set_xlabel("iteration")
            axes.set_ylabel(r"loss $\|\dot{p}\|_1/\gamma$")
            runs = losses[losses["panel"] == panel]
            if not len(runs):
                style.nothing_yet(axes)
            for _, run in runs.groupby("point_id"):
                smooth = run["loss"].rolling(WINDOW, center=True, min_periods=1).median()
                axes.plot(run["iteration"], run["loss"], color=style.SKY, linewidth=0.5, label="each iteration")
                axes.plot(run["iteration"], smooth, color=style.BLUE, label=f"median of {WINDOW}")
                axes.set_xlim(0, run["iteration"].max())
        style.legend_above(figure, figure.axes)
        style.stamp(figure, profile)
    return {"figS2": figure}


def _title(table: pd.DataFrame, panel: str, title: str) -> str:
    """The title, and the size of the network where the table says it."""
    rows = parts.steady(table[table["panel"] == panel])
    return f"{title}, {rows['layers'].iloc[0]} {rows['width'].iloc[0]}" if len(rows) else title

"""Figure S2: the variational loss over the iterations, of the Ising ring (a) and of the 3x3 lattice (b)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from repro.reporting import style

from . import parts

WINDOW = 25
"""Iterations of the running median."""


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The drawing; the losses come from a table of their own."""
    losses = extra.get("losses", pd.DataFrame(columns=["panel", "seed", "iteration", "loss"]))
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 2.4))
        for panel, axes in zip("ab", figure.subplots(1, 2), strict=True):
            style.panel(axes, panel, _title(parts.steady(table[table["panel"] == panel])))
            style.label(axes, "iteration", r"loss $\|\dot{p}\|_1/\gamma$")
            _panel(axes, losses[losses["panel"] == panel])
        style.legend_above(figure, figure.axes)
        style.stamp(figure, profile)
    return {"figS2": figure}


def _panel(axes: Axes, runs: pd.DataFrame) -> None:
    """Draw every iteration of the first seed as a light line, and running medians, which single jumps do not move."""
    if not len(runs):
        style.nothing_yet(axes)
        return
    axes.set_yscale("log")
    # less than a decade or two: numbers, not powers of ten
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    for seed, run in runs.sort_values("iteration").groupby("seed"):
        smooth = run["loss"].rolling(WINDOW, center=True, min_periods=1).median()
        if seed == runs["seed"].min():
            axes.plot(run["iteration"], run["loss"], color=style.SKY, linewidth=0.5, label="each iteration")
            axes.plot(run["iteration"], smooth, color=style.BLUE, zorder=3, label=f"median of {WINDOW}")
        else:
            axes.plot(run["iteration"], smooth, color=style.GREY, linewidth=0.6, label="that of other seeds")
    axes.set_xlim(0, max(1, runs["iteration"].max()))


def _title(rows: pd.DataFrame) -> str:
    """The system and the size of the network of the rows."""
    if not len(rows):
        return ""
    first = rows.iloc[0]
    if first["model"] == "tfim":
        system = rf"{first['n_sites']}-site Ising ring, $V = {first['V']:g}\gamma$, $g = {first['g']:g}\gamma$"
    else:
        system = rf"{parts.lattice(rows)} Heisenberg lattice, $J_y = {first['Jy']:g}\gamma$"
    return f"{system}, {parts.size(rows)}"

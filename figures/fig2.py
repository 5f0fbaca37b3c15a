"""Figure 2: <sigma_z>(t) of Heisenberg rings (a) and of the 3x3 lattice (b), with the deviation from exact below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import parts, style

TITLES = {"a": "Heisenberg rings", "b": r"$3\times3$ Heisenberg lattice"}
COLOURS = {"a": (style.VERMILION, style.SKY, style.GREEN), "b": (style.BLUE, style.ORANGE, style.PURPLE, style.GREEN)}


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The one drawing, whatever part of its points the table has."""
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 3.4))
        grid = figure.subplots(2, 2, sharex="col", height_ratios=(2.4, 1))
        chosen = parts.curves(table)
        for (panel, title), (top, bottom) in zip(TITLES.items(), grid.T, strict=True):
            style.panel(top, panel, title)
            _panel(top, bottom, panel, chosen[chosen["panel"] == panel])
        figure.align_ylabels(grid[:, 0])
        style.legend_above(figure, grid[0], columns=8)
        style.stamp(figure, profile)
    return {"fig2": figure}


def _panel(top: Axes, bottom: Axes, panel: str, curves: pd.DataFrame) -> None:
    style.label(top, "", parts.MEANS["sigma_z"])
    style.label(bottom, parts.TIME, parts.MEANS["sigma_z"] + parts.DEVIATION)
    if not len(curves):
        style.nothing_yet(top)
        style.nothing_yet(bottom)
        return
    whole = float(curves["t"].max())
    by = ["n_sites", "Jy", "strings", "point_id"]
    # larger rings lie on the smallest one's curve: it is drawn last, under the exact line
    groups: list[tuple[Any, pd.DataFrame]] = list(curves.groupby(by, sort=True))
    for number, (key, curve) in reversed(list(enumerate(groups))):
        label = _name(panel, curve, key) + parts.to_time(curve, whole)
        parts.evolution(top, bottom, curve, COLOURS[panel][number % len(COLOURS[panel])], label)
    parts.zero_line(bottom)
    top.set_xlim(0, whole)


def _name(panel: str, curve: pd.DataFrame, key: tuple[Any, ...]) -> str:
    n_sites, Jy, strings, _ = key
    if panel == "a":
        return f"$N = {n_sites}$"
    return rf"$J_y = {Jy:g}\gamma$" + ("" if strings == "0s" else f", {strings}")

"""Beyond the paper: the paper's objective, projection, collocation and velocities on the same problems, beside exact.

methods: <sigma_z> and its deviation (a) on the 3x3 lattice, (b) in its steady state over J_y, (c) on the ring of
Fig. 2(a), (d) on the ring of Fig. S4, (e) on the 4x4 lattice beside quantum trajectories, (f) on rings that have no
exact curve. methods_seconds: largest deviation of every run against its seconds.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from repro.reporting import style
from repro.reporting.style import Look

from . import hollow, parts

PANELS = {
    "lattice": r"$3\times3$ lattice",
    "steady": "its steady state",
    "ring": "ring",
    "fast": "ring, ten times B, J",
    "larger lattice": r"$4\times4$ lattice",
    "larger rings": "larger rings",
}
MARKERS = {"lattice": "s", "steady": "o", "ring": "D", "fast": "^", "larger lattice": "p", "larger rings": "v"}
PAPERS, PROJECTION = "the paper's objective", "projection, exact sums"
COLLOCATION, TDVP = "collocation, drawn", "tdvp, drawn"
BEYOND = {"projection": PROJECTION, "collocation": COLLOCATION, "tdvp": TDVP}
COLOURS = {PAPERS: style.VERMILION, PROJECTION: style.BLUE, COLLOCATION: style.GREEN, TDVP: style.PURPLE}


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """Both drawings."""
    named = table.assign(way=table["method"].map(BEYOND).fillna(PAPERS))
    return {"methods": draw(named, profile), "methods_seconds": draw_seconds(named, profile)}


def draw(table: pd.DataFrame, profile: str) -> Figure:
    """A panel with a strip of deviations for each problem."""
    larger = table["panel"].str.startswith("larger").any()
    panels = {name: text for name, text in PANELS.items() if larger or not name.startswith("larger")}
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 1.2 + len(panels)))
        cells = parts.panels_over_strips(figure, len(panels) // 2, 2)
        for letter, (name, text), (top, bottom) in zip("abcdef", panels.items(), cells, strict=False):
            rows = table[table["panel"] == name]
            style.panel(top, letter, text + _sites(rows) if "ring" in text else text)
            style.label(top, "", parts.MEANS["sigma_z"])
            parts.strip(bottom, r"$J_y/\gamma$" if name == "steady" else parts.TIME, parts.DEVIATION)
            top.sharex(bottom)
            top.tick_params(labelbottom=False)
            (_steady if name == "steady" else _evolutions)(top, bottom, rows)
        style.legend_above(figure, [top for top, _ in cells])
        style.stamp(figure, profile)
    return figure


def draw_seconds(table: pd.DataFrame, profile: str) -> Figure:
    """Draw deviation against seconds on logarithmic axes; of evolutions the largest deviation over time."""
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 2.9))
        axes = figure.subplots()
        axes.set_xlabel("seconds of one run")
        axes.set_ylabel(r"largest $|\langle\sigma_z\rangle-$exact$|$")
        runs = _runs(table)
        if len(runs):
            axes.set_xscale("log")
            axes.set_yscale("log")
            # numbers at the powers of ten alone: those between them would run into each other
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_minor_formatter(NullFormatter())
        else:
            style.nothing_yet(axes)
        for way, panel in itertools.product(COLOURS, PANELS):
            of_way = runs[(runs["way"] == way) & (runs["panel"] == panel)]
            look = Look(COLOURS[way], MARKERS[panel], filled=way != PAPERS)
            if len(of_way):
                label = f"{way}, {PANELS[panel]}"
                style.points(axes, of_way["seconds"], of_way["off"], np.zeros(len(of_way)), look, label)
                hollow.over(axes, of_way["seconds"], of_way["off"], of_way, look)
        style.legend_above(figure, [axes], columns=3)
        style.stamp(figure, profile)
    return figure


def _sites(rows: pd.DataFrame) -> str:
    return "".join(f", $N={n}$" for n in sorted(set(rows["n_sites"])))


def _runs(table: pd.DataFrame) -> pd.DataFrame:
    """Columns way, panel, seconds and off (largest deviation) of every run that has exact values."""
    steady = table[table["panel"] == "steady"]
    rows = pd.concat([parts.curves(table[table["panel"] != "steady"]), parts.steady(steady)])
    rows = rows.assign(off=(rows["mean"] - rows["exact"]).abs()).dropna(subset="off")
    grouped = rows.groupby(["way", "panel", "point_id"], sort=False)
    runs = grouped.agg({"seconds": "max", "off": "max", "physical": hollow.of_any})
    return runs[runs["off"] > 0].reset_index()


def _evolutions(top: Axes, bottom: Axes, rows: pd.DataFrame) -> None:
    """Draw every coupling and seed of all ways, and the exact curves over them."""
    curves = parts.curves(rows)
    if not len(curves):
        style.nothing_yet(top)
        style.nothing_yet(bottom)
        return
    for _, curve in curves.groupby("point_id", sort=False):
        way = str(curve["way"].iloc[0])
        parts.evolution(top, bottom, curve, COLOURS[way], way, order=2.0 if way == PAPERS else 2.5)
    if curves["exact"].isna().all():
        parts.no_exact(bottom)
    parts.time_limits(top, parts.span(curves))


def _steady(top: Axes, bottom: Axes, rows: pd.DataFrame) -> None:
    """Draw means over seeds with their standard errors, and the deviations below."""
    runs = parts.on_scale(top, parts.steady(rows))
    if not len(runs):
        style.nothing_yet(top)
        style.nothing_yet(bottom)
        return
    exact = runs.dropna(subset="exact").drop_duplicates("Jy").sort_values("Jy")
    top.plot(exact["Jy"], exact["exact"], color=style.BLACK, linewidth=0.8, label="exact", zorder=1)
    parts.zero_line(bottom)
    for way in COLOURS:
        of_way = runs[runs["way"] == way]
        columns = {"mean": ("mean", "mean"), "error": ("mean", "sem"), "exact": ("exact", "first")}
        over = of_way.groupby("Jy").agg(**columns, physical=("physical", hollow.of_any))
        look: dict[str, Any] = {"look": Look(COLOURS[way], "o", filled=way != PAPERS), "label": way}
        if not len(over):
            continue
        style.points(top, over.index, over["mean"], over["error"], **look)
        style.points(bottom, over.index, over["mean"] - over["exact"], over["error"], **look)
        for axes, heights in ((top, over["mean"]), (bottom, over["mean"] - over["exact"])):
            hollow.over(axes, over.index, heights, over, look["look"])

"""What the paper does not give: how far the evolution of Fig. 2(b) is from exact, over iterations, decay and draws.

settings: relative entropy early on and largest deviation of <sigma_z>, (a, c) for the grid of settings, (b, d) for
other networks at the public code's schedule; a marker for every seed. settings_long: both over time, of what goes on.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from repro.reporting import style
from repro.reporting.style import Look
from repro.utils.result_table import without_seed

from . import parts

ITERATIONS = ("30", "120", "500")
DECAYS = {"constant": style.VERMILION, "halved": style.BLUE, "exponential": style.GREEN}
DRAWS = {"100": "^", "12000": "o", "exact": "s"}
CENTRE = "120-halved-12000"
NETWORKS = {"plain": "plain", "learned positions": "learned", "four heads": "4 heads", "eight strings": "8 strings"}
SEEDS = 2
EARLY = 0.1
"""Relative entropies are compared at the time step next to this, or at the last that all points have."""
LONG = 0.5
"""A point that gets beyond this time is drawn over time."""
ENTROPY, DEVIATION = "relative entropy", r"largest $|\langle\sigma_z\rangle-$exact$|$"
COLOURS = (style.BLUE, style.VERMILION, style.GREEN, style.ORANGE, style.SKY, style.PURPLE)


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """Both drawings; the second only where something goes on beyond the short time of all."""
    named = table.assign(name=without_seed(table["point"]))
    drawings = {"settings": draw(named, profile)}
    long = parts.curves(named).groupby("point_id").filter(lambda curve: parts.span(curve) > LONG)
    if len(long):
        drawings["settings_long"] = draw_long(named[named["point_id"].isin(long["point_id"])], profile)
    return drawings


def draw(table: pd.DataFrame, profile: str) -> Figure:
    """The settings side by side."""
    runs, early, end = runs_of(table)
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 4.4))
        grid = figure.subplots(2, 2, sharex="col", width_ratios=(2.3, 1))
        for row, (column, label) in enumerate({"entropy": ENTROPY, "off": DEVIATION}.items()):
            when = f" at $t = {early:.2g}$" if column == "entropy" else f" to $t = {end:.2g}$"
            left, right = grid[row]
            left.set_ylabel(label + (when if len(runs) else ""))
            _grid(left, runs[runs["panel"] == "grid"], column)
            _networks(right, runs, column)
            for axes, letter in ((left, "ac"[row]), (right, "bd"[row])):
                style.panel(axes, letter)
            if left.get_yscale() == right.get_yscale() == "log":
                left.sharey(right)
                left.autoscale(axis="y")
        grid[1, 0].set_xlabel("iterations per time step; in each, draws from left to right: 100, 12000, exact sums")
        grid[0, 0].set_title(_computed(runs), loc="right", fontsize=6.5)
        figure.legend(handles=_legend(), loc="outside upper center", ncols=6)
        style.stamp(figure, profile)
    return figure


def runs_of(table: pd.DataFrame) -> tuple[pd.DataFrame, float, float]:
    """A row for every point with columns panel, name, seed, entropy and off; the times of both.

    off is the largest deviation of <sigma_z> up to the last time that all points have, entropy the relative entropy at
    the time next to EARLY.
    """
    curves, entropies = parts.curves(table), parts.curves(table, "relative_entropy")
    if not len(curves):
        return pd.DataFrame(columns=["panel", "name", "seed", "entropy", "off"]), 0.0, 0.0
    end = float(curves.groupby("point_id")["t"].max().min())
    times = curves.loc[curves["t"] <= end, "t"].to_numpy()
    early = float(times[np.abs(times - min(EARLY, end)).argmin()])
    common = curves[curves["t"] <= end]
    off = (common["mean"] - common["exact"]).abs().groupby(common["point_id"]).max()
    entropy = entropies[entropies["t"] == early].set_index("point_id")["mean"]
    runs = common.drop_duplicates("point_id")[["panel", "name", "seed", "point_id"]].set_index("point_id")
    return runs.assign(entropy=entropy[~entropy.index.duplicated()], off=off), early, end


def _computed(runs: pd.DataFrame) -> str:
    """How many of all points there are."""
    wanted = SEEDS * (len(ITERATIONS) * len(DECAYS) * len(DRAWS) + len(NETWORKS) - 1)
    return "" if not len(runs) or len(runs) == wanted else f"{len(runs)} of {wanted} points are computed"


def _grid(axes: Axes, runs: pd.DataFrame, column: str) -> None:
    """A group for the iterations, in it a place for the draws and, beside each other, the decays."""
    for k, iterations in enumerate(ITERATIONS):
        for j, (draws, marker) in enumerate(DRAWS.items()):
            for i, (decay, colour) in enumerate(DECAYS.items()):
                x = k + 0.3 * (j - 1) + 0.07 * (i - 1)
                _seeds(axes, x, runs.loc[runs["name"] == f"{iterations}-{decay}-{draws}", column], colour, marker)
    axes.set_xlim(-0.5, len(ITERATIONS) - 0.5)
    for edge in range(1, len(ITERATIONS)):
        axes.axvline(edge - 0.5, color=style.GREY, linewidth=0.4)
    _finish(axes, runs, [*ITERATIONS])


def _networks(axes: Axes, runs: pd.DataFrame, column: str) -> None:
    """The public code's schedule and 12000 draws, for each network."""
    for k, name in enumerate(NETWORKS):
        own = runs[runs["name"] == CENTRE] if name == "plain" else runs[runs["name"] == name]
        _seeds(axes, k, own[column], DECAYS["halved"], DRAWS["12000"])
    axes.set_xlim(-0.5, len(NETWORKS) - 0.5)
    _finish(axes, runs[(runs["panel"] == "network") | (runs["name"] == CENTRE)], [*NETWORKS.values()])


def _seeds(axes: Axes, x: float, values: pd.Series, colour: str, marker: str) -> None:
    """Every seed at one place, joined."""
    values = values[values > 0]
    if len(values):
        style.points(axes, [x] * len(values), values, np.zeros(len(values)), Look(colour, marker), "", linestyle="-")


def _finish(axes: Axes, runs: pd.DataFrame, names: list[str]) -> None:
    if not len(runs):
        style.nothing_yet(axes)
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(range(len(names)), names)
    axes.tick_params(axis="x", which="minor", length=0)


def _legend() -> list[Line2D]:
    decays = [Line2D([], [], color=colour, label=f"rate {decay}") for decay, colour in DECAYS.items()]
    names = {draws: "exact sums" if draws == "exact" else f"{draws} draws" for draws in DRAWS}
    markers = [
        Line2D([], [], color=style.GREY, marker=marker, linestyle="none", label=names[draws])
        for draws, marker in DRAWS.items()
    ]
    return [*decays, *markers]


def draw_long(table: pd.DataFrame, profile: str) -> Figure:
    """Deviation and relative entropy over time, a curve for every seed."""
    names = sorted(set(table["name"]), key=lambda name: (name in NETWORKS, name))
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 2.9))
        left, right = figure.subplots(1, 2)
        style.panel(left, "a")
        style.panel(right, "b")
        style.label(left, parts.TIME, parts.MEANS["sigma_z"] + parts.DEVIATION)
        style.label(right, parts.TIME, ENTROPY)
        parts.zero_line(left)
        for axes, observable in ((left, "sigma_z"), (right, "relative_entropy")):
            curves = parts.curves(table, observable)
            for _, curve in curves.groupby("point_id", sort=False):
                name = str(curve["name"].iloc[0])
                number = names.index(name)
                look = {"color": COLOURS[number % len(COLOURS)], "linestyle": "-" if number < len(COLOURS) else "--"}
                axes.plot(curve["t"], curve["mean"] - curve["exact"], linewidth=1.0, label=name, **look)
            parts.time_limits(axes, parts.span(curves))
        style.legend_above(figure, (left, right), columns=5)
        style.stamp(figure, profile)
    return figure

"""Figure 4: steady states of the dissipative Heisenberg lattice, and the time evolutions behind them.

(a) <sigma_z> against J_y for the variational, the dynamics and the variational-then-dynamics method.
(b) the variational method with mixtures of 0 to 8 strings at one J_y.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from repro.reporting import style
from repro.reporting.style import Look

from . import hollow, parts

OBSERVABLE = "sigma_z"
STRINGS = ("0s", "1s", "2s", "4s", "8s")
STRINGS_JY = 1.8
"""J_y of panel (b) when the table does not say."""

SHORT = {"variational": "var", "dynamics": "dyn", "variational+dynamics": "var+dyn"}
LOOKS = {
    ("variational", 1, 32): Look(style.BLUE, "o"),
    ("variational", 1, 64): Look(style.SKY, "s"),
    ("variational", 2, 32): Look(style.GREEN, "^"),
    ("variational", 2, 64): Look(style.PURPLE, "D"),
    ("dynamics", 1, 32): Look(style.VERMILION, "o", filled=False),
    ("variational+dynamics", 1, 32): Look(style.ORANGE, "*"),
}
LARGE, SMALL = 5.2, 2.6
"""Markers of evolutions at the paper's settings, and of others beside them, in points."""
SIGMA_Z = r"$\langle\sigma_z\rangle$"
STARTS = {
    "dynamics": r"from $|\uparrow\,\cdots\uparrow\,\rangle$",
    "variational+dynamics": "from the variational state",
}


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """All drawings of this figure by file name; the evolutions only if the table has any."""
    rows = parts.with_others(table, extra)
    drawings = {"fig4": draw(rows, reference, profile, extra)}
    if len(_curves(rows)):
        drawings["fig4_dynamics"] = draw_dynamics(rows, profile, extra)
    return drawings


def draw(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame] | None = None
) -> Figure:
    """The two panels of Fig. 4.

    Args:
        table: rows as `repro.utils.result_table.read_table` gives them; any part of the figure's points will do.
        reference: exact steady values, with at least the columns Jy, observable, mean.
        profile: stated below the figure.
        extra: further tables, of which mean field is drawn.
    """
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 2.75))
        left, right = figure.subplots(1, 2)
        steady = parts.steady(parts.with_others(table, {}))
        exact = reference[reference["observable"] == OBSERVABLE].sort_values("Jy")
        at_rest = parts.of_mean_field(extra or {}, OBSERVABLE, t=math.inf).sort_values("Jy")
        _couplings(left, steady, exact, at_rest)
        _strings(right, steady, exact, at_rest)
        style.legend_above(figure, (left, right), 7, _kinds(steady))
        style.stamp(figure, profile)
    return figure


def _kinds(steady: pd.DataFrame) -> list[Line2D]:
    """Settings of the evolutions, without their lines: here they are markers, large and small."""
    entries = parts.kinds(steady[steady["method"].isin(list(STARTS))])
    both = len(entries) > 1
    for entry, size in zip(entries, (LARGE, SMALL), strict=False):
        entry.set_linestyle("none")
        if both:
            entry.set(marker="o", markersize=size)
        entry.set_label("evolutions: " + str(entry.get_label()))
    return entries


def draw_dynamics(table: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame] | None = None) -> Figure:
    """<sigma_z>(t) of every time evolution beside the exact curve, and below it how far off each is.

    Evolutions from the variational state are a second stage: they are compared with the exact steady state.
    """
    with style.context():
        curves = _curves(table)
        methods = [method for method in STARTS if method in set(curves["method"])] or ["dynamics"]
        width = style.PAGE_WIDTH if len(methods) > 1 else style.COLUMN_WIDTH
        figure = Figure(figsize=(width, 3.2))
        grid = figure.subplots(2, len(methods), sharex="col", squeeze=False, height_ratios=(2.4, 1))
        colours = style.sequence(curves["Jy"])
        for letter, method, (top, bottom) in zip("abc", methods, grid.T, strict=False):
            style.panel(top, letter, STARTS[method])
            _evolutions(top, bottom, table, curves[curves["method"] == method], colours)
            if method == "dynamics":
                evolved = curves[curves["method"] == method]
                for lattice, Jy in dict.fromkeys(zip(evolved["lattice"], evolved["Jy"], strict=True)):
                    parts.mean_field_curve(top, evolved, extra or {}, lattice=lattice, Jy=float(Jy))
        figure.align_ylabels(grid[:, 0])
        style.legend_above(figure, grid[0], 4 * len(methods), parts.kinds(curves))
        style.stamp(figure, profile)
    return figure


def _couplings(axes: Axes, steady: pd.DataFrame, exact: pd.DataFrame, at_rest: pd.DataFrame) -> None:
    """Panel (a): one series per method and size; points of panel (b) without strings belong here too."""
    style.panel(axes, "a", _lattice(steady))
    style.label(axes, r"$J_y/\gamma$", SIGMA_Z)
    of_panel = steady[(steady["panel"] == "a") | (steady["strings"] == STRINGS[0])].drop_duplicates("point_id")
    if not len(of_panel):
        style.nothing_yet(axes)
        return
    if len(exact):
        marker = "_" if len(exact) == 1 else ""
        axes.plot(exact["Jy"], exact["mean"], color=style.BLACK, marker=marker, markersize=12, label="exact", zorder=1)
    if len(at_rest):
        parts.mean_field(axes, at_rest["Jy"], at_rest["mean"])
    possible = parts.on_scale(axes, of_panel)
    for method, layers, width, strings in _series(possible):
        series = _select(possible, method, layers, width).query("strings == @strings").sort_values("Jy")
        suffix = "" if strings == STRINGS[0] else f" {strings}"
        label = f"{SHORT.get(method, method)} {layers} {width}{suffix}"
        # those at other settings have no name of their own, unless they are alone
        for points in (series[~series["second"]], series[series["second"]]):
            if len(points):
                _points(axes, points["Jy"], points, method, label)
                label = "_" + label
    axes.margins(x=0.06, y=0.08)


def _strings(axes: Axes, steady: pd.DataFrame, exact: pd.DataFrame, at_rest: pd.DataFrame) -> None:
    """Panel (b): variational points at one J_y, one series per size; panel (a) has those of string 0."""
    listed = steady.loc[steady["panel"] == "b", "Jy"]
    coupling = float(listed.mode().iloc[0]) if len(listed) else STRINGS_JY
    style.panel(axes, "b", rf"$J_y = {coupling:g}\gamma$")
    style.label(axes, "strings", SIGMA_Z)
    chosen = (steady["method"] == "variational") & (steady["Jy"] == coupling) & steady["strings"].isin(STRINGS)
    of_panel = steady[chosen].drop_duplicates("point_id")
    if not len(of_panel):
        style.nothing_yet(axes)
        return
    for value in exact.loc[np.isclose(exact["Jy"], coupling), "mean"].head(1):
        axes.axhline(value, color=style.BLACK, label="exact", zorder=1)
    for value in at_rest.loc[np.isclose(at_rest["Jy"], coupling), "mean"].head(1):
        parts.mean_field(axes, [-0.5, len(STRINGS) - 0.5], [value, value])
    sizes = list(dict.fromkeys(zip(of_panel["layers"], of_panel["width"], strict=True)))
    for number, (layers, width) in enumerate(sorted(sizes)):
        points = _select(of_panel, "variational", layers, width)
        points = points.assign(place=points["strings"].map(STRINGS.index)).sort_values("place")
        # Side by side within a category, so that no marker hides another.
        shift = 0.1 * (number - (len(sizes) - 1) / 2)
        _points(axes, points["place"] + shift, points, "variational", f"var {layers} {width}", joined=True)
    axes.set_xlim(-0.5, len(STRINGS) - 0.5)
    axes.margins(y=0.1)
    axes.set_xticks(range(len(STRINGS)), STRINGS)
    axes.tick_params(axis="x", which="minor", length=0)


def _evolutions(
    top: Axes, bottom: Axes, table: pd.DataFrame, curves: pd.DataFrame, colours: dict[float, tuple[float, ...]]
) -> None:
    style.label(top, "", SIGMA_Z)
    style.label(bottom, r"$\gamma t$", SIGMA_Z + r"$\,-\,$exact")
    if not len(curves):
        style.nothing_yet(top)
        style.nothing_yet(bottom)
        return
    for number, (point_id, curve) in enumerate(curves.groupby("point_id", sort=False)):
        curve = curve.sort_values("t")
        coupling, exact = float(curve["Jy"].iloc[0]), curve["exact"]
        if curve["method"].iloc[0] == "variational+dynamics":
            final = table[(table["point_id"] == point_id) & (table["observable"] == OBSERVABLE)]
            exact = pd.Series(final.loc[final["t"] == math.inf, "exact"].max(), index=curve.index)
        label = "exact" if number == 0 else None
        top.plot(curve["t"], exact, color=style.BLACK, linewidth=0.8, label=label, zorder=3)
        second = parts.is_second(curve)
        line: dict[str, Any] = {**(parts.SECOND if second else parts.MAIN), "color": colours[coupling], "zorder": 2}
        top.plot(curve["t"], curve["mean"], label=rf"$J_y = {coupling:g}\gamma$", **line)
        band = (curve["mean"] - curve["error"], curve["mean"] + curve["error"])
        top.fill_between(curve["t"], *band, color=colours[coupling], alpha=0.25, linewidth=0, zorder=1)
        bottom.plot(curve["t"], curve["mean"] - exact, **line)
        for axes, below in ((top, 0.0), (bottom, exact)):
            hollow.over(axes, curve["t"], curve["mean"] - below, curve, Look(style.GREY, "o"))
    bottom.axhline(0, color=style.BLACK, linewidth=0.8, zorder=1)
    top.set_xlim(curves["t"].min(), curves["t"].max() if curves["t"].nunique() > 1 else None)


def _points(axes: Axes, x: pd.Series, points: pd.DataFrame, method: str, label: str, joined: bool = False) -> None:
    layers, width = points["layers"].iloc[0], points["width"].iloc[0]
    look = LOOKS.get((method, layers, width), Look())
    size = {"*": 6.5, "D": 3.6}.get(look.marker, LARGE if method == "dynamics" else 4.2)
    size *= SMALL / LARGE if parts.is_second(points) else 1
    order = 2 + len(axes.lines) / 99
    options = {"markersize": size, "zorder": order, "linestyle": "-" if joined else "none"}
    style.points(axes, x, points["mean"], points["error"], look, label, **options)
    hollow.over(axes, x, points["mean"], points, look, markersize=size)


def _curves(table: pd.DataFrame) -> pd.DataFrame:
    chosen = (table["observable"] == OBSERVABLE) & (table["t"] < math.inf) & table["method"].isin(list(STARTS))
    return table[chosen].drop_duplicates(["point_id", "t"]).sort_values(["Jy", "point_id", "t"])


def _series(points: pd.DataFrame) -> list[tuple[str, int, int, str]]:
    """Method, layers, width and strings of each series, in the order of the paper's legend."""
    order = list(SHORT)
    keys = set(zip(points["method"], points["layers"], points["width"], points["strings"], strict=True))
    return sorted(keys, key=lambda key: (order.index(key[0]) if key[0] in order else len(order), *key))


def _select(points: pd.DataFrame, method: str, layers: int, width: int) -> pd.DataFrame:
    return points[(points["method"] == method) & (points["layers"] == layers) & (points["width"] == width)]


def _lattice(points: pd.DataFrame) -> str:
    names = list(dict.fromkeys(points["lattice"]))
    return ", ".join(names).replace("x", r"$\times$") + " lattice" if names else ""

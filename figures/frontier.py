"""Beyond exact reach: <sigma_z> of periodic lattices by velocities, with the estimate of what it is off by.

frontier: (a) steady <sigma_z> over J_y and (b) its deviation where exact values are known; (c) <sigma_z>(t) at
J_y = 1.8 and (d) its deviation. Means over seeds; bars and bands are the estimate of the whole error, controls
included (`repro.reporting.error_estimate`). One seed has the error of its table alone, and is marked. In (a, b)
lattices are a little to the right of their J_y, the larger the further, so that none covers another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from repro.reporting import style
from repro.reporting.error_estimate import COMPUTATION, over_time, steady_state, with_controls
from repro.reporting.style import Look

from . import hollow, parts

LATTICES = {
    "3x3": Look(style.BLUE, "o"),
    "3x4": Look(style.SKY, "v"),
    "4x4": Look(style.GREEN, "s"),
    "5x5": Look(style.ORANGE, "D"),
    "6x6": Look(style.VERMILION, "^"),
}
FURTHER = (Look(style.SKY, "v"), Look(style.PURPLE, "p"))
"""Of lattices that are none of these, such as those of the profile `smoke`."""
LINE_OF = "3x3"
"""The lattice whose exact steady states are the black line."""
JY = 1.8
"""Of the evolutions."""
SHIFT = 0.015
"""Of a lattice from the one before it, in J_y."""
EXACT, TRAJECTORIES = "exact", "quantum trajectories"
ONE_SEED = "open, dashed: one seed, its own error alone"
NAMES = ("panel", "point", "physical")
NUMBERS = ("Jy", "t", "n_sites", "seeds", "mean", "error", "exact", "exact_error")


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The drawing."""
    results = over_seeds(table)
    sizes = results.sort_values("n_sites")["panel"].unique()
    spare = iter(FURTHER * len(sizes))
    looks = {panel: LATTICES.get(panel) or next(spare) for panel in sizes}
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 3.5))
        (over_Jy, off), (evolution, off_then) = parts.panels_over_strips(figure, 1, 2)
        for top, bottom, letters, x in ((over_Jy, off, "ab", r"$J_y/\gamma$"), (evolution, off_then, "cd", parts.TIME)):
            style.panel(top, letters[0], "steady state" if letters == "ab" else rf"$J_y={JY}\,\gamma$")
            style.panel(bottom, letters[1])
            style.label(top, "", parts.MEANS["sigma_z"])
            parts.strip(bottom, x, parts.DEVIATION)
            top.sharex(bottom)
            top.tick_params(labelbottom=False)
        _steady(over_Jy, off, results[np.isinf(results["t"])], reference, looks)
        _evolutions(evolution, off_then, results[np.isfinite(results["t"]) & np.isclose(results["Jy"], JY)], looks)
        one = [Line2D([], [], label=ONE_SEED, linestyle="--", **Look(style.GREY, "o", filled=False).options())]
        marked = one if (results["seeds"] == 1).any() else []
        style.legend_above(figure, (over_Jy, evolution), more=marked)
        style.stamp(figure, profile)
    return {"frontier": figure}


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """A row for every computation (a lattice and J_y) and time (t = inf: the steady state), of <sigma_z>.

    Args:
        table: tidy rows; of a panel that ends in ": control" the controls of the panel before it.

    Returns:
        Columns panel, Jy, t, n_sites, seeds (how many), mean over seeds, error (the estimate of the whole error; of
        one seed its own), exact, exact_error (NaN where exact is of a density matrix), physical, and point, a name.
    """
    rows = with_controls(table[table["observable"] == "sigma_z"]).sort_values("t")
    found = [_of_problem(of_problem) for _, of_problem in rows.groupby(COMPUTATION, dropna=False)]
    none = pd.DataFrame({name: pd.Series(dtype=float if name in NUMBERS else str) for name in (*NAMES, *NUMBERS)})
    return pd.concat(found, ignore_index=True) if found else none


def _of_problem(rows: pd.DataFrame) -> pd.DataFrame:
    seeds = rows[~rows["control"]]
    columns = {name: (name, "mean") for name in ("mean", "error")} | {
        name: (name, "first") for name in ("exact", "exact_error", "panel", "Jy", "n_sites")
    }
    over = seeds.groupby("t").agg(**columns, physical=("physical", hollow.of_any), seeds=("seed", "nunique"))
    evolution = over_time(rows[np.isfinite(rows["t"])])
    estimated = pd.concat([evolution, steady_state(rows)])
    if len(estimated):
        over = over.loc[estimated.index].assign(error=estimated["estimate"])
    named = over["panel"] + over["Jy"].map("-Jy{:g}".format)
    return over.reset_index().assign(point=named.to_numpy())


def _steady(top: Axes, bottom: Axes, results: pd.DataFrame, reference: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    """Draw steady states over J_y, and the deviations below."""
    results = parts.on_scale(top, results)
    if not len(results):
        style.nothing_yet(top)
        style.nothing_yet(bottom)
        return
    (parts.zero_line if results["exact"].notna().any() else parts.no_exact)(bottom)
    results = results.assign(x=results["Jy"] + SHIFT * results["panel"].map([*looks].index))
    for panel, look in looks.items():
        of_panel = results[results["panel"] == panel]
        for one_seed, rows in of_panel.groupby(of_panel["seeds"] == 1):
            shown = replace(look, filled=not one_seed)
            for axes, heights in ((top, rows["mean"]), (bottom, rows["mean"] - rows["exact"])):
                style.points(axes, rows["x"], heights, rows["error"], shown, _name(panel), zorder=2.5)
                hollow.over(axes, rows["x"], heights, rows, shown)
    if LINE_OF in set(results["panel"]):
        line = reference[reference["observable"] == "sigma_z"].sort_values("Jy")
        top.plot(line["Jy"], line["mean"], color=style.BLACK, linewidth=0.8, label=EXACT, zorder=1)
    _exact_points(top, bottom, results.dropna(subset="exact"))


def _exact_points(top: Axes, bottom: Axes, rows: pd.DataFrame) -> None:
    """Draw what lattices are compared with: exact in black, in grey with bars what has an error itself."""
    for rough, known in rows.groupby(rows["exact_error"].notna()):
        look, name = (Look(style.GREY, "_"), TRAJECTORIES) if rough else (Look(style.BLACK, "_"), EXACT)
        options: dict[str, Any] = {"look": look, "label": name, "markersize": 9, "zorder": 3}
        style.points(top, known["x"], known["exact"], known["exact_error"], **options)
        if rough:
            style.points(bottom, known["x"], 0 * known["exact"], known["exact_error"], **options)


def _evolutions(top: Axes, bottom: Axes, results: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    """Draw curves over time with their bands, and the deviations below."""
    if not len(results):
        style.nothing_yet(top)
        style.nothing_yet(bottom)
        return
    (parts.zero_line if results["exact"].notna().any() else parts.no_exact)(bottom)
    for panel, look in looks.items():
        curve = results[results["panel"] == panel]
        if not len(curve):
            continue
        line = {"color": look.colour, "linewidth": 1.2, "linestyle": "--" if (curve["seeds"] == 1).all() else "-"}
        parts.with_band(top, curve, 0.0, label=_name(panel), **line)
        if curve["exact"].notna().any():
            parts.with_band(bottom, curve, curve["exact"], **line)
    for _, curve in results.dropna(subset="exact").groupby("panel"):
        _exact_curve(top, bottom, curve)
    parts.time_limits(top, parts.span(results))


def _exact_curve(top: Axes, bottom: Axes, known: pd.DataFrame) -> None:
    """Draw what one curve is compared with, and with a band how well that is known."""
    rough = known["exact_error"].notna().any()
    colour, name = (style.GREY, TRAJECTORIES) if rough else (style.BLACK, EXACT)
    top.plot(known["t"], known["exact"], color=colour, linewidth=0.8, label=name, zorder=3)
    if rough:
        band = known["exact_error"]
        for axes, middle in ((top, known["exact"]), (bottom, 0.0)):
            axes.fill_between(known["t"], middle - band, middle + band, color=colour, alpha=0.25, linewidth=0)


def _name(panel: str) -> str:
    """ "3x3" in mathematics."""
    return "$" + panel.replace("x", r"\times") + "$"

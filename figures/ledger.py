"""What further runs on the 3x3 lattice say, beside the paper's figures.

(a) string mixtures over seeds; (b) the sign-augmented loss (Eq. S25); (c) the interpolated loss (Eq. S23) beside the
plain evolution; (d) two layers, sampled with the causal mask and without it as the public code does. Where they are
computed: (e) sizes over couplings and further seeds; (f) the search that ended in no state, by its rate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.reporting import style
from repro.reporting.style import Look
from repro.utils.names import SCORED

from . import fig4, hollow, parts

OFF = r"$|\langle\sigma_z\rangle-$exact$|$"


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The drawing."""
    rows = parts.steady(table)
    further = rows[rows["panel"].isin(["sizes", "collapse"])]
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 7.2 if len(further) else 4.9))
        panels = figure.subplots(3 if len(further) else 2, 2)
        (strings, sign), (curves, sampling) = panels[:2]
        style.panel(strings, "a", "mean over seeds")
        _strings(strings, rows[(rows["panel"] == "seeds") & (rows["method"] == "variational")])
        style.panel(sign, "b", "sign-augmented loss")
        _sign(sign, rows[rows["panel"] == "sign"])
        style.panel(curves, "c", "interpolated loss")
        _interpolated(curves, parts.curves(table))
        style.panel(sampling, "d", "sampling, two layers")
        _sampling(sampling, table[table["panel"] == "sampling"])
        if len(further):
            sizes, collapse = panels[2]
            style.panel(sizes, "e", r"sizes, $J_y = 1.0$ to $1.8$")
            _sizes(sizes, further[further["panel"] == "sizes"])
            style.panel(collapse, "f", r"2x64, $J_y = 1.0$")
            _collapse(collapse, further[further["panel"] == "collapse"])
        style.legend_above(figure, tuple(panels.flat), columns=5)
        style.stamp(figure, profile)
    return {"ledger": figure}


def _strings(axes: Axes, rows: pd.DataFrame) -> None:
    style.label(axes, "strings", OFF)
    if not len(rows := _deviations(axes, rows)):
        style.nothing_yet(axes)
        return
    sizes = sorted(set(zip(rows["layers"], rows["width"], strict=True)))
    for number, (layers, width) in enumerate(sizes):
        of_size = rows[(rows["layers"] == layers) & (rows["width"] == width)]
        off = _over_seeds(of_size.groupby("strings"), "off").reindex(fig4.STRINGS).dropna(subset="mean")
        # Side by side within a category, so that no marker hides another.
        shift = 0.1 * (number - (len(sizes) - 1) / 2)
        place = [fig4.STRINGS.index(strings) + shift for strings in off.index]
        look = fig4.LOOKS.get(("variational", layers, width), Look())
        label = f"var {layers} {width}" + ("" if off["sem"].notna().any() else " (one seed)")
        style.points(axes, place, off["mean"], off["sem"], look, label, linestyle="-")
        hollow.over(axes, place, off["mean"], off, look)
    _categories(axes, fig4.STRINGS)


def _sign(axes: Axes, rows: pd.DataFrame) -> None:
    style.label(axes, r"$\lambda$ of Eq. S25 (1: plain loss)", OFF)
    if not len(rows := _deviations(axes, rows)):
        style.nothing_yet(axes)
        return
    mixing = rows["point"].str.extract(r"-sign(\d+(?:\.\d+)?)", expand=False).fillna("1").astype(float)
    values = sorted(set(mixing))
    _scattered(axes, rows, mixing.map(values.index))
    _categories(axes, [f"{value:g}" for value in values])


def _sizes(axes: Axes, rows: pd.DataFrame) -> None:
    style.label(axes, "layers and width", OFF)
    if not len(rows := _deviations(axes, rows)):
        style.nothing_yet(axes)
        return
    size = pd.Series(zip(rows["layers"], rows["width"], strict=True), rows.index)
    sizes = sorted(set(size))
    _scattered(axes, rows, size.map(sizes.index))
    _categories(axes, [f"{layers} {width}" for layers, width in sizes])


def _collapse(axes: Axes, rows: pd.DataFrame) -> None:
    style.label(axes, "rate of Adam", OFF)
    if not len(rows := _deviations(axes, rows)):
        style.nothing_yet(axes)
        return
    _scattered(axes, rows, rows["point"].str.contains("-lower-rate").astype(int))
    _categories(axes, ["as elsewhere", "a third of it"])


def _scattered(axes: Axes, rows: pd.DataFrame, place: pd.Series) -> None:
    """Deviation of every run beside the mean of its place."""
    axes.plot(place - 0.08, rows["off"], "o", color=style.ORANGE, markersize=3.5, label="one seed")
    hollow.over(axes, place - 0.08, rows["off"], rows, Look(style.ORANGE, "o"))
    mean = rows.groupby(place)["off"].agg(["mean", "sem"])
    style.points(axes, mean.index + 0.08, mean["mean"], mean["sem"], Look(style.VERMILION, "D"), "mean")


def _interpolated(axes: Axes, curves: pd.DataFrame) -> None:
    style.label(axes, parts.TIME, parts.MEANS["sigma_z"])
    plain = curves[(curves["panel"] == "seeds") & (curves["method"] == "dynamics") & (curves["seed"] == 0)]
    mixed = curves[curves["panel"] == "interpolated"]
    if not len(mixed):
        style.nothing_yet(axes)
        return
    for rows, colour, label in ((plain, style.SKY, "Eq. 4"), (mixed, style.BLUE, "Eq. S23")):
        for _, curve in rows.groupby("point_id"):
            parts.with_band(axes, curve, 0.0, color=colour, linewidth=1.6, zorder=2, label=label)
    exact = plain if plain["exact"].notna().any() else mixed
    axes.plot(exact["t"], exact["exact"], color=style.BLACK, linewidth=0.8, label="exact", zorder=3)
    parts.time_limits(axes, parts.span(mixed))


def _sampling(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw means from unmasked samples, means from the network that they trained, and masked results."""
    style.label(axes, "layers and width", parts.MEANS["sigma_z"])
    rows = rows[rows["t"] == math.inf]
    masked = ~rows["point"].str.contains("-unmasked")
    drawn = rows["observable"] == "sigma_z"
    kinds = {
        "masked": (masked & drawn, Look(style.GREEN, "^")),
        "unmasked, its samples": (~masked & drawn, Look(style.VERMILION, "D")),
        "unmasked, its $p$": (rows["observable"] == f"{SCORED}sigma_z", Look(style.PURPLE, "s")),
    }
    if not len(rows[drawn]):
        style.nothing_yet(axes)
        return
    sizes = sorted(set(zip(rows["layers"], rows["width"], strict=True)))
    for number, (label, (chosen, look)) in enumerate(kinds.items()):
        over_seeds = _over_seeds(rows[chosen].groupby(["layers", "width"]), "mean")
        place = [sizes.index(size) + 0.1 * (number - 1) for size in over_seeds.index]
        style.points(axes, place, over_seeds["mean"], over_seeds["sem"], look, label)
        hollow.over(axes, place, over_seeds["mean"], over_seeds, look)
    for value in rows.loc[drawn, "exact"].dropna().head(1):
        axes.axhline(value, color=style.BLACK, linewidth=0.8, label="exact", zorder=1)
    _places(axes, [f"{layers} {width}" for layers, width in sizes])


def _deviations(axes: Axes, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows that have an exact value and did not collapse, with the deviation in a column `off`."""
    possible = parts.on_scale(axes, rows.drop_duplicates("point_id"))
    return possible.assign(off=(possible["mean"] - possible["exact"]).abs()).dropna(subset="off")


def _over_seeds(grouped: Any, column: str) -> pd.DataFrame:
    """Mean, its standard error, and whether all seeds are of a state."""
    return grouped.agg(mean=(column, "mean"), sem=(column, "sem"), physical=("physical", hollow.of_any))


def _categories(axes: Axes, names: tuple[str, ...] | list[str]) -> None:
    _places(axes, names)
    # From 0, with room for the highest marker: the margin was made for the range of the data alone.
    axes.set_ylim(0, 1.08 * axes.get_ylim()[1])


def _places(axes: Axes, names: tuple[str, ...] | list[str]) -> None:
    axes.set_xticks(range(len(names)), names)
    axes.tick_params(axis="x", which="minor", length=0)
    axes.set_xlim(-0.5, len(names) - 0.5)

"""What other seeds say: string mixtures on the 3x3 lattice (a), and the sign-augmented loss (b)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import fig4, parts, style
from figures.style import Look

OFF = r"$|\langle\sigma_z\rangle-$exact$|$"


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The one drawing."""
    rows = parts.steady(table)
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 2.6))
        left, right = figure.subplots(1, 2)
        style.panel(left, "a", "mean over seeds")
        _strings(left, rows[(rows["panel"] == "seeds") & (rows["method"] == "variational")])
        style.panel(right, "b", "sign-augmented loss")
        _sign(right, rows[rows["panel"] == "sign"])
        style.legend_above(figure, (left, right))
        style.stamp(figure, profile)
    return {"ledger": figure}


def _strings(axes: Axes, rows: pd.DataFrame) -> None:
    style.label(axes, "strings", OFF)
    if not len(rows := _deviations(axes, rows)):
        style.nothing_yet(axes)
        return
    sizes = sorted(set(zip(rows["layers"], rows["width"], strict=True)))
    for number, (layers, width) in enumerate(sizes):
        mine = rows[(rows["layers"] == layers) & (rows["width"] == width)]
        off = mine.groupby("strings")["off"].agg(["mean", "sem"]).reindex(fig4.STRINGS).dropna(subset="mean")
        # Side by side within a category, so that no marker hides another.
        shift = 0.1 * (number - (len(sizes) - 1) / 2)
        place = [fig4.STRINGS.index(strings) + shift for strings in off.index]
        look = fig4.LOOKS.get(("variational", layers, width), Look())
        label = f"var {layers} {width}" + ("" if off["sem"].notna().any() else " (one seed)")
        style.points(axes, place, off["mean"], off["sem"], look, label, linestyle="-")
    _categories(axes, fig4.STRINGS)


def _sign(axes: Axes, rows: pd.DataFrame) -> None:
    style.label(axes, r"$\lambda$ of Eq. S25 (1: plain loss)", OFF)
    if not len(rows := _deviations(axes, rows)):
        style.nothing_yet(axes)
        return
    mixing = rows["point"].str.extract(r"-sign(\d+(?:\.\d+)?)", expand=False).fillna("1").astype(float)
    values = sorted(set(mixing))
    place = mixing.map(values.index)
    axes.plot(place - 0.08, rows["off"], "o", color=style.ORANGE, markersize=3.5, label="one seed")
    mean = rows.groupby(place)["off"].agg(["mean", "sem"])
    style.points(axes, mean.index + 0.08, mean["mean"], mean["sem"], Look(style.VERMILION, "D"), "mean")
    _categories(axes, [f"{value:g}" for value in values])


def _deviations(axes: Axes, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with a column `off`; those without an exact value, and the collapsed, are left out."""
    possible = parts.on_scale(axes, rows.drop_duplicates("point_id"))
    return possible.assign(off=(possible["mean"] - possible["exact"]).abs()).dropna(subset="off")


def _categories(axes: Axes, names: tuple[str, ...] | list[str]) -> None:
    axes.set_xticks(range(len(names)), names)
    axes.tick_params(axis="x", which="minor", length=0)
    axes.set_xlim(-0.5, len(names) - 0.5)
    # From 0, with room for the highest marker: the margin was made for the range of the data alone.
    axes.set_ylim(0, 1.08 * axes.get_ylim()[1])

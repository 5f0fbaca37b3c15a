"""Figure 2: <sigma_z>(t) of Heisenberg rings (a) and of the 3x3 lattice (b), with the deviation from exact below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.reporting import style

from . import parts

COLOURS = {"a": (style.VERMILION, style.SKY, style.GREEN), "b": (style.BLUE, style.ORANGE, style.PURPLE, style.GREEN)}
SHORT = 0.25
"""A curve that ends before this part of the whole time is shown enlarged too."""
INSET = (0.42, 0.57, 0.54, 0.41)
"""Left, bottom, width and height of the enlarged start, in parts of the panel."""


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The drawing, of all points that the table has."""
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 3.6))
        grid = figure.subplots(2, 2, sharex="col", height_ratios=(2.6, 1))
        chosen = parts.curves(parts.with_others(table, extra))
        for panel, (top, bottom) in zip("ab", grid.T, strict=True):
            of_panel = chosen[chosen["panel"] == panel]
            style.panel(
                top, panel, "Heisenberg rings" if panel == "a" else f"{parts.lattice(of_panel)} Heisenberg lattice"
            )
            _panel(top, bottom, panel, of_panel, extra)
        figure.align_ylabels(grid[:, 0])
        style.legend_above(figure, grid[0], 4 if "mean_field" in extra else 6, parts.kinds(chosen))
        style.stamp(figure, profile)
    return {"fig2": figure}


def _panel(top: Axes, bottom: Axes, panel: str, curves: pd.DataFrame, extra: Mapping[str, pd.DataFrame]) -> None:
    style.label(top, "", parts.MEANS["sigma_z"])
    parts.strip(bottom, parts.TIME, parts.MEANS["sigma_z"] + parts.DEVIATION)
    if not len(curves):
        style.nothing_yet(top)
        style.nothing_yet(bottom)
        return
    whole = parts.span(curves)
    groups = list(parts.groups(curves, ["n_sites", "Jy", "strings"]))
    for number, (named, group) in enumerate(groups):
        for curve in group:
            label = _name(panel, curve) + parts.to_time(curve, whole) if curve is named else ""
            # larger rings lie on the smallest one's curve, which is in front
            parts.evolution(top, bottom, curve, _colour(panel, number), label, order=2.9 - 0.1 * number)
    if curves["exact"].isna().all():
        parts.no_exact(bottom)
    _mean_field(top, curves, extra)
    parts.time_limits(top, whole)
    short = [parts.span(named) for named, _ in groups if parts.span(named) < SHORT * whole]
    if short:
        _enlarged(top, panel, [group for _, group in groups], max(short), whole)


def _mean_field(top: Axes, curves: pd.DataFrame, extra: Mapping[str, pd.DataFrame]) -> None:
    """Each coupling's line, on the lattice that has the longest curve: mean field is the same for every ring."""
    for Jy in sorted(set(curves["Jy"])):
        of_coupling = curves[curves["Jy"] == Jy].sort_values("t")
        parts.mean_field_curve(top, curves, extra, lattice=of_coupling["lattice"].iloc[-1], Jy=float(Jy))


def _enlarged(top: Axes, panel: str, groups: Sequence[Sequence[pd.DataFrame]], end: float, whole: float) -> None:
    """The start of all curves, where the short ones can be seen, in a corner that is kept free of the others."""
    together = pd.concat(curve for group in groups for curve in group)
    low, high = top.get_ylim()
    beside = together.loc[together["t"] >= 0.8 * INSET[0] * whole, ["mean", "exact"]].max().max()
    # what passes below the inset may fill the panel up to the inset's tick labels
    top.set_ylim(low, max(high, low + (beside - low) / (INSET[1] - 0.15)))
    inset = top.inset_axes(INSET)
    for number, curve in ((number, curve) for number, group in enumerate(groups) for curve in group):
        step = curve["t"].diff().median() if len(curve) > 1 else 0.0
        # one step beyond the end, so that a line that goes on leaves the frame
        start = curve[curve["t"] <= end + step]
        # here the short ones are in front, each step marked
        second = parts.is_second(curve)
        options: dict[str, Any] = {"color": _colour(panel, number), "zorder": 2.0 + 0.1 * number, "marker": "o"}
        options |= {"markersize": 1.2 if second else 1.8, "linewidth": 0.6 if second else 1.0}
        inset.errorbar(start["t"], start["mean"], start["error"], elinewidth=0.6, capsize=0, **options)
        inset.plot(start["t"], start["exact"], color=style.BLACK, linewidth=0.8, zorder=3)
    inset.set_xlim(0, end)
    seen = together[together["t"] <= end]
    lowest, highest = (seen["mean"] - seen["error"]).min(), (seen["mean"] + seen["error"]).max()
    margin = 0.1 * (highest - lowest) or 0.01
    inset.set_ylim(lowest - margin, highest + margin)
    style.label(inset, "", "")
    inset.locator_params(nbins=3)
    inset.tick_params(labelsize=6, pad=2)


def _colour(panel: str, number: int) -> str:
    return COLOURS[panel][number % len(COLOURS[panel])]


def _name(panel: str, curve: pd.DataFrame) -> str:
    n_sites, Jy, strings = (curve[name].iloc[0] for name in ("n_sites", "Jy", "strings"))
    if panel == "a":
        return f"$N = {n_sites}$"
    return rf"$J_y = {Jy:g}\gamma$" + ("" if strings == "0s" else f", {strings}")

"""Figure S1: <sigma_z> over the second stage of "variational, then dynamics", beside the exact steady value."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from repro.reporting import style

from . import parts

METHOD = "variational+dynamics"
WIDTH = 4.4
"""Inches: the legend's longest line needs more than a column of a page."""


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The drawing."""
    with style.context():
        figure = Figure(figsize=(WIDTH, 2.7))
        axes = figure.subplots()
        style.label(axes, parts.TIME, parts.MEANS["sigma_z"])
        own = parts.with_others(table[table["method"] == METHOD], extra)
        curves = parts.curves(own)
        if not len(curves):
            style.nothing_yet(axes)
        for _, curve in curves.groupby("point_id"):
            second = parts.is_second(curve)
            look = {**(parts.SECOND if second else parts.MAIN), "color": style.ORANGE, "zorder": 2}
            parts.with_band(axes, curve, 0.0, label="" if second else "variational, then dynamics", **look)
            start = curve.iloc[0]
            axes.plot(start["t"], start["mean"], "o", color=style.BLUE, label="variational", zorder=4)
        for exact in parts.steady(own)["exact"].dropna().head(1) if len(curves) else ():
            axes.axhline(exact, color=style.BLACK, linewidth=0.8, label="exact", zorder=3)
        if len(curves) and parts.span(curves) > 0:
            axes.set_xlim(-0.02 * parts.span(curves), parts.span(curves))
        style.legend_above(figure, [axes], 2, parts.kinds(curves))
        style.stamp(figure, profile)
    return {"figS1": figure}

"""Figure S1: <sigma_z> over the second stage of "variational, then dynamics", beside the exact steady value."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from figures import parts, style


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The one drawing."""
    with style.context():
        figure = Figure(figsize=(style.COLUMN_WIDTH, 2.5))
        axes = figure.subplots()
        style.label(axes, parts.TIME, parts.MEANS["sigma_z"])
        curves = parts.curves(table)
        if not len(curves):
            style.nothing_yet(axes)
        for _, curve in curves.groupby("point_id"):
            label = "variational, then dynamics"
            axes.plot(curve["t"], curve["mean"], color=style.ORANGE, linewidth=1.6, label=label)
            axes.plot(curve["t"].iloc[0], curve["mean"].iloc[0], "o", color=style.BLUE, label="variational")
            axes.set_xlim(-0.02 * curve["t"].max(), curve["t"].max())
        for exact in parts.steady(table)["exact"].dropna().head(1):
            axes.axhline(exact, color=style.BLACK, linewidth=0.8, label="exact", zorder=1)
        style.legend_above(figure, [axes], columns=3)
        style.stamp(figure, profile)
    return {"figS1": figure}

"""Figure S3: <sigma_z> at short times and ten times the energy, a panel for each ring beside its exact curve."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from figures import parts, style

COLUMNS = 3


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The one drawing."""
    return {"figS3": draw(table, profile)}


def draw(table: pd.DataFrame, profile: str) -> Figure:
    """A panel with a strip of deviations for each number of sites; at least one panel."""
    with style.context():
        curves = parts.curves(table)
        rings = list(curves.groupby("n_sites"))
        columns = min(COLUMNS, max(1, len(rings)))
        lines = -(-max(1, len(rings)) // columns)
        size = (style.PAGE_WIDTH if columns > 1 else style.COLUMN_WIDTH, 0.4 + 2.3 * lines)
        figure = Figure(figsize=size)
        grid = figure.subplots(2 * lines, columns, sharex=True, squeeze=False, height_ratios=(2.2, 1) * lines)
        cells = [
            (grid[2 * line, column], grid[2 * line + 1, column]) for line in range(lines) for column in range(columns)
        ]
        for number, (top, bottom) in enumerate(cells):
            if number >= max(1, len(rings)):
                top.set_visible(False)
                bottom.set_visible(False)
                continue
            first = number % columns == 0
            style.label(top, "", parts.MEANS["sigma_z"] if first else "")
            style.label(bottom, parts.TIME, parts.DEVIATION if first else "")
            bottom.tick_params(labelbottom=True)
            parts.zero_line(bottom)
            if not rings:
                style.nothing_yet(top)
                continue
            n_sites, ring = rings[number]
            style.panel(top, "abcdefghi"[number], f"$N = {n_sites}$")
            for _, curve in ring.groupby("point_id"):
                parts.evolution(top, bottom, curve, style.VERMILION, "Transformer 1 32")
            top.set_xlim(0, curves["t"].max())
        figure.align_ylabels(grid[:, 0])
        style.legend_above(figure, [top for top, _ in cells if top.get_visible()])
        style.stamp(figure, profile)
    return figure

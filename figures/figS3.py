"""Figure S3: <sigma_z> at short times and ten times the energy, a panel for each ring beside its exact curve."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_lowercase

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.reporting import style

from . import parts

COLUMNS = 3


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The drawing."""
    return {"figS3": draw(table, profile)}


def draw(table: pd.DataFrame, profile: str) -> Figure:
    """A panel with a strip of deviations for each number of sites; at least one panel."""
    curves = parts.curves(table)
    rings = list(curves.groupby("n_sites"))
    n_panels = max(1, len(rings))
    columns = min(COLUMNS, n_panels)
    lines = -(-n_panels // columns)
    with style.context():
        width = style.PAGE_WIDTH if columns > 1 else style.COLUMN_WIDTH
        figure = Figure(figsize=(width, 0.4 + 2.35 * lines))
        cells = parts.panels_over_strips(figure, lines, columns, sharex=True)
        for number, (top, bottom) in enumerate(cells):
            if number >= n_panels:
                top.set_visible(False)
                bottom.set_visible(False)
                continue
            ring = rings[number][1] if rings else curves
            first = number % columns == 0
            style.label(top, "", parts.MEANS["sigma_z"] if first else "")
            parts.strip(bottom, parts.TIME, "deviation" if first else "")
            bottom.tick_params(labelbottom=True)
            if rings:
                style.panel(top, ascii_lowercase[number], f"$N = {ring['n_sites'].iloc[0]}$")
            _panel(top, bottom, ring, parts.span(curves))
        style.legend_above(figure, [top for top, _ in cells if top.get_visible()])
        style.stamp(figure, profile)
    return figure


def _panel(top: Axes, bottom: Axes, ring: pd.DataFrame, whole: float) -> None:
    if not len(ring):
        style.nothing_yet(top)
        style.nothing_yet(bottom)
        return
    for _, curve in ring.groupby("point_id"):
        parts.evolution(top, bottom, curve, style.VERMILION, f"Transformer {parts.size(curve)}")
    if ring["exact"].isna().all():
        parts.no_exact(bottom)
    parts.time_limits(top, whole)

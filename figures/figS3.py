"""Figure S3: <sigma_z> at short times and ten times the energy, for each ring beside its exact curve.

A ring has two panels, the first oscillation and the whole time: how far the paper's axis goes is not in its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_lowercase

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from repro.reporting import style

from . import parts

COLUMNS = 3
FIRST = 0.07
"""End of the first oscillation, units of 1/gamma: where <sigma_z> of the larger rings is back at its first maximum."""


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The drawing."""
    return {"figS3": draw(parts.with_others(table, extra), profile, FIRST)}


def draw(table: pd.DataFrame, profile: str, first: float = 0.0) -> Figure:
    """A panel with a strip of deviations for each number of sites; at least one panel.

    Args:
        table: rows, those of `parts.with_others`.
        profile: stated below the figure.
        first: not 0: a panel up to this time, and one from it on.
    """
    curves = parts.curves(table)
    rings = [ring for _, ring in curves.groupby("n_sites")] or [curves]
    times = (
        [(0.0, first), (first, parts.span(curves))] if 0 < first < parts.span(curves) else [(0.0, parts.span(curves))]
    )
    across = min(COLUMNS if len(times) == 1 else 2, len(rings))
    lines = -(-len(rings) // across)
    with style.context():
        width = style.PAGE_WIDTH if across * len(times) > 1 else style.COLUMN_WIDTH
        figure = Figure(figsize=(width, 0.5 + 2.35 * lines))
        cells = parts.panels_over_strips(figure, lines, across * len(times), sharex="col")
        for number, cell in enumerate(cells):
            place, part = divmod(number, len(times))
            if place >= len(rings):
                for axes in cell:
                    axes.set_visible(False)
                continue
            _labels(cell, number % (across * len(times)) == 0)
            if len(curves) and part == 0:
                style.panel(cell[0], ascii_lowercase[place], _name(rings[place], parts.span(curves)))
            if len(times) > 1:
                cell[0].set_title(("first oscillation", "the rest")[part], loc="right", fontsize=6.5)
                cell[1].xaxis.set_major_locator(MaxNLocator(3))
            _panel(*cell, rings[place], times[part])
        style.legend_above(figure, [top for top, _ in cells if top.get_visible()], 6, parts.kinds(curves))
        style.stamp(figure, profile, row=True)
    return figure


def _labels(cell: Sequence[Axes], first: bool) -> None:
    top, bottom = cell
    style.label(top, "", parts.MEANS["sigma_z"] if first else "")
    parts.strip(bottom, parts.TIME, "deviation" if first else "")
    bottom.tick_params(labelbottom=True)


def _name(ring: pd.DataFrame, whole: float) -> str:
    ((named, _),) = parts.groups(ring, ["n_sites"])
    return f"$N = {ring['n_sites'].iloc[0]}$" + parts.to_time(named, whole)


def _panel(top: Axes, bottom: Axes, ring: pd.DataFrame, times: tuple[float, float]) -> None:
    within = ring[ring["t"].between(times[0] - 1e-9, times[1] + 1e-9)]
    if not len(within):
        style.nothing_yet(top)
        style.nothing_yet(bottom)
        return
    for named, group in parts.groups(within, ["n_sites"]):
        for curve in group:
            label = f"Transformer {parts.size(curve)}" if curve is named else ""
            parts.evolution(top, bottom, curve, style.VERMILION, label)
    if ring["exact"].isna().all():
        parts.no_exact(bottom)
    if times[1] > times[0]:
        top.set_xlim(*times)

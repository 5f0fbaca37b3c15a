"""Figure 1: the strings on a lattice, each the order in which the network visits the sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.ansatz.strings import visiting_order
from repro.reporting import style

N_STRINGS = 9
MARGIN = 0.5
"""Around the outer sites, in units of the distance of two sites."""


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The drawing; it needs no table."""
    return {"fig1": draw(3, 3)}


def draw(rows: int, cols: int) -> Figure:
    """Strings 0 to 8 on a lattice of rows x cols sites, string 0 first.

    Raises:
        repro.utils.errors.InputError: an empty lattice.
    """
    orders = [visiting_order(number, rows, cols) for number in range(N_STRINGS)]
    with style.context():
        # inches between two sites
        step = style.PAGE_WIDTH / N_STRINGS / (cols - 1 + 2 * MARGIN)
        figure = Figure(figsize=(style.PAGE_WIDTH, step * (rows - 1 + 2 * MARGIN) + 0.25))
        for number, axes in enumerate(figure.subplots(1, N_STRINGS)):
            axes.set_title(f"string {number}", fontsize=7.5)
            _path(axes, orders[number], cols, diameter=min(8.0, 72 * 0.55 * step))
            axes.set_xlim(-MARGIN, cols - 1 + MARGIN)
            axes.set_ylim(rows - 1 + MARGIN, -MARGIN)
            axes.set_aspect("equal")
            axes.axis("off")
    return figure


def _path(axes: Axes, order: tuple[int, ...], cols: int, diameter: float) -> None:
    """The path through the numbered sites, its first site filled, an arrow into its last; diameter in points."""
    x, y = np.array(order) % cols, np.array(order) // cols
    axes.plot(x[:-1], y[:-1], color=style.BLUE, linewidth=1.1, zorder=1)
    if len(order) > 1:
        arrow: dict[str, Any] = {
            "arrowstyle": "-|>,head_length=0.35,head_width=0.18",
            "color": style.BLUE,
            "linewidth": 1.1,
        }
        ends = {"shrinkA": diameter / 2, "shrinkB": diameter / 2}
        axes.annotate("", (x[-1], y[-1]), (x[-2], y[-2]), arrowprops={**arrow, **ends}, zorder=2)
    for place, site in enumerate(order):
        face, ink = (style.BLUE, "white") if place == 0 else ("white", style.BLACK)
        at = (x[place], y[place])
        axes.plot(*at, "o", color=style.BLUE, markersize=diameter, markerfacecolor=face, markeredgewidth=0.7, zorder=3)
        axes.text(*at, str(site), fontsize=0.7 * diameter, color=ink, ha="center", va="center_baseline", zorder=4)

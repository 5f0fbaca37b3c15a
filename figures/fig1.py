"""Figure 1: the strings on a lattice, each the order in which the network visits the sites."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style
from repro.strings import visiting_order

N_STRINGS = 9


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The one drawing; tables play no part."""
    return {"fig1": draw(3, 3)}


def draw(rows: int, cols: int) -> Figure:
    """Strings 0 to 8 on a lattice of rows x cols sites, string 0 first."""
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 1.1 * style.PAGE_WIDTH / N_STRINGS * rows / cols + 0.4))
        for number, axes in enumerate(figure.subplots(1, N_STRINGS)):
            axes.set_title(f"string {number}", fontsize=7.5)
            _path(axes, visiting_order(number, rows, cols), rows, cols)
    return figure


def _path(axes: Axes, order: tuple[int, ...], rows: int, cols: int) -> None:
    """Sites with their numbers, the path through them, a ring at its start and an arrow at its end."""
    sites = np.arange(rows * cols)
    axes.plot(sites % cols, sites // cols, "o", color=style.GREY, markersize=2.2, zorder=3)
    for site in sites:
        axes.text(site % cols + 0.14, site // cols - 0.16, str(site), fontsize=5, color=style.GREY, va="center")
    x, y = np.array(order) % cols, np.array(order) // cols
    axes.plot(x, y, color=style.BLUE, linewidth=1.1, zorder=2)
    axes.plot(x[0], y[0], "o", color=style.BLUE, markersize=6, markerfacecolor="white", zorder=2)
    arrow = {"arrowstyle": "-|>", "color": style.BLUE, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 2}
    axes.annotate("", (x[-1], y[-1]), (x[-2], y[-2]), arrowprops=arrow)
    axes.set_xlim(-0.5, cols - 0.35)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.axis("off")

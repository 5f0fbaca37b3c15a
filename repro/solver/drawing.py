"""The plot of a solved problem: evolutions beside their exact curves, steady values beside the exact ones.

Exact values that have errors have a band of that width, or a bar.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.reporting import style

if TYPE_CHECKING:
    import pandas as pd

PANEL_HEIGHT = 2.1
MOST_NAMED = 8
"""Up to so many curves a panel names each; more are told apart by their order alone."""
LONGEST_NAME = 40
"""Characters of a name in a plot."""
MARKS = 25
"""About so many markers on a curve."""
KINDS = {
    "averaged": r"[XYZ]",
    "on every site": r"[XYZ]\d+",
    "connected": r".* connected",
    "of several sites": r"[XYZ]\d+( [XYZ]\d+)+",
    "combined": r".*",
}


def draw(table: pd.DataFrame, name: str) -> Figure:
    """One panel for every kind of observable that evolves, and one for the steady state.

    Args:
        table: columns t (inf: steady state), observable, mean, error, exact, exact_error; where it has mean_field, that
            is a dotted line.
        name: of the problem.
    """
    evolving, steady = table[np.isfinite(table["t"])], table[np.isinf(table["t"])]
    groups = _by_kind(list(dict.fromkeys(evolving["observable"])))
    n_panels = len(groups) + bool(len(steady))
    with style.context():
        columns = min(2, n_panels)
        rows = -(-n_panels // columns)
        width = style.PAGE_WIDTH if columns == 2 else style.COLUMN_WIDTH
        figure = Figure(figsize=(width, PANEL_HEIGHT * rows))
        axes = figure.subplots(rows, columns, squeeze=False).flatten()
        for panel, (kind, names) in zip(axes, groups.items(), strict=False):
            _evolution(panel, evolving, names)
            style.label(panel, "t", kind)
        if len(steady):
            _steady(axes[n_panels - 1], steady)
        for empty in axes[n_panels:]:
            empty.remove()
        for letter, panel in zip("abcdefgh", axes[:n_panels], strict=False):
            dotted = ", dotted: mean field" if "mean_field" in table else ""
            style.panel(
                panel, letter, f"{_plain(name)} (circles: network, lines: exact{dotted})" if letter == "a" else ""
            )
    return figure


def _by_kind(names: Sequence[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        kind = next(kind for kind, pattern in KINDS.items() if re.fullmatch(pattern, name))
        groups.setdefault(kind, []).append(name)
    return {kind: groups[kind] for kind in KINDS if kind in groups}


def _evolution(axes: Axes, table: pd.DataFrame, names: Sequence[str]) -> None:
    colours = style.sequence(range(len(names)))
    for number, name in enumerate(names):
        rows = table[table["observable"] == name]
        axes.plot(rows["t"], rows["exact"], color=colours[number], linewidth=0.8)
        if (rows["exact_error"] > 0).any():
            low, high = (rows["exact"] + sign * rows["exact_error"] for sign in (-1, 1))
            axes.fill_between(rows["t"], low, high, color=colours[number], alpha=0.25, linewidth=0)
        if "mean_field" in rows:
            axes.plot(rows["t"], rows["mean_field"], color=colours[number], linewidth=0.8, linestyle=":", alpha=0.7)
        few = rows.iloc[:: max(1, len(rows) // MARKS)]
        look = style.Look(colours[number], "o", filled=False)  # type: ignore[arg-type]
        style.points(axes, few["t"], few["mean"], few["error"], look, str(number), markersize=2.6)
    if len(names) <= MOST_NAMED:
        legend = axes.legend(ncols=2 if len(names) > 3 else 1)
        # put in afterwards: a label that starts with an underscore is left out of legends
        for text, name in zip(legend.get_texts(), names, strict=True):
            text.set_text(_plain(name))


def _plain(text: str) -> str:
    """A user's text, cut to a length that a plot can hold, no part of it read as mathematics."""
    short = text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 3]}..."
    return short.replace("$", r"\$")


def _steady(axes: Axes, table: pd.DataFrame) -> None:
    place = np.arange(len(table))
    mark = {"marker": "_", "markersize": 9}
    style.points(axes, place, table["exact"], table["exact_error"], style.Look(style.BLACK), "exact", **mark)
    look = style.Look(style.VERMILION, "o", filled=False)
    style.points(axes, place, table["mean"], table["error"], look, "network")
    style.label(axes, "", "steady state")
    axes.minorticks_off()
    many = len(table) > 30
    axes.set_xticks(
        [] if many else place, [] if many else [_plain(name) for name in table["observable"]], rotation=90, fontsize=5.5
    )
    axes.legend()

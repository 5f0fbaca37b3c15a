"""Figure S5: repeated variational searches of the Ising ring and their average (Eqs. S17, S18), beside exact."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import parts, style
from figures.style import Look

AVERAGE = Look(style.VERMILION, "D")


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The one drawing."""
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 2.3))
        grid = figure.subplots(1, 3)
        for letter, name, axes in zip("abc", parts.MEANS, grid, strict=True):
            style.panel(axes, letter, parts.MEANS[name])
            style.label(axes, "run (seed)", "expectation value" if letter == "a" else "")
            _panel(axes, parts.steady(table, name), reference[reference["observable"] == name])
        style.legend_above(figure, grid)
        style.stamp(figure, profile)
    return {"figS5": figure}


def _panel(axes: Axes, runs: pd.DataFrame, exact: pd.DataFrame) -> None:
    """Every run by its seed, the average to the right of them with its standard error."""
    if not len(runs):
        style.nothing_yet(axes)
        return
    for value in exact.head(1).to_dict("records"):
        axes.axhline(value["mean"], color=style.BLACK, linewidth=0.9, label="exact", zorder=1)
        if value.get("error", 0) > 0:
            low, high = value["mean"] - value["error"], value["mean"] + value["error"]
            axes.axhspan(low, high, color=style.GREY, alpha=0.25, linewidth=0, zorder=0)
    style.points(axes, runs["seed"], runs["mean"], runs["error"], Look(style.ORANGE, "o"), "one run")
    right = int(runs["seed"].max()) + 1
    means = runs["mean"].to_numpy()
    error = means.std(ddof=1) / math.sqrt(len(means)) if len(means) > 1 else 0.0
    style.points(axes, [right], [means.mean()], [error], AVERAGE, "average")
    axes.set_xticks([*sorted(runs["seed"]), right], [*(str(seed) for seed in sorted(runs["seed"])), "avg"])
    axes.tick_params(axis="x", which="minor", length=0)
    axes.margins(x=0.08, y=0.15)

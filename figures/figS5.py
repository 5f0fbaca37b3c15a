"""Figure S5: repeated variational searches of the Ising ring and their average (Eqs. S17, S18), beside exact."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.reporting import style
from repro.reporting.style import Look

from . import hollow, parts

RUN, AVERAGE = Look(style.ORANGE, "o"), Look(style.VERMILION, "D")


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The drawing."""
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


def _panel(axes: Axes, rows: pd.DataFrame, exact: pd.DataFrame) -> None:
    """Draw every run by its seed, and to the right of them the average with its standard error."""
    runs = parts.on_scale(axes, rows).sort_values("seed")
    if not len(runs):
        style.nothing_yet(axes)
        return
    _exact(axes, runs, exact)
    style.points(axes, runs["seed"], runs["mean"], runs["error"], RUN, "one run")
    hollow.over(axes, runs["seed"], runs["mean"], runs, RUN)
    right = int(runs["seed"].max()) + 1
    means = runs["mean"].to_numpy()
    # The average of the observables is the observable of the averaged p: no other number is needed.
    error = means.std(ddof=1) / math.sqrt(len(means)) if len(means) > 1 else 0.0
    style.points(axes, [right], [means.mean()], [error], AVERAGE, "average")
    seeds = sorted(set(runs["seed"]))
    axes.set_xticks([*seeds, right], [*(str(seed) for seed in seeds), "avg"])
    axes.tick_params(axis="x", which="minor", length=0)
    axes.margins(x=0.08, y=0.15)


def _exact(axes: Axes, runs: pd.DataFrame, exact: pd.DataFrame) -> None:
    """Draw the reference at the runs' field with its error; where the table has another exact value, that one."""
    row = parts.value_at(exact, runs["g"].iloc[0])
    known = runs[runs["exact"].notna()]
    if len(known) and not (row and math.isclose(row["mean"], known["exact"].iloc[0], abs_tol=1e-6)):
        row = {"mean": float(known["exact"].iloc[0]), "error": float(known["exact_error"].fillna(0.0).iloc[0])}
    if not row:
        return
    value = row["mean"]
    axes.axhline(value, color=style.BLACK, linewidth=0.9, label="exact", zorder=1)
    if row["error"] > 0:
        low, high = value - row["error"], value + row["error"]
        axes.axhspan(low, high, color=style.GREY, alpha=0.25, linewidth=0, zorder=0)

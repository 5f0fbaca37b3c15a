"""Parts that several figures share: evolutions over their deviation, and Pauli expectation values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from repro.reporting import style
from repro.reporting.style import Look

from . import hollow

TIME = r"$\gamma t$"
MEANS = {f"sigma_{axis}": rf"$\langle\sigma_{axis}\rangle$" for axis in "xyz"}
DEVIATION = r"$-\,$exact"
# Sampling and a POVM's p may overshoot |<sigma>| = 1 a little; beyond, no state is meant.
LARGEST = 1.2
STRIPS = (2.1, 1.0)
"""Heights of a panel and of its strip."""
MANY = 2
"""Collapsed runs that are named; more are counted."""
PAPER = "paper"
"""The profile with the paper's settings."""
MAIN: dict[str, Any] = {"linewidth": 1.6, "linestyle": "-"}
SECOND: dict[str, Any] = {"linewidth": 0.8, "linestyle": (0, (4, 1.5))}
"""Lines of evolutions at the paper's settings, or of all where there are none; and of the others beside them."""


def with_others(table: pd.DataFrame, extra: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The table and what is shipped beside it, with a column `second`: an evolution that is not at the paper's settings
    in a figure that has some that are."""
    rows = pd.concat([table, extra["others"]], ignore_index=True) if len(extra.get("others", ())) else table
    papers, evolves = rows["profile"] == PAPER, rows["tau"].notna()
    return rows.assign(second=evolves & ~papers & bool((evolves & papers).any()))


def is_second(curve: pd.DataFrame) -> bool:
    """Whether a curve is one of the others beside the paper's."""
    return "second" in curve and bool(curve["second"].iloc[0])


def kinds(rows: pd.DataFrame) -> list[Line2D]:
    """Entries of a legend: which lines are at the paper's settings, which are at others, and what those are."""
    evolved = rows[rows["tau"].notna()]
    papers = evolved["profile"] == PAPER
    both = papers.any() and not papers.all()
    found = [("the paper's settings", MAIN, evolved[papers])]
    found += [("other settings", SECOND if both else MAIN, evolved[~papers])]
    return [
        Line2D([], [], color=style.GREY, label=f"{name}{'' if both else ' throughout'} ({_settings(of_kind)})", **look)
        for name, look, of_kind in found
        if len(of_kind)
    ]


def _settings(rows: pd.DataFrame) -> str:
    """Time steps and draws of evolutions, such as "tau = 0.005, 100 and 12000 draws"."""
    drawn = [f"{draws}" for draws in sorted(rows["n_samples"].dropna().unique())]
    draws = [" and ".join(drawn) + " draws"] if drawn else []
    exact = ["exact sums"] if rows["n_samples"].isna().any() else []
    steps = ", ".join(f"{tau:g}" for tau in sorted(rows["tau"].unique()))
    return ", ".join([rf"$\tau = {steps}$", *draws, *exact])


def groups(curves: pd.DataFrame, columns: list[str]) -> Iterator[tuple[pd.DataFrame, list[pd.DataFrame]]]:
    """Curves that differ in nothing of these columns: the one that has their name, the paper's before others, and all,
    the others first, that is behind."""
    for _, group in curves.groupby(columns, sort=True):
        each = sorted((curve for _, curve in group.groupby("point_id")), key=is_second, reverse=True)
        yield max(each, key=lambda curve: (not is_second(curve), span(curve))), each


def curves(table: pd.DataFrame, observable: str = "sigma_z") -> pd.DataFrame:
    """Rows of evolutions, in the order of point and time."""
    chosen = (table["observable"] == observable) & (table["t"] < math.inf)
    return table[chosen].drop_duplicates(["point_id", "panel", "t"]).sort_values(["n_sites", "Jy", "point_id", "t"])


def steady(table: pd.DataFrame, observable: str = "sigma_z") -> pd.DataFrame:
    """Rows of steady states."""
    return table[(table["observable"] == observable) & (table["t"] == math.inf)]


def size(rows: pd.DataFrame) -> str:
    """Layers and width as in the paper's legends, "1 32"; of several sizes each."""
    return ", ".join(
        f"{layers} {width}" for layers, width in sorted(set(zip(rows["layers"], rows["width"], strict=True)))
    )


def lattice(rows: pd.DataFrame) -> str:
    """ "3x3" of the lattice that the rows are of, in mathematics; the paper's where there are no rows."""
    name = str(rows["lattice"].iloc[0]).split()[0] if len(rows) else "3x3"
    return "$" + name.replace("x", r"\times") + "$"


def on_scale(axes: Axes, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that can be a state; the others, collapsed runs that would flatten the panel, are named above it."""
    possible = rows["mean"].abs() <= LARGEST
    off = rows[~possible].assign(said=np.where(hollow.of_no_state(rows[~possible]), ", no state", ""))
    lines = [f"off scale: {row['point']}: {row['mean']:+.2f}{row['said']}" for row in off.to_dict("records")]
    if len(lines) > MANY:
        lines[MANY:] = [f"and {len(lines) - MANY} more"]
    if lines:
        earlier = axes.get_title(loc="right")
        axes.set_title("\n".join([earlier, *lines] if earlier else lines), loc="right", fontsize=5.5)
    return rows[possible]


def evolution(top: Axes, bottom: Axes, curve: pd.DataFrame, colour: Any, label: str, order: float = 2) -> None:
    """Draw a curve with its band of error, the exact curve over it, and the deviation below.

    Args:
        top, bottom: panel, and strip of deviations.
        curve: rows of one evolution in the order of time.
        colour: of the curve.
        label: its name in the legend, where "exact" comes before it; none for "".
        order: the higher, the further in front; below 3, where exact curves are.
    """
    exact = curve["exact"].notna().any()
    look = {**(SECOND if is_second(curve) else MAIN), "zorder": order}
    if exact:
        alone = "_" if len(curve) == 1 else ""
        # listed once: a legend keeps the first of equal labels
        top.plot(curve["t"], curve["exact"], color=style.BLACK, linewidth=0.8, label="exact", zorder=3, marker=alone)
        zero_line(bottom)
        with_band(bottom, curve, curve["exact"], color=colour, **{**look, "linewidth": 0.75 * look["linewidth"]})
    with_band(top, curve, 0.0, color=colour, label=label, **look)


def with_band(axes: Axes, curve: pd.DataFrame, below: Any, **line: Any) -> None:
    """Draw the mean less `below` (a number or a column) with a band of its errors; `line` has at least a color."""
    height = curve["mean"] - below
    # a curve of which only the start is there yet
    axes.plot(curve["t"], height, marker="o" if len(curve) == 1 else "", **line)
    if (curve["error"] > 0).any():
        band = (height - curve["error"], height + curve["error"])
        axes.fill_between(curve["t"], *band, color=line["color"], alpha=0.25, linewidth=0, zorder=1)
    hollow.over(axes, curve["t"], height, curve, Look(line["color"], "o"))


def panels_over_strips(
    figure: Figure, lines: int, columns: int, sharex: bool | Literal["col"] = False
) -> list[tuple[Axes, Axes]]:
    """Axes of panels, row after row, each with the axes of its strip of deviations."""
    grid = figure.subplots(2 * lines, columns, sharex=sharex, squeeze=False, height_ratios=STRIPS * lines)
    figure.align_ylabels(grid[:, 0])
    return [(grid[2 * line, column], grid[2 * line + 1, column]) for line in range(lines) for column in range(columns)]


def strip(axes: Axes, x: str, y: str) -> None:
    """Label a strip of deviations, with few ticks for its little height."""
    style.label(axes, x, y)
    axes.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))


def mean_field(axes: Axes, x: Any, y: Any) -> None:
    """Draw mean field as a faint line behind everything else."""
    axes.plot(x, y, color=style.GREY, linewidth=0.9, linestyle=(0, (1, 1.5)), label="mean field", zorder=1.2)


def of_mean_field(extra: Mapping[str, pd.DataFrame], observable: str = "sigma_z", **values: Any) -> pd.DataFrame:
    """Rows of the mean field's table by observable and columns such as Jy, in the order of time; empty without one."""
    rows = extra.get("mean_field", pd.DataFrame(columns=["lattice", "Jy", "g", "t", "observable", "mean"], dtype=float))
    rows = rows[rows["observable"] == observable]
    for name, value in values.items():
        rows = rows[np.isclose(rows[name], value) if isinstance(value, float) else rows[name] == value]
    return rows.sort_values("t")


def mean_field_curve(axes: Axes, curves: pd.DataFrame, extra: Mapping[str, pd.DataFrame], **values: Any) -> None:
    """Draw <sigma_z>(t) in mean field of a lattice and couplings, as far as the curves go, where the table has it."""
    rows = of_mean_field(extra, **values)
    rows = rows[rows["t"] <= span(curves)]
    if len(rows):
        mean_field(axes, rows["t"], rows["mean"])


def zero_line(axes: Axes) -> None:
    """Draw the line of no deviation."""
    axes.axhline(0, color=style.BLACK, linewidth=0.8, zorder=1)


def no_exact(axes: Axes) -> None:
    """Write into a strip of deviations that there is no exact curve."""
    text = "no exact curve at this size"
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=style.GREY, style="italic")
    axes.yaxis.set_tick_params(which="both", length=0, labelleft=False)


def span(curve: pd.DataFrame) -> float:
    """The last time of a curve."""
    return float(curve["t"].max())


def to_time(curve: pd.DataFrame, whole: float) -> str:
    """ " (to t = 0.6)" for a curve that ends before the whole time, else nothing."""
    end = span(curve)
    return rf" (to $t = {end:.2g}$)" if end < 0.95 * whole else ""


def time_limits(axes: Axes, whole: float) -> None:
    """Limit the axis to 0 and the whole time, unless no curve has got beyond its start."""
    if whole > 0:
        axes.set_xlim(0, whole)


def value_at(exact: pd.DataFrame, g: float) -> dict[str, float] | None:
    """Mean and error of the exact row at a field, if there is one."""
    rows = exact[np.isclose(exact["g"], g)].head(1)
    return {"mean": float(rows["mean"].iloc[0]), "error": float(rows["error"].iloc[0])} if len(rows) else None

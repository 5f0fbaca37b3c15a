"""The plot of `benchmarks/crossing.py`: seconds for a steady state against the size of the ring, three ways."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from repro.reporting import style
from repro.reporting.style import Look

OURS = "collocation"
PAULIS = ("sigma_x", "sigma_y", "sigma_z")
COLOURS = {"density matrix": style.BLACK, "trajectories": style.VERMILION, OURS: style.BLUE}
MARKERS = {"density matrix": "s", "trajectories": "o", OURS: "D"}
LARGEST = 24
FITTED = 3
"""Largest sizes of a way that its line is fitted to: smaller ones tell of overheads."""
UNSURE = 3.0
"""Twelve trajectories are what honest error bars take; a third of them would do for the mean."""


@dataclass(frozen=True)
class Line:
    """log(seconds) = a + b x; x is N where the cost is exponential in it, log N where it is a power."""

    a: float
    b: float
    power: bool

    def seconds(self, n_sites: float | np.ndarray) -> np.ndarray:
        """Seconds at these sizes."""
        x = np.log(n_sites) if self.power else np.asarray(n_sites, dtype=float)
        return np.exp(self.a + self.b * x)


def deviation(table: pd.DataFrame, way: str, n_sites: int) -> float:
    """Largest difference of a way's Paulis from the most exact other way of the same size, nan without one."""
    same = {row["way"]: row for row in table[table["n_sites"] == n_sites].to_dict("records")}
    for other in ("density matrix", "trajectories"):
        if other in same and other != way and way in same:
            return max(abs(same[way][name] - same[other][name]) for name in PAULIS)
    return math.nan


def lines(table: pd.DataFrame) -> dict[str, Line]:
    """A line through the largest sizes of every way that has enough of them."""
    fitted = {}
    for way in COLOURS:
        rows = table[table["way"] == way].sort_values("n_sites").tail(FITTED)
        if len(rows) == FITTED:
            x = rows["n_sites"].to_numpy(dtype=float)
            b, a = np.polyfit(np.log(x) if way == OURS else x, np.log(rows["seconds"]), 1)
            fitted[way] = Line(float(a), float(b), way == OURS)
    return fitted


def crossing(ours: Line, other: Line, factor: float = 1.0) -> float:
    """N from which on `factor` times our seconds are fewer than the other way's, nan without one up to 64.

    Two lines may meet twice: the larger N counts.
    """
    sizes = np.linspace(4, 64, 6001)
    cheaper = factor * ours.seconds(sizes) < other.seconds(sizes)
    if not cheaper[-1]:
        return float("nan")
    dearer = np.flatnonzero(~cheaper)
    return float(sizes[dearer[-1] + 1]) if len(dearer) else float(sizes[0])


def sentence(fitted: dict[str, Line], other: str) -> str:
    """The number of sites from which our way costs less, with its range of uncertainty, as a sentence."""
    if OURS not in fitted or other not in fitted:
        return f"{OURS} and {other}: too few sizes for a crossing, expected {FITTED} of either"
    at, early, late = (crossing(fitted[OURS], fitted[other], factor) for factor in (1, 1 / UNSURE, UNSURE))
    return (
        f"{OURS}, at the accuracy it has here, costs less than {other} from N = {at:.1f} on "
        f"({early:.1f} to {late:.1f} if either is off by a factor of {UNSURE:g})"
    )


def _accuracy(table: pd.DataFrame, way: str) -> str:
    """Largest deviation of a way's steady states, as text; empty where no other way has reached these sizes."""
    known = [off for n in table.loc[table["way"] == way, "n_sites"] if (off := deviation(table, way, n)) == off]
    return f" (up to {max(known):.3f} off)" if known else ""


def draw(table: pd.DataFrame, fitted: dict[str, Line], path: Path) -> None:
    """Measured points, lines beyond them dashed; PNG."""
    from matplotlib.figure import Figure

    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH / 2, 2.6), layout="constrained")
        axes = figure.subplots()
        for way in COLOURS:
            rows = table[table["way"] == way].sort_values("n_sites")
            for ran, measured in rows.groupby(rows["sigma_z"].notna(), sort=True):
                look = Look(COLOURS[way], MARKERS[way], filled=way == OURS and bool(ran))
                label = way + (_accuracy(table, way) if ran else ": cost of as much")
                style.points(axes, measured["n_sites"], measured["seconds"], np.zeros(len(measured)), look, label)
            if way in fitted:
                beyond = np.linspace(rows["n_sites"].max(), LARGEST, 50)
                axes.plot(beyond, fitted[way].seconds(beyond), "--", color=COLOURS[way], linewidth=0.8)
        axes.set_yscale("log")
        axes.set_xlim(3, LARGEST + 1)
        axes.set_xticks(range(4, LARGEST + 1, 4))
        axes.set_ylim(0.01, 1e6)
        axes.set_xlabel("sites $N$")
        axes.set_ylabel("CPU seconds, one core")
        axes.legend(frameon=False, loc="upper left", fontsize=6)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=200)

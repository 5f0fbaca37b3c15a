"""The drawing of `python -m benchmarks.crossing`: seconds to steady Paulis within 0.01, against the number of spins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from figures.crossing_text import BEYOND, EXTRAPOLATED, MISSED, PART, WAYS, used
from repro.reporting import style
from repro.reporting.style import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {
    "density matrix": style.BLACK,
    "trajectories": style.VERMILION,
    "matrix products": style.GREEN,
    "gates": style.PURPLE,
    "tensor jumps": style.ORANGE,
    "network": style.BLUE,
}
MARKERS = {
    "density matrix": "s",
    "trajectories": "o",
    "matrix products": "^",
    "gates": "P",
    "tensor jumps": "v",
    "network": "D",
}
LINES = ("-", ":")
WORDS = {"-": "solid", ":": "dotted"}
"""Of the problems of a panel; the last one in the table is the solid one."""
TITLES = {"1d": "one dimension", "2d": "two dimensions"}


def draw(table: pd.DataFrame, path: Path) -> None:
    """Run: filled. From a part: hollow. Extrapolated: dashed. More than 0.01 off, or given up: a cross."""
    from matplotlib.figure import Figure

    shown = used(table)
    with style.context():
        figure = Figure(figsize=(style.PAGE_WIDTH, 2.9), layout="constrained")
        for axes, (panel, title) in zip(figure.subplots(1, 2, sharey=True), TITLES.items(), strict=True):
            of_panel = shown[shown["panel"] == panel]
            problems = list(dict.fromkeys(of_panel["problem"]))[::-1]
            for problem, line in zip(problems, LINES, strict=False):
                for way in WAYS:
                    rows = of_panel[(of_panel["problem"] == problem) & (of_panel["way"] == way)]
                    _way(axes, rows.sort_values("n_sites"), way, line)
            drawn = [f"{name} ({WORDS[line]})" for name, line in zip(problems, LINES, strict=False)]
            axes.set_title(f"{title}: " + ", ".join(drawn if len(drawn) > 1 else problems), fontsize=6)
            axes.set_xlabel("spins $N$")
            _sizes(axes, of_panel)
        first = figure.axes[0]
        first.set_yscale("log")
        first.set_ylabel("CPU seconds, one core")
        _legend(figure)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=200)


def _legend(figure: Figure) -> None:
    """Every way that is drawn once, whatever the panel."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    names = [way for way in WAYS if way in found]
    figure.axes[0].legend([found[way] for way in names], names, frameon=False, loc="upper left", fontsize=6)


def _way(axes: Axes, rows: pd.DataFrame, way: str, line: str) -> None:
    if not len(rows):
        return
    measured, beyond = rows[rows["kind"] != EXTRAPOLATED], rows[rows["kind"] == EXTRAPOLATED]
    axes.plot(measured["n_sites"], measured["seconds"], line, color=COLOURS[way], linewidth=0.8)
    joined = pd.concat([measured.tail(1), beyond])
    axes.plot(joined["n_sites"], joined["seconds"], "--", color=COLOURS[way], linewidth=0.6)
    for kind, of_kind in measured.groupby("kind"):
        look = Look(COLOURS[way], MARKERS[way], filled=kind not in (PART, MISSED))
        label = way if kind == measured["kind"].iloc[0] else ""
        style.points(axes, of_kind["n_sites"], of_kind["seconds"], np.zeros(len(of_kind)), look, label)
    missed = measured[(measured["off"] > BEYOND) | (measured["kind"] == MISSED)]
    axes.plot(missed["n_sites"], missed["seconds"], "x", color=style.BLACK, markersize=6, markeredgewidth=0.8)


def _sizes(axes: Axes, rows: pd.DataFrame) -> None:
    """Ticks at the sizes that are there, with the lattices' names."""
    names = dict(zip(rows["n_sites"], rows["lattice"], strict=True))
    rings = all("ring" in name for name in names.values())
    axes.set_xticks(sorted(names))
    axes.set_xticklabels([str(n) if rings else names[n].split()[0] for n in sorted(names)], fontsize=6)
    axes.minorticks_off()

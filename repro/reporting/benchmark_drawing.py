"""The benchmark's plots: cost of an iteration against size, and evaluators beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repro.reporting import style


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Seconds per iteration against sites, samples and network size, one panel each; PNG.

    Args:
        rows: as `repro.methods.benchmark.measure` returns them.
        path: the file.
    """
    import matplotlib.pyplot as plt

    panels = [
        ("sites", "n_sites", "sites $N$ (300 samples)"),
        ("samples", "n_samples", r"samples $N_s$ (16-site TFIM)"),
        ("sampling", "n_sites", "sites $N$, drawing 1000 samples"),
    ]
    panels = [panel for panel in panels if any(row["case"] == panel[0] for row in rows)]
    if not panels:
        return
    with style.context():
        figure, axes = plt.subplots(
            1, len(panels), figsize=(2.6 * len(panels), 2.3), squeeze=False, layout="constrained"
        )
        for ax, (case, column, label) in zip(axes[0], panels, strict=True):
            chosen = [row for row in rows if row["case"] == case]
            x = [row[column] for row in chosen]
            ax.loglog(x, [row["seconds"] for row in chosen], "o-", color="C0", markersize=3)
            ax.set_xticks(x, [str(value) for value in x])
            ax.minorticks_off()
            ax.set_xlabel(label)
            ax.set_ylabel("seconds per iteration")
        figure.savefig(path, dpi=200)
        plt.close(figure)

"""Points that are of no state, because a Pauli average is beyond 1 by more than its error: hollow, with a cross."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from repro.reporting import style
from repro.reporting.style import Look

LABEL = r"hollow, crossed: no state ($|\langle\sigma\rangle|>1$)"
SIZE = 3.5
FRONT = 5.0


def of_no_state(rows: pd.DataFrame) -> np.ndarray:
    """Which rows are; none in rows that do not say."""
    return (rows["physical"] == "no").to_numpy() if "physical" in rows else np.zeros(len(rows), dtype=bool)


def over(axes: Axes, x: ArrayLike, heights: ArrayLike, rows: pd.DataFrame, look: Look, **more: Any) -> None:
    """Draw them again in front of what is drawn, with a line in the legend; nothing where there are none.

    Args:
        axes: a panel or a strip.
        x, heights: where the rows are drawn.
        rows: of a table, with the column `physical`.
        look: their colour and marker.
        more: `markersize`.
    """
    out = of_no_state(rows)
    if not out.any():
        return
    at = (np.asarray(x, dtype=float)[out], np.asarray(heights, dtype=float)[out])
    options = {"linestyle": "none", "zorder": FRONT, "markersize": SIZE, **more}
    axes.plot(*at, **(Look(look.colour, look.marker, filled=False).options() | options), label=LABEL)
    crossed = options | {"markersize": 0.6 * options["markersize"], "markeredgewidth": 0.6}
    axes.plot(*at, marker="x", color=style.BLACK, **crossed)


def of_any(rows: pd.Series) -> str:
    """Of rows that are averaged: "no" if one of them is of no state."""
    return "no" if (rows == "no").any() else "yes"

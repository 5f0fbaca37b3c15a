"""Tables for the tests of the drawings, and what a drawing shows read back from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.text import Annotation

import figures
from repro.reporting import style
from repro.utils.result_table import tidy
from tests.figures.test_figures import series
from tests.helpers import claim_tables

REFERENCE = pd.DataFrame(
    {"Jy": 1.8, "g": g, "observable": name, "mean": 0.3, "error": 0.004}
    for g in (0.0, 2.0, 4.8)
    for name in ("sigma_x", "sigma_y", "sigma_z")
)
EXTRA = {"rbm": tidy(claim_tables.fig3_rbm()), "losses": claim_tables.losses()}


def table(name: str) -> pd.DataFrame:
    made = tidy(claim_tables.TABLES[name]())
    return made.assign(point_id=made["panel"] + made["point"])


def short_ring(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a larger ring beside Fig. 2's: sampled, to t = 0.35, without exact values."""
    start = rows[(rows["panel"] == "a") & (rows["t"] < 0.4)]
    return start.assign(n_sites=40, point_id="large", point="N40", exact=np.nan, mean=0.5, error=0.02)


def draw(
    name: str, rows: pd.DataFrame, extra: dict[str, pd.DataFrame] | None = None, reference: pd.DataFrame = REFERENCE
) -> Figure:
    (drawing,) = figures.registry()[name].figures(rows, reference, "desk", extra or {}).values()
    return drawing


def lines(figure: Figure, axes: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.asarray(x.get_xdata(), float), np.asarray(x.get_ydata(), float)) for x in figure.axes[axes].lines]


def bars(figure: Figure, axes: int, label: str) -> list[float]:
    """Half lengths of the error bars of a series; 0 where there is none."""
    return series(figure.axes[axes])[label][2]


def texts(figure: Figure) -> str:
    legend = [text.get_text() for one in figure.legends for text in one.get_texts()]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    labels = [label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel())]
    return " ".join([*legend, *titles, *labels])


def shown(figure: Figure, axes: int, x: pd.Series, y: pd.Series) -> bool:
    return any(
        len(u) == len(x) and np.allclose(u, x) and np.allclose(v, y, equal_nan=True) for u, v in lines(figure, axes)
    )


def route(axes: Axes) -> tuple[tuple[float, float], tuple[Any, Any], dict[int, tuple[float, float]]]:
    """Of a panel of Fig. 1: the site that is marked as the start, the arrow's two ends, and where each number is."""
    (start,) = (line for line in axes.lines if line.get_marker() == "o" and line.get_markerfacecolor() == style.BLUE)
    (arrow,) = (text for text in axes.texts if isinstance(text, Annotation))
    numbers = {int(text.get_text()): text.get_position() for text in axes.texts if text is not arrow}
    x, y = np.asarray(start.get_xdata(), float), np.asarray(start.get_ydata(), float)
    return (x[0], y[0]), (arrow.xyann, arrow.xy), numbers


def below(axes: Axes) -> SubplotSpec:
    """Where the strip of a panel is."""
    place = axes.get_subplotspec()
    assert place is not None
    return place.get_gridspec()[place.rowspan.start + 1, place.colspan.start]


def exacts(figure: Figure) -> list[float]:
    return [float(np.mean(line.get_ydata())) for line in figure.axes[0].lines if line.get_label() == "exact"]

"""What a drawing shows, read back from it."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.text import Annotation, Text

from repro.reporting import style


def series(axes: Axes) -> dict[str, tuple[np.ndarray, np.ndarray, list[float]]]:
    """Label -> x, y and half lengths of the error bars, read back from what is drawn."""
    found = {}
    for container in axes.containers:
        assert isinstance(container, ErrorbarContainer)
        line, _, bars = container.lines
        lengths = [float(np.ptp(part[:, 1])) / 2 if len(part) else 0.0 for part in bars[0].get_segments()]
        found[str(container.get_label())] = (*np.array(line.get_data(), dtype=float), lengths)
    return found


def line(axes: Axes, label: str) -> np.ndarray:
    return np.array(next(one for one in axes.lines if one.get_label() == label).get_data(), dtype=float)


def words(figure: Figure) -> list[str]:
    inside = [text.get_text() for one in figure.axes for text in one.texts]
    above = [one.get_title(loc="right") for one in figure.axes]
    return [*inside, *above, *(text.get_text() for text in figure.texts)]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def drawn_texts(figure: Figure) -> list[Text]:
    """Every text that is drawn; axes also keep labels of ticks beyond their limits, which are not."""
    beyond = {
        tick.label1
        for axes in figure.findobj(Axes)  # insets too, which a figure does not list
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }
    texts = dict.fromkeys(figure.findobj(Text))
    return [one for one in texts if one.get_text().strip() and one.get_visible() and one not in beyond]


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts of a laid-out figure that lie over each other."""
    figure.draw_without_rendering()
    boxes = [(one.get_text(), one.get_window_extent()) for one in drawn_texts(figure)]
    return [(a, b) for k, (a, one) in enumerate(boxes) for b, two in boxes[k + 1 :] if one.overlaps(two)]


def pdf_texts(path: Path) -> str:
    """What a reader can select in a PDF drawn with two-byte fonts whose codes are the characters."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", path.read_bytes(), re.DOTALL)
    found = []
    for raw in streams:
        try:
            page = zlib.decompress(raw)
        except zlib.error:
            continue
        for block in re.findall(rb"BT\n(.*?)\nET", page, re.DOTALL):
            found.append("".join(chr(code[0]) for code in re.findall(rb"\x00\\?([\x20-\x7e])", block)))
    return "\n".join(found)


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


def has_curve(figure: Figure, axes: int, x: pd.Series, y: pd.Series) -> bool:
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

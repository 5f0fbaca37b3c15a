"""One journal style for every figure: sizes, fonts, colours, panel labels and how a figure is saved."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import AutoMinorLocator, MaxNLocator
from numpy.typing import ArrayLike

from repro.utils.files import write_atomic

COLUMN_WIDTH, PAGE_WIDTH = 3.375, 7.0
"""Widths of one and of two columns of a Physical Review page, in inches."""

# Okabe and Ito's palette, distinct with any kind of colour vision.
BLACK, GREY = "#000000", "#6b6b6b"
ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE = "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"

RC: dict[Any, Any] = {
    # Times-like, and shipped with matplotlib: the same figure on every machine.
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titlepad": 4,
    "axes.labelsize": 8.5,
    "axes.labelpad": 3,
    "axes.linewidth": 0.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.size": 1.6,
    "ytick.minor.size": 1.6,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 1.5,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.4,
    "legend.labelspacing": 0.3,
    "lines.linewidth": 1.0,
    "lines.markersize": 4.2,
    "lines.markeredgewidth": 0.8,
    "errorbar.capsize": 1.6,
    "pdf.fonttype": 42,
    "savefig.dpi": 300,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
}

STAMP = "profile"
STAMP_ROW = 0.1
"""Height in inches of a line of small print."""


@dataclass(frozen=True)
class Look:
    """How one family of points is drawn."""

    colour: str = GREY
    marker: str = "x"
    filled: bool = True

    def options(self) -> dict[str, Any]:
        """Keywords for `Axes.errorbar` and `Axes.plot`."""
        face = self.colour if self.filled else "white"
        return {"color": self.colour, "marker": self.marker, "markerfacecolor": face, "markeredgecolor": self.colour}


@contextmanager
def context() -> Iterator[None]:
    """The style, for as long as a `with` block lasts; a user's own matplotlibrc has no part in it."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC)
        yield


def points(axes: Axes, x: ArrayLike, mean: ArrayLike, error: ArrayLike, look: Look, label: str, **more: Any) -> None:
    """Markers with error bars (`linestyle="-"` joins them); an error of zero (an enumerated mean) has no bar."""
    heights, bars = np.asarray(mean, dtype=float), np.asarray(error, dtype=float)
    options = {"linestyle": "none", "linewidth": 0.5, "elinewidth": 0.7, "capthick": 0.7, **look.options(), **more}
    axes.errorbar(x, heights, yerr=np.where(bars > 0, bars, np.nan), label=label, **options)


def panel(axes: Axes, letter: str, text: str = "") -> None:
    """Name a panel: "(a)" and what it shows, above its left corner."""
    axes.set_title(f"({letter})  {text}".rstrip(), loc="left")


def label(axes: Axes, x: str, y: str) -> None:
    """Axis labels, few round major ticks and one minor tick between them."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axis.set_minor_locator(AutoMinorLocator(2))


def sequence(values: Iterable[float]) -> dict[float, tuple[float, ...]]:
    """A colour for each different value: dark to bright without the palest end, so that many keep their order."""
    ordered = sorted(set(values))
    scale = matplotlib.colormaps["plasma"]
    return {value: scale(0.15 + 0.65 * number / max(1, len(ordered) - 1)) for number, value in enumerate(ordered)}


def nothing_yet(axes: Axes) -> None:
    """Write into a panel that there are no points yet."""
    axes.text(0.5, 0.5, "no points yet", transform=axes.transAxes, ha="center", va="center", color=GREY, style="italic")
    axes.minorticks_off()
    axes.set_xticks([])
    axes.set_yticks([])


def legend_above(figure: Figure, axes: Sequence[Axes], columns: int = 7, more: Sequence[Artist] = ()) -> None:
    """One legend for all panels, above them; a label that occurs in several is listed once, `more` at the end."""
    entries: dict[str, Any] = {}
    for one in axes:
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    entries |= {str(artist.get_label()): artist for artist in more}
    if entries:
        rows = math.ceil(len(entries) / columns)
        balanced = math.ceil(len(entries) / rows)
        figure.legend(list(entries.values()), list(entries), loc="outside upper center", ncols=balanced)


def stamp(figure: Figure, profile: str, row: bool = False) -> None:
    """State the profile in small print below the figure (once, however often called); no profile, no print.

    Args:
        figure: the drawing.
        profile: what is stated.
        row: below everything else, where the last panel is too narrow to leave the corner free.
    """
    if not profile:
        return
    text = f"profile: {profile}"
    for artist in figure.texts:
        if artist.get_gid() == STAMP:
            artist.set_text(text)
            return
    artist = figure.text(0.995, 0.008, text, ha="right", va="bottom", fontsize=5.5, color=GREY)
    artist.set_gid(STAMP)
    # Axis labels are centred, so beside one of a wide panel the corner is free.
    artist.set_in_layout(False)
    if row and isinstance(layout := figure.get_layout_engine(), ConstrainedLayoutEngine):
        height = STAMP_ROW / figure.get_figheight()
        layout.set(rect=(0, height, 1, 1 - height))


def save(figure: Figure, folder: Path | str, name: str, profile: str) -> list[Path]:
    """Write `<name>.png` (300 dpi) and `<name>.pdf` (text stays text), atomically.

    The same figure gives the same bytes, whenever it is saved.

    Raises:
        repro.utils.errors.InputError: if the folder cannot be written.
    """
    with context():
        stamp(figure, profile)
        return [
            write_atomic(Path(folder) / f"{name}.{kind}", _rendered(figure, kind, metadata))
            for kind, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None}))
        ]


def _rendered(figure: Figure, kind: str, metadata: dict[str, None]) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, metadata=metadata)
    return stream.getvalue()

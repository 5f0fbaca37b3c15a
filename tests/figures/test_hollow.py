"""Points of no state are drawn hollow in every figure, those points and no others, and the legend says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import figures
from figures import hollow, parts
from repro.utils.result_table import tidy
from tests.figures import test_figures_methods
from tests.helpers import rows as made
from tests.helpers.drawings import legend, overlaps, words
from tests.helpers.figure_rows import EXTRA, REFERENCE
from tests.helpers.figure_rows import table as table_of

NAMES = ("fig2", "fig3", "fig4", "figS1", "figS3", "figS4", "figS5", "ledger", "methods")
BEYOND = 1.15
"""A mean that no state has and that panels still show."""


def table(name: str) -> pd.DataFrame:
    if name == "fig4":
        return made.table()
    return test_figures_methods.table() if name == "methods" else table_of(name)


def drawings(name: str, rows: pd.DataFrame) -> dict[str, Figure]:
    return figures.registry()[name].figures(rows, REFERENCE, "workstation", EXTRA)


def with_one(rows: pd.DataFrame, number: int) -> pd.DataFrame:
    """The table with one mean beyond what a state has."""
    changed = rows.copy()
    changed.loc[changed.index[number], "mean"] = BEYOND
    return tidy(changed.drop(columns="physical"))


def marked(figure: Figure) -> list[tuple[Axes, float, float]]:
    """Axes and place of every hollow point that the legend speaks of."""
    lines = [(axes, line) for axes in figure.axes for line in axes.lines if line.get_label() == hollow.LABEL]
    assert all(line.get_markerfacecolor() == "white" for _, line in lines)
    return [(axes, float(x), float(y)) for axes, line in lines for x, y in zip(*line.get_data(), strict=True)]


def shown(name: str, rows: pd.DataFrame) -> Iterator[Figure]:
    yield from drawings(name, rows).values()


@pytest.mark.parametrize("name", NAMES)
def test_no_point_is_hollow_where_all_can_be_states(name: str) -> None:
    for figure in shown(name, table(name)):
        assert not marked(figure) and hollow.LABEL not in legend(figure)


@pytest.mark.parametrize("name", NAMES)
def test_the_point_that_cannot_be_a_state_is(name: str) -> None:
    number = 1 if name in ("fig2", "figS1", "figS3", "figS4") else 0
    rows = with_one(table(name), number)
    row = rows.iloc[number]
    same = (rows["point_id"] == row["point_id"]) & (rows["t"] == row["t"]) & (rows["panel"] == row["panel"])
    assert (rows["physical"] == "no").equals(same), "all means of that state"
    figure = next(iter(shown(name, rows)))
    found = marked(figure)
    assert found and hollow.LABEL in legend(figure)
    heights = {round(y, 9) for _, _, y in found}
    assert heights & {BEYOND, round(BEYOND - row["exact"], 9)} or name == "ledger"
    assert len({axes for axes, _, _ in found}) == len(found), "once in a panel"


def test_ledgers_means_over_seeds_are_hollow_if_one_seed_is() -> None:
    rows = with_one(table("ledger"), 0)
    first = rows.iloc[0]
    same = (rows[["panel", "layers", "width", "strings"]] == first[["panel", "layers", "width", "strings"]]).all(axis=1)
    expected = (rows.loc[same, "mean"] - rows.loc[same, "exact"]).abs().mean()
    (figure,) = shown("ledger", rows)
    ((_, _, height),) = marked(figure)
    assert height == pytest.approx(expected)


def test_curves_of_fig4_and_its_second_stage() -> None:
    rows = table("fig4")
    at = int(np.flatnonzero((rows["method"] == "dynamics") & (rows["t"] == 0.5))[0])
    changed = with_one(rows, at)
    steady, evolutions = shown("fig4", changed)
    assert not marked(steady)
    assert [(x, y) for _, x, y in marked(evolutions)] == [(0.5, BEYOND), (0.5, pytest.approx(BEYOND - 0.4))]


def test_what_is_off_the_scale_is_called_no_state() -> None:
    rows = table("fig4")
    rows.loc[0, "mean"] = 3.0
    (figure, _) = shown("fig4", tidy(rows.drop(columns="physical")))
    assert any(text.endswith("+3.00, no state") for text in words(figure))
    rows.loc[0, "error"] = 1.0
    (figure, _) = shown("fig4", tidy(rows.drop(columns="physical")))
    assert any(text.endswith("+3.00") for text in words(figure))
    assert len(parts.on_scale(figure.axes[0], rows)) == len(rows) - 1


@pytest.mark.parametrize("name", NAMES)
def test_texts_stay_clear_of_each_other(name: str, tmp_path: Path) -> None:
    rows = table(name).copy()
    rows["mean"] = rows["mean"].where(rows["mean"].index % 3 > 0, BEYOND)
    for figure in shown(name, tidy(rows.drop(columns="physical"))):
        assert not overlaps(figure)

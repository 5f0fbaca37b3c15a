"""Evolutions at the paper's settings and at others: which is which, and what there is of either."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import figures
from figures import fig4, figS3, parts
from repro.utils.result_table import tidy
from tests.helpers import rows as rows_of
from tests.helpers.drawings import has_curve, legend, overlaps, texts, words
from tests.helpers.figure_rows import REFERENCE, table

NAMES = ("fig2", "fig4", "figS1", "figS3", "figS4")


def of_kind(name: str, paper: bool) -> pd.DataFrame:
    """A figure's evolutions; those at other settings lie a little off and end earlier."""
    rows = table(name)
    rows = rows[rows["tau"].notna()]
    if paper:
        return rows.assign(profile="paper", tau=0.005, n_samples=pd.array([12000] * len(rows), dtype="Int64"))
    rows = rows[(rows["t"] <= 2) | np.isinf(rows["t"])]
    own = {"profile": "workstation", "tau": 0.05, "n_samples": pd.array([pd.NA] * len(rows), dtype="Int64")}
    return rows.assign(**own, point_id=rows["point_id"] + "w", mean=rows["mean"] + 0.07)


def drawn(name: str, rows: pd.DataFrame, others: pd.DataFrame | None = None) -> list[Figure]:
    extra = {} if others is None else {"others": others}
    return list(figures.registry()[name].figures(rows, REFERENCE, "paper", extra).values())


def line_of(axes: Axes, curve: pd.DataFrame) -> list[Line2D]:
    """Lines of a panel that show a curve, those of exact values aside."""
    found = []
    for line in axes.lines:
        x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
        own = curve[np.isin(curve["t"], x)]
        if len(x) > 2 and len(own) == len(x) and np.allclose(own["mean"], y):
            found.append(line)
    return found


def curves(rows: pd.DataFrame) -> list[pd.DataFrame]:
    return [curve for _, curve in parts.curves(rows).groupby("point_id")]


@pytest.mark.parametrize("name", NAMES)
def test_the_papers_are_thick_and_others_beside_them_thin(name: str) -> None:
    papers, others = of_kind(name, True), of_kind(name, False)
    figure = drawn(name, papers, others)[-1]
    for rows, look in ((papers, parts.MAIN), (others, parts.SECOND)):
        for curve in curves(rows):
            lines = [line for axes in figure.axes for line in line_of(axes, curve)]
            assert lines and {line.get_linewidth() for line in lines} == {look["linewidth"]}
    assert "the paper's settings ($\\tau = 0.005$, 12000 draws)" in legend(figure)
    assert "other settings ($\\tau = 0.05$, exact sums)" in legend(figure)
    assert not overlaps(figure)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("paper", [True, False])
def test_one_kind_alone_is_drawn_and_said(name: str, paper: bool) -> None:
    rows = of_kind(name, paper)
    for figure in drawn(name, rows):
        said = [text for text in legend(figure) if "settings" in text]
        assert len(said) == 1 and f"{'the paper' if paper else 'other'}" in said[0] and "throughout" in said[0]
    for curve in curves(rows):
        lines = [line for axes in figure.axes for line in line_of(axes, curve)]
        assert lines and {line.get_linewidth() for line in lines} == {parts.MAIN["linewidth"]}


def test_both_kinds_in_one_table_are_told_apart_too() -> None:
    papers, others = of_kind("figS4", True), of_kind("figS4", False)
    ten = papers["n_sites"] == 10
    mixed = pd.concat([papers[ten], others[others["n_sites"] != 10]], ignore_index=True)
    (figure,) = drawn("figS4", mixed)
    widths = {
        int(curve["n_sites"].iloc[0]): line_of(axes, curve)[0].get_linewidth()
        for curve in curves(mixed)
        for axes in figure.axes
        if line_of(axes, curve)
    }
    assert widths == {4: 0.8, 6: 0.8, 8: 0.8, 10: 1.6}


def test_fig4_has_a_small_marker_for_the_others() -> None:
    papers, others = of_kind("fig4", True), of_kind("fig4", False)
    axes = drawn("fig4", papers, others)[0].axes[0]
    found = {str(container.get_label()): container.lines[0] for container in axes.containers}
    for start, rows, sizes in (("", papers, (5.2, 6.5)), ("_", others, (2.6, 3.25))):
        for method, size in zip(("dynamics", "variational+dynamics"), sizes, strict=True):
            line = found[f"{start}{fig4.SHORT[method]} 1 32"]
            own = parts.steady(rows[rows["method"] == method]).sort_values("Jy")
            assert np.allclose(line.get_ydata(), own["mean"]) and line.get_markersize() == size


def test_names_say_how_far_a_ring_goes_at_the_papers_settings() -> None:
    papers, others = of_kind("figS4", True), of_kind("figS4", False)
    short = papers[(papers["n_sites"] != 10) | (papers["t"] <= 0.5)]
    (figure,) = drawn("figS4", short, others)
    assert "$N = 10$ (to $t = 0.5$)" in texts(figure) and "$N = 8$ (to" not in texts(figure)


def test_settings_of_several_kinds_are_all_named() -> None:
    rows = [rows_of.row(method="dynamics", tau=tau, n_samples=n) for tau, n in ((0.1, 200), (0.03, None), (0.1, 30))]
    (entry,) = parts.kinds(tidy(rows))
    assert entry.get_label() == "other settings throughout ($\\tau = 0.03, 0.1$, 30 and 200 draws, exact sums)"
    assert parts.kinds(tidy([rows_of.row()])) == [], "a search has no time step"


def short_times(**changes: Any) -> pd.DataFrame:
    rows = table("figS3")
    return rows.assign(t=rows["t"] / 20, **changes)


def test_figS3_has_the_first_oscillation_and_the_rest() -> None:
    rows = short_times()
    (figure,) = drawn("figS3", rows)
    tops = [axes for axes in figure.axes if axes.get_title(loc="right") in ("first oscillation", "the rest")]
    assert len(tops) == 8
    for number, n_sites in enumerate((4, 6, 8, 10)):
        curve = rows[(rows["n_sites"] == n_sites) & (rows["t"] < np.inf)]
        first, rest = curve[curve["t"] <= figS3.FIRST], curve[curve["t"] >= figS3.FIRST]
        for axes, part in ((tops[2 * number], first), (tops[2 * number + 1], rest)):
            place = figure.axes.index(axes)
            assert all(has_curve(figure, place, part["t"], part[column]) for column in ("mean", "exact"))
        assert tops[2 * number].get_title(loc="left").endswith(f"$N = {n_sites}$")
        assert tops[2 * number].get_xlim() == (0, figS3.FIRST)
        assert tops[2 * number + 1].get_xlim() == (figS3.FIRST, curve["t"].max())
    assert not overlaps(figure)


def test_figS3_says_where_a_ring_has_no_exact_curve_or_does_not_get() -> None:
    rows = short_times()
    rows.loc[rows["n_sites"] == 10, "exact"] = np.nan
    early = rows[(rows["n_sites"] != 10) | (rows["t"] < 0.031)]
    (figure,) = drawn("figS3", early)
    assert words(figure).count("no exact curve at this size") == 1
    assert words(figure).count("no points yet") == 2
    assert "$N = 10$ (to $t = 0.03$)" in texts(figure)

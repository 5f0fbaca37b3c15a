"""The drawings of what goes beyond the paper: curves, means over seeds and errors are the table's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import figures
from experiments import methods
from repro.utils.result_table import tidy
from tests.helpers import rows
from tests.helpers.drawings import legend, lines, overlaps, series, words
from tests.helpers.figure_rows import REFERENCE

TIMES = (0.0, 0.5, 1.0)
OFF = {"projection": 0.01, "collocation": 0.02, "dynamics": 0.05, "variational": 0.2}


def evolution(panel: str, method: str, seed: int, n_sites: int) -> list[dict[str, Any]]:
    common = {"figure": "methods", "panel": panel, "method": method, "seed": seed, "n_sites": n_sites}
    common |= {"strings": "0s" if method == "dynamics" else "translations", "tau": 0.25}
    name = f"{panel}-{method}-{seed}"
    return [
        rows.row(**common, t=t, exact=-t / 2, mean=-t / 2 + OFF[method] * t, seconds=100 * t, point=name, point_id=name)
        for t in TIMES
    ]


def steady(Jy: float, method: str, seed: int) -> dict[str, Any]:
    name = f"steady-{method}-{Jy}-{seed}"
    exact, off = -0.3 * Jy, OFF[method] * (1 + 0.1 * seed)
    common = {"figure": "methods", "panel": "steady", "t": math.inf, "seconds": 60.0}
    return rows.row(**common, Jy=Jy, method=method, seed=seed, exact=exact, mean=exact + off, point=name, point_id=name)


def table() -> pd.DataFrame:
    made = [
        row
        for panel, n in (("lattice", 9), ("ring", 10), ("fast", 8))
        for m, seed in (("projection", 0), ("projection", 1), ("collocation", 0), ("dynamics", 0))
        for row in evolution(panel, m, seed, n)
    ]
    made += [steady(Jy, "projection", seed) for Jy in (1.0, 1.8) for seed in (0, 2)]
    made += [steady(Jy, "variational", 0) for Jy in (1.0, 1.8)]
    return tidy(made)


def drawings(given: pd.DataFrame) -> dict[str, Figure]:
    return figures.registry()["methods"].figures(given, REFERENCE, "workstation", {})


def test_deviations_and_means_over_seeds() -> None:
    figure = drawings(table())["methods"]
    assert set(legend(figure)) == {"exact", "projection, exact sums", "collocation, drawn", "the paper's objective"}
    strip = [y for x, y in lines(figure, 2) if len(x) == len(TIMES)]
    assert sorted(float(y[-1]) for y in strip) == pytest.approx([0.01, 0.01, 0.02, 0.05])
    below = {name: found[1] for name, found in series(figure.axes[3]).items()}
    assert below["projection, exact sums"] == pytest.approx([0.011, 0.011])
    assert below["the paper's objective"] == pytest.approx([0.2, 0.2])
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert any("N=10" in title for title in titles) and any("N=8" in title for title in titles)
    assert not overlaps(figure)


def test_every_run_has_its_seconds_and_its_largest_deviation() -> None:
    (axes,) = drawings(table())["methods_seconds"].axes
    found = {name: np.transpose(points[:2]) for name, points in series(axes).items()}
    assert found[r"projection, exact sums, $3\times3$ lattice"] == pytest.approx(
        np.array([[100.0, 0.01], [100.0, 0.01]])
    )
    assert found["the paper's objective, its steady state"] == pytest.approx(np.array([[60.0, 0.2], [60.0, 0.2]]))
    assert found["collocation, drawn, ring"] == pytest.approx(np.array([[100.0, 0.02]]))


def test_a_table_in_part_and_an_empty_one_are_drawn() -> None:
    made = table()
    part = drawings(made[made["panel"] == "ring"])["methods"]
    assert words(part).count("no points yet") == 6
    assert all(words(one).count("no points yet") >= 1 for one in drawings(made.iloc[:0]).values())
    inexact = drawings(made.assign(exact=np.nan))
    assert "no points yet" in words(inexact["methods_seconds"])


def test_larger_systems_get_panels_where_there_are_any() -> None:
    assert len(drawings(table())["methods"].axes) == 8
    rows = evolution("larger rings", "collocation", 0, 20)
    figure = drawings(tidy([*rows, *({**row, "panel": "larger lattice"} for row in rows)]).assign(exact=np.nan))[
        "methods"
    ]
    assert len(figure.axes) == 12
    assert words(figure).count("no exact curve at this size") == 2
    assert not overlaps(figure)


@pytest.mark.parametrize("profile", ["smoke", "quick", "workstation", "paper"])
def test_every_problem_is_solved_both_ways(profile: str) -> None:
    chosen = methods.points(profile)
    for panel in ("lattice", "steady", "ring", "fast"):
        mine = [point for point in chosen if point.panel == panel]
        ways = {point.settings["method"] == "projection" for point in mine}
        sizes = {point.point.lattice.n_sites for point in mine}
        assert ways == {True, False} and (len(sizes) == 1 or panel == "ring")
    assert len({(point.panel, point.label) for point in chosen}) == len(chosen)

"""The settings study: what is drawn is what the table says, whole, in part and empty."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import figures
from experiments import settings as study
from figures import settings as drawn
from repro.config.listed import Listed
from repro.utils.result_table import tidy
from tests.helpers import rows
from tests.helpers.drawings import has_curve, legend, lines, overlaps, texts, words

STEP = 0.016


def of_point(listed: Listed, number: int, steps: int = 13) -> list[dict[str, Any]]:
    """Rows of a made-up evolution: deviation and relative entropy grow with time and with the point's number."""
    size = 1e-4 * (1 + number)
    common = {"figure": "settings", "panel": listed.panel, "point": listed.label, "point_id": listed.point_id}
    common |= {"method": "dynamics", "seed": listed.point.seed}
    made = []
    for step in range(steps + 1):
        t = round(step * STEP, 6)
        made.append(rows.row(**common, t=t, mean=0.5 + size * t, exact=0.5))
        made.append(rows.row(**common, t=t, observable="relative_entropy", mean=2 * size * t, exact=0.0))
    return made


POINTS = study.points("workstation")
TABLE = tidy([row for number, listed in enumerate(POINTS) for row in of_point(listed, number)])


def draw(table: pd.DataFrame) -> dict[str, Figure]:
    return drawn.figures(table, rows.reference(), "workstation", {})


def heights(figure: Figure, axes: int) -> list[float]:
    return sorted(float(y) for _, heights in lines(figure, axes) for y in heights if 0 < y < 1)


def test_every_point_of_the_study_is_drawn_where_it_belongs() -> None:
    figure = draw(TABLE)["settings"]
    sizes = {p.point_id: 1e-4 * (1 + number) for number, p in enumerate(POINTS)}
    of_grid = [sizes[p.point_id] for p in POINTS if p.panel == "grid"]
    centre = [sizes[p.point_id] for p in POINTS if p.name.startswith(drawn.CENTRE)]
    of_network = [*(sizes[p.point_id] for p in POINTS if p.panel == "network"), *centre]
    assert np.allclose(heights(figure, 0), sorted(2 * size * 0.096 for size in of_grid))
    assert np.allclose(heights(figure, 1), sorted(2 * size * 0.096 for size in of_network))
    assert np.allclose(heights(figure, 2), sorted(size * 0.208 for size in of_grid))
    assert np.allclose(heights(figure, 3), sorted(size * 0.208 for size in of_network))
    assert "at $t = 0.096$" in texts(figure) and "to $t = 0.21$" in texts(figure)
    assert not any("computed" in text for text in words(figure)) and not overlaps(figure)


@pytest.mark.parametrize("name", ["30-constant-100", "500-exponential-exact", "120-halved-12000"])
def test_a_point_has_its_place_colour_and_marker(name: str) -> None:
    iterations, decay, draws = name.split("-")
    own = TABLE[TABLE["point"] == name]
    figure = draw(own)["settings"]
    (container,) = figure.axes[0].containers
    line = container.lines[0]
    (x,) = line.get_xdata()
    assert round(x) == drawn.ITERATIONS.index(iterations)
    assert line.get_color() == drawn.DECAYS[decay] and line.get_marker() == drawn.DRAWS[draws]
    assert np.sign(round(x - round(x), 1)) == list(drawn.DRAWS).index(draws) - 1
    assert words(figure).count("no points yet") == (0 if name == drawn.CENTRE else 2)


def test_seeds_are_at_one_place_and_what_is_missing_is_counted() -> None:
    both = TABLE[TABLE["point"].isin(["four heads", "four heads-seed1", "eight strings"])]
    figure = draw(both)["settings"]
    seeds = [x for x, y in lines(figure, 1) if len(y) == 2 and np.all(y > 0)]
    assert seeds and all(list(x) == [2.0, 2.0] for x in seeds)
    assert "3 of 60 points are computed" in words(figure)
    assert words(draw(tidy([]))["settings"]).count("no points yet") == 4


def test_points_of_several_lengths_are_compared_at_times_that_all_have() -> None:
    short = tidy([*of_point(POINTS[0], 0, steps=3), *of_point(POINTS[1], 1)])
    figure = draw(short)["settings"]
    assert np.allclose(heights(figure, 2), [1e-4 * 0.048, 2e-4 * 0.048])
    assert np.allclose(heights(figure, 0), [2e-4 * 0.048, 4e-4 * 0.048])


def test_what_goes_on_further_is_drawn_over_time() -> None:
    assert set(draw(TABLE)) == {"settings"}
    long = tidy([*of_point(POINTS[0], 0, steps=100), *of_point(POINTS[10], 4, steps=100), *of_point(POINTS[1], 1)])
    figure = draw(long)["settings_long"]
    for point_id in (POINTS[0].point_id, POINTS[10].point_id):
        for axes, observable in ((0, "sigma_z"), (1, "relative_entropy")):
            curve = long[(long["point_id"] == point_id) & (long["observable"] == observable)]
            assert has_curve(figure, axes, curve["t"], curve["mean"] - curve["exact"])
    assert legend(figure) == ["120-halved-12000"], "one entry for both seeds, none for what is short"
    assert not overlaps(figure)


def test_axes_of_the_drawing_are_those_of_the_study() -> None:
    assert {int(i) for i in drawn.ITERATIONS} == set(study.ITERATIONS)
    assert set(drawn.DECAYS) == set(study.DECAYS) and set(drawn.DRAWS) == set(study.DRAWS)
    assert set(drawn.NETWORKS) == {"plain", *study.NETWORKS} and len(study.SEEDS) == drawn.SEEDS
    assert "-".join(map(str, study.CENTRE)) == drawn.CENTRE
    assert "settings" in figures.registry()

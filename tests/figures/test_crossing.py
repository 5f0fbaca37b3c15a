"""Where the lines of cost cross: on made-up costs with a known answer."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from figures.crossing import OURS, Line, crossing, deviation, draw, lines, sentence


def table() -> pd.DataFrame:
    made = [("trajectories", n, 2.0 ** (n - 10)) for n in (8, 10, 12)] + [(OURS, n, float(n) ** 2) for n in (6, 8, 10)]
    frame = pd.DataFrame(made, columns=["way", "n_sites", "seconds"])
    return frame.assign(sigma_x=0.0, sigma_y=(frame["way"] == OURS) * frame["n_sites"] / 1000, sigma_z=0.1)


def test_exponential_and_power_are_recovered() -> None:
    found = lines(table())
    assert found["trajectories"].seconds(20.0) == pytest.approx(2.0**10)
    assert found[OURS].seconds(20.0) == pytest.approx(400.0)
    assert set(found) == {"trajectories", OURS}


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_lines_cross_where_they_are_equal(factor: float) -> None:
    found = lines(table())
    at = crossing(found[OURS], found["trajectories"], factor)
    assert factor * at**2 == pytest.approx(2 ** (at - 10), rel=0.01)


def test_of_two_crossings_the_larger_counts_and_none_is_nan() -> None:
    ours, steep = Line(math.log(100.0), 0.0, True), Line(0.0, 0.5, False)
    assert crossing(ours, steep) == pytest.approx(2 * math.log(100.0), abs=0.02)
    assert math.isnan(crossing(steep, ours))
    assert crossing(Line(-50.0, 0.0, True), steep) == 4.0


def test_deviation_is_from_the_most_exact_other_way_of_the_size() -> None:
    made = table()
    assert deviation(made, OURS, 8) == pytest.approx(0.008)
    assert math.isnan(deviation(made, OURS, 6)) and math.isnan(deviation(made, "trajectories", 8))
    exact = made[made["way"] == "trajectories"].assign(way="density matrix", sigma_z=0.3)
    assert deviation(pd.concat([made, exact]), OURS, 8) == pytest.approx(0.2)


def test_sentence_and_plot(tmp_path: Path) -> None:
    found = lines(table())
    assert "costs less than trajectories from N = 18." in sentence(found, "trajectories")
    assert "too few sizes" in sentence(found, "density matrix")
    draw(table(), found, tmp_path / "crossing.png")
    assert (tmp_path / "crossing.png").stat().st_size > 5000
    assert np.isfinite(list(found[OURS].seconds(np.array([6.0, 24.0])))).all()

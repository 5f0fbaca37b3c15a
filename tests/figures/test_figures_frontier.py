"""Lattices beyond exact reach: heights, bars and exact values are the table's, whole, in part and empty."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

import figures
from experiments import fig4
from experiments import frontier as listed
from figures import frontier as drawn
from figures import hollow
from repro.config.listed import PROFILES
from repro.utils.result_table import tidy
from tests.helpers import rows
from tests.helpers.drawings import has_curve, legend, lines, overlaps, words

STUDENT = 0.95 * math.sqrt(2 / (4 * 0.975 * 0.025))
"""Half of the 95 % interval of three values in units of s / sqrt(3): closed form for two degrees of freedom."""
TIMES = (0.0, 3.5, 5.0)
OFF = (0.01, 0.02, 0.06)
"""Of the three seeds."""
FACTOR = (0.0, 0.5, 1.0)
"""Of OFF at the three times."""
CONTROL_OFF = 0.11
STEADY = {"3x3": -0.31, "4x4": -0.43, "5x5": -0.57, "6x6": -0.71}
ROUGH = {"3x3": None, "4x4": 0.007}
"""How well the exact values are known; there are none of the others."""
DRAWS = 0.004
OF_STEADY = 0.012
REFERENCE = pd.DataFrame(
    {"Jy": Jy, "observable": name, "mean": mean}
    for name, sign in (("sigma_x", -1), ("sigma_z", 1))
    for Jy, mean in ((1.8, sign * 0.3), (1.0, sign * 0.9), (1.4, sign * 0.6))
)


def run(panel: str, Jy: float, seed: int, off: float, control: str = "") -> list[dict[str, Any]]:
    """Rows of an evolution that ends `off` from what would be exact, and of its steady state."""
    name = f"tdvp-{Jy}" + (f"-seed{seed}" if seed else "")
    exact = STEADY[panel] * (2.2 - Jy)
    common = {"figure": "frontier", "panel": panel + control, "Jy": Jy, "seed": seed, "method": "tdvp", "point": name}
    common |= {"lattice": f"{panel} periodic", "n_sites": int(panel[0]) ** 2, "tau": 0.02 if control else 0.04}
    common |= {"point_id": f"{panel}{control}-{Jy}-{seed}"}
    known = {"exact_error": ROUGH.get(panel)}
    points = [(t, 1.0 + (exact - 1.0) * k, off * k, DRAWS) for t, k in zip(TIMES, FACTOR, strict=True)]
    points.append((math.inf, exact, off, OF_STEADY))
    return [
        rows.row(**common, **known, t=t, mean=at + by, error=error, exact=at if panel in ROUGH else None)
        for t, at, by, error in points
    ]


def several(panel: str, Jy: float = 1.8) -> list[dict[str, Any]]:
    """Three seeds and the control of the first."""
    made = [row for seed, off in enumerate(OFF) for row in run(panel, Jy, seed, off)]
    return [*made, *run(panel, Jy, 0, CONTROL_OFF, ": control")]


TABLE = tidy(
    [
        *(row for panel in ("3x3", "4x4", "5x5") for Jy in (1.0, 1.8) for row in several(panel, Jy)),
        *(row for Jy in (1.0, 1.8) for row in run("6x6", Jy, 0, OFF[0])),
    ]
)


def draw(table: pd.DataFrame) -> Figure:
    (figure,) = drawn.figures(table, REFERENCE, "workstation", {}).values()
    return figure


def markers(figure: Figure, axes: int, label: str) -> dict[float, tuple[float, float, str]]:
    """Of a lattice or a kind of exact values: J_y -> height, half the bar, colour of the face."""
    found = {}
    for container in figure.axes[axes].containers:
        if container.get_label() != label:
            continue
        line, _, bars = container.lines
        lengths = [float(np.ptp(bar[:, 1])) / 2 if len(bar) else 0.0 for bar in bars[0].get_segments()]
        for x, y, length in zip(*line.get_data(), lengths, strict=True):
            found[round(float(x), 1)] = (float(y), length, line.get_markerfacecolor())
    return found


def by_hand(factor: float, error: float) -> float:
    """The estimate of three seeds with a control, written out."""
    off = [factor * one for one in OFF]
    mean = sum(off) / 3
    scatter = STUDENT * math.sqrt(sum((one - mean) ** 2 for one in off) / 2) / math.sqrt(3)
    return math.sqrt(scatter**2 + (factor * CONTROL_OFF - mean) ** 2 + error**2 / 3)


@pytest.mark.parametrize("panel", ["3x3", "4x4", "5x5"])
def test_means_of_three_seeds_have_the_estimate_of_the_whole_error_as_their_bars(panel: str) -> None:
    name, look = f"${panel}$".replace("x", r"\times"), drawn.LATTICES[panel]
    found = markers(draw(TABLE), 0, name)
    assert set(found) == {1.0, 1.8}
    for Jy, (height, bar, face) in found.items():
        exact = STEADY[panel] * (2.2 - Jy)
        # the mean changes from t = 3.5, the last time that is a unit before the end
        drift = abs((1 - FACTOR[1]) * (exact - 1.0 + 0.03))
        assert height == pytest.approx(exact + 0.03)
        assert bar == pytest.approx(math.hypot(by_hand(1.0, OF_STEADY), drift))
        assert face == look.colour


def test_what_is_drawn_as_exact_is_the_tables() -> None:
    figure = draw(TABLE)
    for label, panel, bar, colour in (
        ("exact", "3x3", 0.0, "#000000"),
        ("quantum trajectories", "4x4", ROUGH["4x4"], "#6b6b6b"),
    ):
        wanted = {Jy: (pytest.approx(STEADY[panel] * (2.2 - Jy)), pytest.approx(bar), colour) for Jy in (1.0, 1.8)}
        assert markers(figure, 0, label) == wanted
    assert markers(figure, 2, "quantum trajectories") == {
        Jy: (0.0, pytest.approx(ROUGH["4x4"]), "#6b6b6b") for Jy in (1.0, 1.8)
    }
    (x, y), *_ = [one for one in lines(figure, 0) if len(one[0]) == 3]
    assert (list(x), list(y)) == ([1.0, 1.4, 1.8], [0.9, 0.6, 0.3]), "in the order of J_y, of no other observable"
    without = draw(TABLE[TABLE["panel"] != "3x3"])
    assert not any(len(x) == 3 for x, _ in lines(without, 0)), "the line is of 3x3"


def test_deviations_are_below_where_exact_is_known() -> None:
    figure = draw(TABLE)
    above, below = (markers(figure, axes, r"$4\times4$") for axes in (0, 2))
    assert {Jy: found[0] for Jy, found in below.items()} == pytest.approx({1.0: 0.03, 1.8: 0.03})
    assert {Jy: found[1] for Jy, found in below.items()} == pytest.approx(
        {Jy: bar for Jy, (_, bar, _) in above.items()}
    )
    assert all(math.isnan(y) for y, _, _ in markers(figure, 2, r"$5\times5$").values())


def test_one_seed_is_open_has_its_own_error_and_the_legend_says_so() -> None:
    figure = draw(TABLE)
    found = markers(figure, 0, r"$6\times6$")
    assert found == {
        Jy: (pytest.approx(STEADY["6x6"] * (2.2 - Jy) + OFF[0]), pytest.approx(OF_STEADY), "white") for Jy in (1.0, 1.8)
    }
    assert drawn.ONE_SEED in legend(figure)
    styles = {line.get_label(): line.get_linestyle() for line in figure.axes[1].lines}
    assert (styles[r"$6\times6$"], styles[r"$5\times5$"]) == ("--", "-")
    assert drawn.ONE_SEED not in legend(draw(TABLE[TABLE["n_sites"] < 36]))
    # a first seed with its control has no scatter: it counts as one seed
    both = tidy([*run("6x6", 1.8, 0, OFF[0]), *run("6x6", 1.8, 0, CONTROL_OFF, ": control")])
    assert markers(draw(both), 0, r"$6\times6$")[1.8][1:] == (pytest.approx(OF_STEADY), "white")


def test_controls_are_not_drawn() -> None:
    made = tidy(several("3x3"))
    control = made["panel"] == "3x3: control"
    figure = draw(made.assign(mean=made["mean"].where(~control, made["mean"] + 0.25)))
    heights = np.concatenate([y for axes in range(2) for _, y in lines(figure, axes)])
    exact = STEADY["3x3"] * 0.4
    assert np.isclose(heights, exact + 0.03).any()
    assert not np.isclose(heights, exact + CONTROL_OFF + 0.25).any()
    assert not any("control" in text for text in legend(figure))
    assert words(draw(made[control])).count("no points yet") == 4


def test_curves_are_means_over_seeds_with_bands() -> None:
    figure = draw(TABLE)
    exact = {panel: 1.0 + (STEADY[panel] * 0.4 - 1.0) * np.array(FACTOR) for panel in STEADY}
    off, t = 0.03 * np.array(FACTOR), pd.Series(TIMES)
    for panel in ("3x3", "4x4", "5x5"):
        assert has_curve(figure, 1, t, pd.Series(exact[panel] + off))
    assert has_curve(figure, 1, t, pd.Series(exact["6x6"] + OFF[0] * np.array(FACTOR)))
    for panel, there in (("3x3", True), ("4x4", True), ("5x5", False)):
        assert has_curve(figure, 1, t, pd.Series(exact[panel])) == there
    assert sum(len(x) == len(TIMES) for x, _ in lines(figure, 1)) == 6, "four lattices at one J_y, two exact curves"
    deviations = [y for x, y in lines(figure, 3) if len(x) == len(TIMES)]
    assert len(deviations) == 2 and all(np.allclose(y, off) for y in deviations)
    band = np.array([by_hand(factor, DRAWS) for factor in FACTOR])
    (five,) = bands(figure, 1, drawn.LATTICES["5x5"].colour)
    assert extent(five) == pytest.approx(np.stack([exact["5x5"] + off - band, exact["5x5"] + off + band]))
    for axes, middle in ((1, exact["4x4"]), (3, 0 * exact["4x4"])):
        (known,) = bands(figure, axes, "#6b6b6b")
        assert extent(known) == pytest.approx(np.stack([middle - 0.007, middle + 0.007]))


def bands(figure: Figure, axes: int, colour: str) -> list[PolyCollection]:
    found = [one for one in figure.axes[axes].collections if isinstance(one, PolyCollection)]
    return [one for one in found if np.allclose(one.get_facecolor()[0][:3], to_rgba(colour)[:3])]


def extent(band: PolyCollection) -> np.ndarray:
    """Lower and upper edge of a band at TIMES."""
    corners = np.concatenate([path.vertices for path in band.get_paths()])
    at = [corners[np.isclose(corners[:, 0], t), 1] for t in TIMES]
    return np.array([[y.min() for y in at], [y.max() for y in at]])


def test_lattices_do_not_cover_each_other() -> None:
    figure = draw(TABLE)
    places = [
        float(x)
        for container in figure.axes[0].containers
        if "times" in container.get_label()
        for x in container.lines[0].get_xdata()
    ]
    assert len({round(x, 6) for x in places}) == len(places) == 8
    shifts = sorted(x - 1.8 for x in places if x > 1.7)
    assert shifts == pytest.approx([0.0, drawn.SHIFT, 2 * drawn.SHIFT, 3 * drawn.SHIFT])
    assert not overlaps(figure)


def test_tables_in_part_and_empty_ones_are_drawn() -> None:
    assert words(draw(TABLE.iloc[:0])).count("no points yet") == 4
    far = draw(TABLE[TABLE["panel"] == "5x5"])
    assert words(far).count("no exact curve at this size") == 2 and "exact" not in legend(far)
    weak = draw(TABLE[TABLE["Jy"] == 1.0])
    assert words(weak).count("no points yet") == 2, "panels (c) and (d) are of J_y = 1.8"
    begun = draw(TABLE[np.isfinite(TABLE["t"])])
    assert words(begun).count("no points yet") == 2 and has_curve(begun, 3, pd.Series(TIMES), 0.03 * pd.Series(FACTOR))
    small = TABLE[TABLE["panel"] == "3x3"].assign(panel="2x3", n_sites=6)
    assert legend(draw(small))[:1] == [r"$2\times3$"]


def test_what_is_of_no_state_is_hollow_or_named() -> None:
    made = tidy(run("6x6", 1.8, 0, 0.0)).drop(columns="physical")
    steady = np.isinf(made["t"])
    figure = draw(tidy(made.assign(mean=made["mean"].where(~steady, -1.15))))
    marks = [line for line in figure.axes[0].lines if line.get_label() == hollow.LABEL]
    assert [float(line.get_ydata()[0]) for line in marks] == [-1.15]
    figure = draw(tidy(made.assign(mean=made["mean"].where(~steady, -3.0))))
    assert "off scale: 6x6-Jy1.8: -3.00, no state" in words(figure)


def test_the_points_are_three_seeds_and_a_control_of_half_the_step_for_every_lattice() -> None:
    points = listed.points("workstation")
    assert "frontier" in figures.registry()
    assert len({p.point_id for p in points}) == len(points) == 60
    assert len({(p.panel, p.label) for p in points}) == 60
    assert {p.panel for p in points} == {panel + end for panel in drawn.LATTICES for end in ("", ": control")}
    firsts = {(p.panel, p.settings["Jy"]): p.settings for p in points if p.settings["seed"] == 0}
    for (panel, Jy), settings in firsts.items():
        assert (settings["rows"], settings["cols"], settings["t_end"]) == (int(panel[0]), int(panel[2]), 5.0)
        own = {p.settings["seed"] for p in points if p.panel == panel and p.settings["Jy"] == Jy}
        if panel.endswith(": control"):
            plain = firsts[panel.removesuffix(": control"), Jy]
            assert settings == plain | {"tau": plain["tau"] / 2} and own == {0}
        else:
            assert own == {0, 1, 2}
    assert drawn.JY in listed.ALL_JY


@pytest.mark.parametrize("profile", PROFILES)
def test_labels_tell_couplings_and_seeds_and_the_line_is_that_of_fig4(profile: str) -> None:
    for point in listed.points(profile):
        seed = point.settings["seed"]
        images = "" if point.settings["Jy"] == 1.0 else "-8images"
        assert point.label == f"tdvp-1x32-0s-Jy{point.settings['Jy']}{images}" + (f"-seed{seed}" if seed else "")
        assert (point.figure, point.profile) == ("frontier", profile)
        assert point.panel.startswith("{rows}x{cols}".format(**point.settings))
    line = listed.exact_line(profile)
    assert len({point.lattice.n_sites for point in line}) == 1, "a table of steady states has one row for a J_y"
    assert [point.point_id for point in line] == [point.point_id for point in fig4.exact_line(profile)]

"""Figures 1-3, S1-S5 and the ledger's: what is drawn is what the tables say, whole, in part and empty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import figures
from repro.results import tidy
from repro.strings import visiting_order
from tests import claim_tables

NAMES = ("fig2", "fig3", "figS1", "figS3", "figS4", "figS5", "ledger")
REFERENCE = pd.DataFrame(
    {"Jy": 1.8, "g": g, "observable": name, "mean": 0.3, "error": 0.004}
    for g in (0.0, 2.0, 4.8)
    for name in ("sigma_x", "sigma_y", "sigma_z")
)
EXTRA = {"rbm": tidy(claim_tables.fig3_rbm()), "losses": claim_tables.losses()}


def table(name: str) -> pd.DataFrame:
    made = tidy(claim_tables.TABLES[name]())
    return made.assign(point_id=made["panel"] + made["point"])


def draw(name: str, rows: pd.DataFrame, extra: dict[str, pd.DataFrame] | None = None) -> Figure:
    (drawing,) = figures.registry()[name].figures(rows, REFERENCE, "desk", extra or {}).values()
    return drawing


def lines(figure: Figure, axes: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.asarray(x.get_xdata(), float), np.asarray(x.get_ydata(), float)) for x in figure.axes[axes].lines]


def texts(figure: Figure) -> str:
    legend = [text.get_text() for one in figure.legends for text in one.get_texts()]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    labels = [label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel())]
    return " ".join([*legend, *titles, *labels])


def shown(figure: Figure, axes: int, x: pd.Series, y: pd.Series) -> bool:
    return any(
        len(u) == len(x) and np.allclose(u, x) and np.allclose(v, y, equal_nan=True) for u, v in lines(figure, axes)
    )


@pytest.mark.parametrize("name", [*NAMES, "fig1", "figS2"])
def test_no_points_are_no_error(name: str, tmp_path: Path) -> None:
    empty = tidy([])
    paths = figures.plot(name, empty, REFERENCE.iloc[:0], "desk", tmp_path)
    assert [path.suffix for path in paths] == [".png", ".pdf"]


@pytest.mark.parametrize("name", NAMES)
def test_one_point_alone_is_drawn(name: str) -> None:
    rows = table(name)
    draw(name, rows[rows["point_id"] == rows["point_id"].iloc[0]])


def test_fig1_draws_every_string_in_its_order() -> None:
    figure = draw("fig1", tidy([]))
    assert len(figure.axes) == 9
    for number in range(9):
        order = np.array(visiting_order(number, 3, 3))
        assert shown(figure, number, pd.Series(order % 3), pd.Series(order // 3))


def test_fig2_draws_curves_exact_and_deviation() -> None:
    rows = table("fig2")
    large = rows[(rows["panel"] == "a") & (rows["t"] < 0.4)].assign(
        n_sites=40, point_id="large", point="N40", exact=np.nan, mean=0.5
    )
    figure = draw("fig2", pd.concat([rows, large], ignore_index=True))
    for panel, (top, bottom) in {"a": (0, 2), "b": (1, 3)}.items():
        for _, curve in rows[(rows["panel"] == panel) & (rows["t"] < np.inf)].groupby("point_id"):
            assert shown(figure, top, curve["t"], curve["mean"])
            assert shown(figure, top, curve["t"], curve["exact"])
            assert shown(figure, bottom, curve["t"], curve["mean"] - curve["exact"])
    assert shown(figure, 0, large["t"], large["mean"])
    for text in ("$N = 10$", "$N = 40$ (to $t = 0.35$)", r"$J_y = 1.8\gamma$", "exact", r"$\gamma t$"):
        assert text in texts(figure)


def test_fig3_draws_all_paulis_the_rbm_and_the_exact_band() -> None:
    figure = draw("fig3", table("fig3"), EXTRA)
    ours, rbm = table("fig3"), EXTRA["rbm"]
    for column, name in enumerate(("sigma_x", "sigma_y", "sigma_z")):
        for rows in (ours, rbm):
            mine = rows[rows["observable"] == name].sort_values("g")
            assert shown(figure, column, mine["g"], mine["mean"])
            assert shown(figure, 3 + column, mine["g"], mine["mean"] - mine["exact"])
        assert any(list(x) == [0.0, 2.0, 4.8] for x, _ in lines(figure, column))
    assert "RBM (NetKet)" in texts(figure) and r"$g/\gamma$" in texts(figure)
    assert "RBM" not in texts(draw("fig3", table("fig3")))


def test_fig3_averages_seeds_with_their_standard_error() -> None:
    from figures.fig3 import over_seeds

    rows = pd.DataFrame({"g": [1.0, 1.0, 2.0], "mean": [0.1, 0.3, 0.5], "error": [0.01, 0.02, 0.03], "exact": 0.2})
    averaged = over_seeds(rows)
    assert averaged["mean"].tolist() == pytest.approx([0.2, 0.5])
    assert averaged["error"].tolist() == pytest.approx([0.1, 0.03])


def test_figS1_marks_start_and_exact() -> None:
    rows = table("figS1")
    curve = rows[rows["t"] < np.inf]
    figure = draw("figS1", rows)
    assert shown(figure, 0, curve["t"], curve["mean"])
    assert shown(figure, 0, curve["t"].iloc[:1], curve["mean"].iloc[:1])
    assert any(np.allclose(y, claim_tables.EXACT) for _, y in lines(figure, 0))


def test_figS2_draws_every_iteration_and_the_median() -> None:
    losses = EXTRA["losses"].copy()
    losses.loc[(losses["panel"] == "a") & (losses["iteration"] == 300), "loss"] = 50.0
    figure = draw("figS2", tidy([]), {"losses": losses})
    raw = losses[losses["panel"] == "a"]
    assert shown(figure, 0, raw["iteration"], raw["loss"])
    assert max(lines(figure, 0)[1][1]) < 2  # a median forgets one spike
    assert figure.axes[0].get_yscale() == "log"


@pytest.mark.parametrize("name", ["figS3", "figS4"])
def test_rings_have_a_panel_each(name: str) -> None:
    rows = table(name)
    figure = draw(name, rows)
    panels = [axes for axes in figure.axes if axes.get_visible() and axes.get_title(loc="left")]
    assert [axes.get_title(loc="left").split("= ")[1] for axes in panels] == ["4$", "6$", "8$", "10$"]
    for axes, n_sites in zip(panels, (4, 6, 8, 10), strict=True):
        curve = rows[(rows["n_sites"] == n_sites) & (rows["t"] < np.inf)]
        assert shown(figure, figure.axes.index(axes), curve["t"], curve["mean"])


def test_figS5_draws_runs_and_average() -> None:
    rows = table("figS5")
    figure = draw("figS5", rows)
    runs = rows[rows["observable"] == "sigma_y"]
    assert shown(figure, 1, runs["seed"], runs["mean"])
    assert shown(figure, 1, pd.Series([4.0]), pd.Series([runs["mean"].mean()]))


def test_ledger_draws_means_over_seeds() -> None:
    rows = table("ledger")
    figure = draw("ledger", rows)
    mine = rows[(rows["panel"] == "seeds") & (rows["layers"] == 1) & (rows["width"] == 32)]
    off = (mine["mean"] - mine["exact"]).abs().groupby(mine["strings"]).mean()[["0s", "1s", "2s", "4s", "8s"]]
    assert any(len(y) == 5 and np.allclose(y, off) for _, y in lines(figure, 0))
    sign = rows[rows["panel"] == "sign"]
    assert any(len(y) == len(sign) for _, y in lines(figure, 1))

"""Figures 1-3, S1-S5 and the ledger's: what is drawn is what the tables say, whole, in part and empty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import figures
from figures import fig1, fig3
from repro.ansatz.strings import visiting_order
from repro.reporting import style
from repro.utils.errors import InputError
from repro.utils.result_table import tidy
from tests.helpers import claim_tables
from tests.helpers import rows as rows_of
from tests.helpers.drawings import (
    bars,
    below,
    exacts,
    has_curve,
    legend,
    lines,
    overlaps,
    pdf_texts,
    route,
    series,
    texts,
    words,
)
from tests.helpers.figure_rows import EXTRA, REFERENCE, draw, short_ring, table

NAMES = ("fig2", "fig3", "figS1", "figS3", "figS4", "figS5", "ledger")


@pytest.mark.parametrize("name", [*NAMES, "fig1", "figS2"])
def test_no_points_are_no_error(name: str, tmp_path: Path) -> None:
    paths = figures.plot(name, tidy([]), REFERENCE.iloc[:0], "workstation", tmp_path)
    assert [path.suffix for path in paths] == [".png", ".pdf"]


@pytest.mark.parametrize("name", NAMES)
def test_one_point_alone_is_drawn(name: str) -> None:
    rows = table(name)
    rows = rows[rows["point_id"] == rows["point_id"].iloc[0]]
    draw(name, rows)
    # a curve of one time alone is a dot
    markers = {line.get_marker() for line in draw(name, rows[rows["t"].isin([0, np.inf])]).axes[0].lines}
    assert markers & {"o", "D"}


@pytest.mark.parametrize("name", [*NAMES, "figS2"])
def test_texts_stay_clear_of_each_other(name: str) -> None:
    assert not overlaps(draw(name, tidy([]) if name == "figS2" else table(name), EXTRA))


def test_text_can_be_selected(tmp_path: Path) -> None:
    _, path = figures.plot("ledger", table("ledger"), REFERENCE, "workstation", tmp_path)
    assert b"/Type3" not in path.read_bytes()
    assert {"var 2 64", "one seed", "strings", "8s", "0.9"} <= set(pdf_texts(path).splitlines())


def test_the_stamp_has_the_font_of_the_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "_rendered", lambda *_: b"")
    figure = draw("fig1", tidy([]))
    style.save(figure, tmp_path, "fig1", "")
    assert figure.texts == [], "nothing is computed, so no profile"
    style.save(figure, tmp_path, "fig1", "workstation")
    (stamp,) = figure.texts
    assert stamp.get_text() == "profile: workstation" and stamp.get_fontfamily() == [style.RC["font.family"]]


@pytest.mark.parametrize(("rows", "cols"), [(3, 3), (2, 4)])
def test_fig1_draws_every_string_in_its_order(rows: int, cols: int) -> None:
    figure = fig1.draw(rows, cols)
    assert len(figure.axes) == 9 and not overlaps(figure)
    for number, axes in enumerate(figure.axes):
        order = np.array(visiting_order(number, rows, cols))
        x, y = order % cols, order // cols
        assert has_curve(figure, number, pd.Series(x[:-1]), pd.Series(y[:-1]))
        start, arrow, numbers = route(axes)
        assert (start, arrow) == ((x[0], y[0]), ((x[-2], y[-2]), (x[-1], y[-1])))
        assert numbers == {site: (site % cols, site // cols) for site in range(rows * cols)}


def test_fig1_of_one_site_and_of_none() -> None:
    assert [text.get_text() for text in fig1.draw(1, 1).axes[0].texts] == ["0"]
    with pytest.raises(InputError, match="lattice of 0x3"):
        fig1.draw(0, 3)


def test_fig2_draws_curves_exact_and_deviation() -> None:
    rows = table("fig2")
    large = short_ring(rows)
    figure = draw("fig2", pd.concat([rows, large], ignore_index=True))
    for panel, (top, bottom) in {"a": (0, 2), "b": (1, 3)}.items():
        for _, curve in rows[(rows["panel"] == panel) & (rows["t"] < np.inf)].groupby("point_id"):
            assert has_curve(figure, top, curve["t"], curve["mean"])
            assert has_curve(figure, top, curve["t"], curve["exact"])
            assert has_curve(figure, bottom, curve["t"], curve["mean"] - curve["exact"])
    assert has_curve(figure, 0, large["t"], large["mean"])
    assert len(figure.axes[0].collections) == 1, "a band of error for samples alone"
    assert legend(figure)[:3] == ["exact", "$N = 10$", "$N = 40$ (to $t = 0.35$)"]
    assert r"$J_y = 1.8\gamma$" in legend(figure) and r"$\gamma t$" in texts(figure)


def test_fig2_enlarges_the_start_where_a_curve_is_short() -> None:
    rows = table("fig2")
    rows.loc[rows["t"].between(2, 3), "mean"] = 0.6  # as high as the inset would be
    ring = rows[(rows["panel"] == "a") & (rows["t"] < np.inf)]
    assert not any(axes.child_axes for axes in draw("fig2", rows).axes)
    large = short_ring(rows)
    figure = draw("fig2", pd.concat([rows, large], ignore_index=True))
    top = figure.axes[0]
    (inset,) = top.child_axes
    assert inset.get_xlim() == (0, large["t"].max())
    drawn = [(line.get_xdata(), line.get_ydata()) for line in inset.lines]
    assert any(len(x) == len(large) and np.allclose(y, large["mean"]) for x, y in drawn)
    figure.draw_without_rendering()
    beside = ring[["mean", "exact"]].max(axis=1)[ring["t"] > 1.6].max()
    assert top.transData.transform((0, beside))[1] < inset.get_tightbbox().y0, "no curve lies below the inset"


def test_titles_say_what_the_table_is_of() -> None:
    assert r"(b)  $2\times4$ Heisenberg" in texts(draw("fig2", table("fig2").assign(lattice="2x4 periodic")))
    made = [*claim_tables.fig3()[:1], *claim_tables.fig4()[:1]]
    made[0] |= {"panel": "a", "g": 1.6, "n_sites": 4, "observable": "sigma_z"}
    made[1] |= {"panel": "b", "Jy": 1.4, "layers": 2, "width": 64}
    titles = [axes.get_title(loc="left") for axes in draw("figS2", tidy(made)).axes]
    assert titles == [
        r"(a)  4-site Ising ring, $V = 2\gamma$, $g = 1.6\gamma$, 1 32",
        r"(b)  $3\times3$ Heisenberg lattice, $J_y = 1.4\gamma$, 2 64",
    ]


def test_fig3_draws_all_paulis_the_rbm_and_the_exact_band() -> None:
    figure = draw("fig3", table("fig3"), EXTRA)
    ours, rbm = table("fig3"), EXTRA["rbm"]
    for column, name in enumerate(("sigma_x", "sigma_y", "sigma_z")):
        for rows in (ours, rbm):
            mine = rows[rows["observable"] == name].sort_values("g")
            assert has_curve(figure, column, mine["g"], mine["mean"])
            assert has_curve(figure, 3 + column, mine["g"], mine["mean"] - mine["exact"])
        assert any(list(x) == [0.0, 2.0, 4.8] for x, _ in lines(figure, column))
        assert [len(axes.collections) for axes in (figure.axes[column], figure.axes[3 + column])] == [3, 3]
    assert legend(figure)[:3] == ["exact", "RBM (NetKet)", "variational 1 32"] and r"$g/\gamma$" in texts(figure)
    assert "RBM (NetKet)" not in texts(draw("fig3", table("fig3")))


def test_fig3_takes_the_line_for_points_whose_exact_value_came_later() -> None:
    rbm = EXTRA["rbm"].assign(exact=np.nan, error=0.02)
    rbm = rbm[(rbm["g"] == 1.8) & (rbm["observable"] == "sigma_x")].assign(g=2.0)
    figure = draw("fig3", table("fig3").assign(layers=2), {"rbm": rbm})
    line = REFERENCE[(REFERENCE["g"] == 2.0) & (REFERENCE["observable"] == "sigma_x")]["mean"].iloc[0]
    assert np.allclose(series(figure.axes[3])["RBM (NetKet)"], [[2.0], [rbm["mean"].iloc[0] - line], [0.02]])
    assert "variational 2 32" in legend(figure)


def test_fig3_leaves_out_an_rbm_of_another_ring() -> None:
    rows = table("fig3")
    for other in ({"n_sites": 4}, {"V": 0.5}, {"gamma": 2.0}):
        drawn = draw("fig3", rows.assign(**other), EXTRA)
        assert "RBM (NetKet)" not in texts(drawn), other
    assert "RBM (NetKet)" in texts(draw("fig3", rows.assign(gamma=1.0), EXTRA))


@pytest.mark.parametrize("name", ["fig3", "figS5", "ledger"])
def test_collapsed_runs_are_told_and_not_drawn(name: str) -> None:
    rows = table(name).copy()
    rows.loc[rows.index[0], "mean"] = 3.0
    figure = draw(name, rows)
    said = [axes.get_title(loc="right") for axes in figure.axes]
    assert [text for text in said if text] == [f"off scale: {rows['point'].iloc[0]}: +3.00"]
    assert not overlaps(figure)
    heights = [y for number in range(len(figure.axes)) for _, y in lines(figure, number)]
    assert np.nanmax(np.concatenate(heights)) < 1.1
    rows.loc[rows.index, "mean"] = 3.0
    assert "more" in draw(name, rows).axes[0].get_title(loc="right")


def test_fig3_averages_seeds_with_their_standard_error() -> None:
    rows = pd.DataFrame({"g": [1.0, 1.0, 2.0], "mean": [0.1, 0.3, 0.5], "error": [0.01, 0.02, 0.03], "exact": 0.2})
    over = fig3.over_seeds(rows.assign(physical=["no", "yes", "yes"]))
    assert np.allclose(over[["mean", "error"]], [[0.2, 0.1], [0.5, 0.03]])
    assert over["physical"].tolist() == ["no", "yes"], "an average with what is no state in it is none"


def test_figS1_marks_start_and_exact() -> None:
    figure, rows = draw("figS1", table("figS1")), table("figS1")
    curve = rows[rows["t"] < np.inf]
    assert all(has_curve(figure, 0, part["t"], part["mean"]) for part in (curve, curve.iloc[:1]))
    assert any(np.allclose(y, claim_tables.EXACT) for _, y in lines(figure, 0))
    assert sorted(legend(figure)[:-1]) == ["exact", "variational", "variational, then dynamics"]
    assert "no points yet" in words(draw("figS1", rows.assign(method="dynamics"))), "a first stage"


def test_figS2_draws_every_iteration_and_the_median() -> None:
    losses = EXTRA["losses"].copy()
    losses.loc[(losses["panel"] == "a") & (losses["iteration"] == 300), "loss"] = 50.0
    figure = draw("figS2", tidy([]), {"losses": losses})
    raw = losses[losses["panel"] == "a"]
    assert has_curve(figure, 0, raw["iteration"], raw["loss"])
    assert max(lines(figure, 0)[1][1]) < 2  # a median forgets one spike
    assert figure.axes[0].get_yscale() == "log"


def test_figS2_draws_the_median_alone_of_other_seeds() -> None:
    losses = EXTRA["losses"].assign(seed=8)
    first = losses[losses["panel"] == "a"].assign(seed=0, loss=3.0, point_id="first")
    figure = draw("figS2", tidy([]), {"losses": pd.concat([losses, first], ignore_index=True)})
    drawn = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) > 1]
    assert [line.get_label() for line in drawn] == ["each iteration", "median of 25", "that of other seeds"]
    assert set(drawn[0].get_ydata()) == {3.0} and not set(drawn[2].get_ydata()) & {3.0}


def test_rings_have_a_panel_each() -> None:
    rows = table("figS4")
    figure = draw("figS4", rows)
    panels = [axes for axes in figure.axes if axes.get_visible() and axes.get_title(loc="left")]
    assert [axes.get_title(loc="left").split("= ")[1] for axes in panels] == ["4$", "6$", "8$", "10$"]
    for axes, n_sites in zip(panels, (4, 6, 8, 10), strict=True):
        curve = rows[(rows["n_sites"] == n_sites) & (rows["t"] < np.inf)]
        number = figure.axes.index(axes)
        assert all(has_curve(figure, number, curve["t"], curve[name]) for name in ("mean", "exact"))
        (strip,) = (one for one in figure.axes if one.get_subplotspec() == below(axes))
        assert has_curve(figure, figure.axes.index(strip), curve["t"], curve["mean"] - curve["exact"])
    assert "no exact curve at this size" not in words(figure)


def test_a_ring_beyond_exact_reach_says_so() -> None:
    rows = table("figS4")
    rows.loc[rows["n_sites"] == 10, ["exact", "error"]] = np.nan, 0.01
    figure = draw("figS4", rows.assign(layers=2))
    assert words(figure).count("no exact curve at this size") == 1
    assert legend(figure)[:-1] == ["exact", "Transformer 2 32"]
    ten = next(axes for axes in figure.axes if "10" in axes.get_title(loc="left"))
    assert len(ten.lines) == 1 and len(ten.collections) == 1


def test_figS5_draws_runs_and_average() -> None:
    rows = table("figS5")
    figure = draw("figS5", rows)
    runs = rows[rows["observable"] == "sigma_y"]
    assert has_curve(figure, 1, runs["seed"], runs["mean"])
    assert has_curve(figure, 1, pd.Series([4.0]), pd.Series([runs["mean"].mean()]))
    assert bars(figure, 1, "average") == pytest.approx([runs["mean"].std() / 2])
    assert [tick.get_text() for tick in figure.axes[1].get_xticklabels()] == ["0", "1", "2", "3", "avg"]


def test_figS5_takes_the_reference_of_its_own_field() -> None:
    rows = table("figS5")
    reference = REFERENCE.assign(mean=REFERENCE["g"] / 5)
    figure = draw("figS5", rows.assign(exact=np.nan), reference=reference)
    assert exacts(figure) == [pytest.approx(0.4)] and len(figure.axes[0].patches) == 1
    figure = draw("figS5", rows, reference=reference)
    assert exacts(figure) == [pytest.approx(0.3)], "of another model than the table"
    figure = draw("figS5", rows, reference=reference.iloc[:0])
    assert exacts(figure) == [pytest.approx(0.3)] and not figure.axes[0].patches


def test_ledger_draws_means_over_seeds() -> None:
    figure, rows = draw("ledger", table("ledger")), table("ledger")
    mine = rows[(rows["panel"] == "seeds") & (rows["layers"] == 1) & (rows["width"] == 32)]
    off = (mine["mean"] - mine["exact"]).abs().groupby(mine["strings"]).mean()[["0s", "1s", "2s", "4s", "8s"]]
    assert any(len(y) == 5 and np.allclose(y, off) for _, y in lines(figure, 0))
    one_seed, sign = figure.axes[1].lines[0], rows[rows["panel"] == "sign"]
    assert np.allclose(one_seed.get_ydata(), (sign["mean"] - sign["exact"]).abs())
    assert [tick.get_text() for tick in figure.axes[1].get_xticklabels()] == ["0.9", "1"]
    on_tick = np.where(sign["point"].str.contains("sign"), 0, 1)
    assert np.rint(np.asarray(one_seed.get_xdata(), float)).tolist() == on_tick.tolist()


def test_ledger_shows_the_standard_error_over_seeds() -> None:
    rows = table("ledger")
    figure = draw("ledger", rows)
    assert bars(figure, 0, "var 1 32") == pytest.approx([0.002 / 3**0.5] * 5)
    assert bars(figure, 1, "mean") == pytest.approx([0.02 / 3**0.5, 0.001 / 3**0.5])
    for number, axes in enumerate(figure.axes[:2]):
        assert np.nanmax(np.concatenate([y for _, y in lines(figure, number)])) < 0.95 * axes.get_ylim()[1]
    one = draw("ledger", rows[rows["seed"] == 0])
    assert "var 2 64 (one seed)" in legend(one) and "var 2 64" in legend(figure)
    assert all(not np.isfinite(cap.get_ydata()).any() for cap in one.axes[0].containers[0].lines[1])
    assert words(draw("ledger", rows.assign(exact=np.nan))).count("no points yet") == 3


def test_ledger_sets_the_interpolated_loss_beside_the_plain_evolution() -> None:
    t = np.linspace(0, 2, 5)
    common = rows_of.row(figure="ledger", panel="seeds", method="dynamics", point="dyn", point_id="dyn", seed=0)
    plain = pd.DataFrame([common] * 5).assign(t=t, mean=0.9 - t / 4, exact=1 - t / 4)
    mixed = plain.assign(panel="interpolated", point="mixed", point_id="mixed", mean=0.8 - t / 4)
    other_seed = plain.assign(seed=1, point_id="dyn1", mean=0.5)
    figure = draw("ledger", tidy(pd.concat([plain, other_seed, mixed], ignore_index=True)))
    for curve in (plain["mean"], mixed["mean"], plain["exact"]):
        assert has_curve(figure, 2, plain["t"], curve)
    assert not has_curve(figure, 2, plain["t"], other_seed["mean"])
    assert {"Eq. 4", "Eq. S23", "exact"} <= set(legend(figure))


def test_ledger_sets_the_unmasked_samples_beside_the_masked() -> None:
    rows = table("ledger")
    drawn = rows[(rows["panel"] == "sampling") & rows["point"].str.contains("-unmasked")]
    scored = drawn.assign(observable="scored_sigma_z", mean=drawn["mean"] + 0.3)
    other = drawn.assign(observable="sigma_x", exact=0.0)
    figure = draw("ledger", pd.concat([other, rows, scored], ignore_index=True))
    assert any(np.allclose(y, claim_tables.EXACT) for _, y in lines(figure, 3) if len(y) == 2)
    for label, mean in (("masked", -0.1), ("unmasked, its samples", -0.1), ("unmasked, its $p$", 0.2)):
        _, height, error = series(figure.axes[3])[label]
        assert height == pytest.approx([mean, mean]) and error == pytest.approx([0.003 / 3**0.5] * 2)
    assert [tick.get_text() for tick in figure.axes[3].get_xticklabels()] == ["2 32", "2 64"]

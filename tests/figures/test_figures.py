"""Figures show the table's numbers and nothing else, look the same every time and need no training library."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

import experiments
import figures
from figures import fig4
from repro.reporting import style
from repro.utils.errors import InputError
from repro.utils.result_table import tidy
from tests.helpers import rows
from tests.helpers.drawings import legend, line, overlaps, pdf_texts, series, words
from tests.helpers.paths import ROOT


def test_a_collapsed_run_is_told_and_not_drawn() -> None:
    collapsed = [*rows.variational(), rows.row(layers=2, width=64, Jy=1.1, mean=3.0)]
    figure = fig4.draw(tidy(collapsed), rows.reference(), "paper")
    assert any("off scale: variational-2x64" in text and "+3.00" in text for text in words(figure))
    assert max(mean for _, means, _ in series(figure.axes[0]).values() for mean in means) < 1
    assert not any("off scale" in text for text in words(fig4.draw(rows.table(), rows.reference(), "paper")))


def test_panel_a_shows_the_table() -> None:
    table = rows.table()
    left = fig4.draw(table, rows.reference(), "smoke").axes[0]
    drawn = series(left)
    sizes = {f"var {layers} {width}": (layers, width, "variational") for layers, width in rows.SIZES}
    expected = sizes | {"dyn 1 32": (1, 32, "dynamics"), "var+dyn 1 32": (1, 32, "variational+dynamics")}
    assert list(drawn) == list(expected)
    for label, (layers, width, method) in expected.items():
        own = table[(table["layers"] == layers) & (table["width"] == width) & (table["method"] == method)]
        own = own[(own["strings"] == "0s") & (own["t"] == math.inf)].sort_values("Jy")
        x, y, bars = drawn[label]
        assert x.tolist() == own["Jy"].tolist() and y.tolist() == own["mean"].tolist()
        assert bars == pytest.approx([error for error in own["error"] if error > 0] or bars)
    assert line(left, "exact").tolist() == [[1.0, 1.4, 1.8], [Jy - 2 - 0.05 for Jy in (1.0, 1.4, 1.8)]]
    assert left.get_xlabel() == r"$J_y/\gamma$" and left.get_ylabel() == r"$\langle\sigma_z\rangle$"


def test_panel_b_shows_the_table() -> None:
    table = rows.table()
    right = fig4.draw(table, rows.reference(), "smoke").axes[1]
    drawn = series(right)
    assert list(drawn) == [f"var {layers} {width}" for layers, width in rows.SIZES]
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["0s", "1s", "2s", "4s", "8s"]
    for (x, y, bars), (layers, width) in zip(drawn.values(), rows.SIZES, strict=True):
        own = table[(table["layers"] == layers) & (table["width"] == width) & (table["Jy"] == 1.8)]
        own = own[own["method"] == "variational"].sort_values("strings")
        assert np.rint(x).tolist() == [0, 1, 2, 3, 4] and y.tolist() == own["mean"].tolist()
        assert bars == pytest.approx([error for error in own["error"] if error > 0] or bars)
    assert set(line(right, "exact")[1]) == {1.8 - 2 - 0.05}
    assert "1.8" in right.get_title(loc="left")


def test_a_point_of_both_panels_is_drawn_once_in_each() -> None:
    table = tidy([rows.row(mean=-0.06), rows.row(mean=-0.06, panel="b"), rows.row(panel="b", strings="8s")])
    left, right = fig4.draw(table, rows.reference(), "smoke").axes
    assert series(left)["var 1 32"][1].tolist() == [-0.06]
    assert series(right)["var 1 32"][1].tolist() == [-0.06, -0.1]


def test_no_bar_for_an_enumerated_mean() -> None:
    table = tidy([rows.row(), rows.row(Jy=1.0, error=0.02)])
    axes = fig4.draw(table, rows.reference(), "smoke").axes[0]
    assert series(axes)["var 1 32"][2][0] == pytest.approx(0.02)
    caps = np.array([cap.get_ydata() for cap in axes.containers[0].lines[1]])
    assert np.isfinite(caps).tolist() == [[True, False]] * 2


def test_one_legend_lists_each_family_once() -> None:
    figure = fig4.draw(rows.table(), rows.reference(), "smoke")
    sizes = [f"var {layers} {width}" for layers, width in rows.SIZES]
    assert legend(figure)[:-1] == ["exact", *sizes, "dyn 1 32", "var+dyn 1 32"]
    assert "profile: smoke" in words(figure)


def test_unforeseen_points_are_drawn_and_named() -> None:
    table = tidy([rows.row(layers=3, width=16), rows.row(strings="8s"), rows.row(strings="2s", panel="b", Jy=1.35)])
    left, right = fig4.draw(table, rows.reference(), "smoke").axes
    assert list(series(left)) == ["var 1 32 8s", "var 3 16"]
    assert list(series(right)) == ["var 1 32"] and "1.35" in right.get_title(loc="left")
    # No exact value at this J_y, so no exact line is claimed.
    assert "exact" not in [one.get_label() for one in right.lines]


@pytest.mark.parametrize(
    ("own", "exact", "empty"),
    [
        ([], rows.reference()[:0], 2),
        ([], rows.reference(), 2),
        (rows.evolution(), rows.reference(), 1),
        (rows.evolution()[:2], rows.reference(), 2),
        ([rows.row(Jy=1.4)], rows.reference()[:1], 1),
        ([rows.row(panel="b", strings="4s")], rows.reference(), 1),
    ],
)
def test_part_of_a_table_will_do(own: list[dict[str, Any]], exact: pd.DataFrame, empty: int, tmp_path: Path) -> None:
    drawings = fig4.figures(tidy(own), exact, "smoke", {})
    assert words(drawings["fig4"]).count("no points yet") == empty
    assert ("fig4_dynamics" in drawings) == any(math.isfinite(row["t"]) for row in own)
    for name, drawing in drawings.items():
        style.save(drawing, tmp_path, name, "smoke")


def test_evolutions_show_the_table() -> None:
    table = tidy([*rows.evolution(), *rows.evolution(Jy=1.0), *rows.evolution("variational+dynamics")])
    figure = fig4.draw_dynamics(table, "smoke")
    top, second, bottom, staged = figure.axes
    curve = pd.DataFrame(rows.evolution()[:3])
    for Jy in (1.0, 1.8):
        assert line(top, rf"$J_y = {Jy:g}\gamma$").tolist() == [curve["t"].tolist(), curve["mean"].tolist()]
    assert line(top, "exact").tolist() == [curve["t"].tolist(), curve["exact"].tolist()]
    assert bottom.lines[0].get_ydata().tolist() == pytest.approx((curve["mean"] - curve["exact"]).tolist())
    assert set(line(second, "exact")[1]) == {-0.25}
    assert staged.lines[0].get_ydata().tolist() == pytest.approx((curve["mean"] + 0.25).tolist())
    assert legend(figure)[:-1] == ["exact", r"$J_y = 1\gamma$", r"$J_y = 1.8\gamma$"]
    assert words(fig4.draw_dynamics(tidy([]), "smoke")).count("no points yet") == 2


def test_texts_stay_clear_of_each_other() -> None:
    many = [row for Jy in np.linspace(1.0, 1.8, 9) for row in rows.evolution(Jy=round(float(Jy), 1))]
    table = tidy([*rows.variational(), *many, *rows.evolution("variational+dynamics")])
    for drawing in fig4.figures(table, rows.reference(), "smoke", {}).values():
        assert not overlaps(drawing)


def test_saved_files(tmp_path: Path) -> None:
    paths = figures.plot("fig4", rows.table(), rows.reference(), "smoke", tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["fig4.png", "fig4.pdf", "fig4_dynamics.png", "fig4_dynamics.pdf"]
    assert sorted(path.name for path in paths[0].parent.iterdir()) == sorted(path.name for path in paths)
    assert imread(paths[0]).shape[1] == round(300 * style.PAGE_WIDTH)
    raw = paths[1].read_bytes()
    assert b"/Type3" not in raw and b"/FontFile2" in raw and b"CreationDate" not in raw
    lines = pdf_texts(paths[1]).splitlines()
    assert {"exact", "var 2 64", "var+dyn 1 32", "strings", "8s"} <= set(lines)


DRAW = """
import sys
import figures
from tests.helpers import rows
from tests.helpers.drawings import legend, line, overlaps, pdf_texts, series, words
figures.plot("fig4", rows.table(), rows.reference(), "smoke", sys.argv[1])
print(*sorted({"torch", "qutip", "wandb", "pytorch_lightning", "matplotlib.pyplot"} & set(sys.modules)))
"""


def test_same_bytes_in_another_process_at_another_time(tmp_path: Path) -> None:
    # A subprocess starts a second or more after the first file: a time stamp would show.
    paths = figures.plot("fig4", rows.table(), rows.reference(), "smoke", tmp_path / "here")
    run = subprocess.run(
        [sys.executable, "-c", DRAW, str(tmp_path / "there")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "", "figures must not import these"
    for path in paths:
        assert path.read_bytes() == (tmp_path / "there" / path.name).read_bytes(), path.name


def test_every_module_is_registered() -> None:
    folder = Path(figures.__file__).parent
    others = (folder / f"{name}.py" for name in ("frontier", "ledger", "methods", "settings"))
    assert list(figures.registry()) == sorted(path.stem for path in (*folder.glob("fig*.py"), *others))
    assert set(figures.registry()) == set(experiments.names())
    with pytest.raises(InputError, match="unknown figure 'fig44'; did you mean 'fig4'"):
        figures.plot("fig44", rows.table(), rows.reference(), "smoke", folder)


def test_an_unwritable_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write .*fig4\.png"):
        figures.plot("fig4", rows.table(), rows.reference(), "smoke", tmp_path / "file")

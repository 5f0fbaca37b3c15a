"""What the table of the comparison says: on made-up costs with a known answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from figures.crossing import draw
from figures.crossing_text import OURS, PAGES, SIZES, answers, cheapest, markdown, sentences, used, with_table
from repro.utils.errors import InputError
from repro.utils.paths import SOURCE as ROOT

RING, LATTICE = "a ring", "a lattice"


def row(way: str, n_sites: int, seconds: float, **more: Any) -> dict[str, Any]:
    made = {"panel": "1d", "problem": RING, "lattice": f"{n_sites}-ring", "n_sites": n_sites, "way": way}
    made |= {"use": "used", "candidate": "x", "kind": "run", "settings": "s", "rule": "", "seconds": seconds}
    made |= {"error": 0.0, "sigma_x": 0.0, "sigma_y": 0.1, "sigma_z": -0.4, "device": "d"}
    return made | more


def table(**ours: Any) -> pd.DataFrame:
    lattice = {"panel": "2d", "problem": LATTICE}
    rows = [
        row("density matrix", 8, 2.0),
        row("trajectories", 8, 3.0, error=0.002, sigma_z=-0.401),
        row("trajectories", 16, 80.0, error=0.002),
        row("trajectories", 8, 0.1, use="search"),
        row("density matrix", 16, 3e5, kind="extrapolated", sigma_x=None, sigma_y=None, sigma_z=None, error=None),
        row(OURS, 8, 400.0, sigma_z=-0.407, error=0.004),
        row(OURS, 16, 40.0, **({"sigma_z": -0.43, "error": 0.001} | ours)),
        row("trajectories", 9, 5.0, **lattice, lattice="3x3 periodic"),
        row("trajectories", 25, 4e5, **lattice, lattice="5x5 periodic", kind="extrapolated", sigma_z=None),
        row(OURS, 25, 9e3, **lattice, lattice="5x5 periodic", kind="part", sigma_z=None, error=None),
    ]
    return pd.DataFrame(rows)


def test_the_cheapest_answer_of_every_size() -> None:
    best = cheapest(table()).set_index(["problem", "n_sites"])
    assert best.loc[(RING, 8), "way"] == "density matrix"
    assert best.loc[(RING, 16), "way"] == "trajectories"  # ours is cheaper and 0.03 off
    assert best.loc[(LATTICE, 25), "way"] == "trajectories"  # ours was not run


def test_an_accurate_row_of_ours_changes_the_sentence() -> None:
    before, after = sentences(table()), sentences(table(sigma_z=-0.405))
    assert "this suite is nowhere the cheapest" in before[2] and "took 40 s, 0.030 off" in before[2]
    assert "this suite is the cheapest at N = 16" in after[2] and "took 40 s, 0.005 off" in after[2]
    assert "at N = 16 trajectories (QuTiP) (80 s)" in before[0] and "at N = 16 this suite (40 s)" in after[0]
    assert before[1] == after[1] and before[3] == after[3]


@pytest.mark.parametrize(
    "change", [{"error": 0.05}, {"kind": "missed"}, {"sigma_z": -0.3}, {"sigma_z": None, "kind": "part"}]
)
def test_no_answer(change: dict[str, Any]) -> None:
    rows = answers(used(table(**{"sigma_z": -0.405} | change)))
    assert not ((rows["way"] == OURS) & (rows["n_sites"] == 16)).any()


def test_nothing_of_ours_is_an_answer_where_nobody_else_was() -> None:
    """Its own error is small, and nothing tells how far it is off."""
    larger = row(OURS, 36, 1.0, panel="2d", problem=LATTICE, lattice="6x6 periodic", error=0.001)
    whole = pd.concat([table(), pd.DataFrame([larger])])
    assert not (answers(used(whole))["n_sites"] == 36).any()
    told = " ".join(sentences(whole))
    assert (
        "a lattice: this suite is nowhere the cheapest" in told
        and "at 6x6, the largest that was run, it took 1" in told
    )


def test_own_error_is_allowed_for() -> None:
    rows = answers(used(table(sigma_z=-0.418, error=0.005)))
    assert ((rows["way"] == OURS) & (rows["n_sites"] == 16)).any()


def test_the_table_of_the_pages() -> None:
    text = markdown(table(), SIZES)
    assert "| a ring | N = 8 | density matrix (QuTiP), 2.0 s | 400 s, 0.007 off |" in text
    assert "| a ring | N = 16 | trajectories (QuTiP), 80 s | 40 s, 0.030 off |" in text
    assert "| a lattice | 5x5 | trajectories (QuTiP), 400,000 s, extrapolated | 9,000 s, from a part, not run |" in text


def test_what_was_run_where_nobody_else_was_says_so() -> None:
    made = table()
    alone = (made["way"] == OURS) & (made["n_sites"] == 25)
    made.loc[alone, ["kind", "sigma_z"]] = ["run", -0.3]
    assert "400,000 s, extrapolated | 9,000 s, how far off not known |" in markdown(made, SIZES)


@pytest.mark.parametrize("page", PAGES)
def test_pages_hold_what_the_shipped_table_says(page: str) -> None:
    shipped = pd.read_csv(ROOT / "results" / "crossing.csv")
    text = (ROOT / page).read_text()
    assert with_table(text, shipped, PAGES[page]) == text
    changed = shipped.assign(seconds=shipped["seconds"] * 3)
    assert with_table(text, changed, PAGES[page]) != text


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(InputError, match="expected the place of the table"):
        with_table("no marks", table(), SIZES)


def test_drawn(tmp_path: Path) -> None:
    draw(table(), tmp_path / "crossing.png")
    assert (tmp_path / "crossing.png").stat().st_size > 5000


def test_the_legend_has_every_way_of_both_panels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: made.append(figure))
    gates = row("gates", 16, 30.0, panel="2d", problem=LATTICE, lattice="4x4 periodic")
    draw(pd.concat([table(), pd.DataFrame([gates])]), tmp_path / "crossing.png")
    legend = made[0].axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["density matrix", "trajectories", "gates", OURS]

"""What `repro publish` ships: the RBM's rows beside those there, and nothing before everything is known."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from experiments import load
from repro.cli.main import main
from repro.config.listed import BEST_FIRST, Listed, listed_of
from repro.references.of_point import prepare
from repro.reporting.places import places
from repro.reporting.ship import new_references, ship, with_competitor
from repro.utils.errors import InputError
from repro.utils.result_table import read_table, tidy, write_table
from tests.helpers import rows

ROOT = Path(__file__).parents[2]
RING = {"figure": "fig3", "panel": "", "method": "rbm", "model": "tfim", "lattice": "16-ring", "n_sites": 16, "V": 2.0}
POINTS = [listed for profile in BEST_FIRST for listed in load("fig3").points(profile)]


def search(g: float, mean: float, **more: Any) -> dict[str, Any]:
    none = {"Jx": None, "Jy": None, "Jz": None, "B": None}
    return rows.row(
        **{**RING, **none, "seed": 0, "g": g, "mean": mean, "point": f"rbm-g{g}", "profile": "paper"} | more
    )


def written(path: Path, *found: dict[str, Any]) -> None:
    write_table(tidy(found), path)


def means(table: pd.DataFrame | None) -> dict[tuple[float, int], float]:
    assert table is not None
    return {(row["g"], row["seed"]): row["mean"] for row in table.to_dict("records")}


def test_searches_of_the_rbm_take_the_place_of_their_own_field_alone(tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    assert with_competitor(POINTS, runs, results) is None
    written(results / "fig3_rbm.csv", search(0.5, 0.1), search(1.0, 0.2), search(1.0, 0.3, seed=1, point="b"))
    of_another = search(1.0, 9.0, n_sites=4, lattice="4-ring", point="c")
    written(runs / "rbm" / "table.csv", of_another, search(0.5, 9.0, V=1.0, point="d"))
    assert with_competitor(POINTS, runs, results) is None, "rings of another size or coupling"
    written(runs / "rbm" / "table.csv", search(1.6, 0.5), search(1.0, 0.4), of_another)
    found = means(with_competitor(POINTS, runs, results))
    assert found == {(0.5, 0): 0.1, (1.0, 0): 0.4, (1.0, 1): 0.3, (1.6, 0): 0.5}


def copied(tmp_path: Path, figure: str) -> Path:
    """Shipped files of a figure, and its references' folder."""
    results = tmp_path / "results"
    (results / "reference").mkdir(parents=True)
    for path in (ROOT / "results").glob(f"{figure}[._]*"):
        if path.is_file():
            shutil.copy(path, results)
    return results


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_written_where_the_rbm_is_damaged(tmp_path: Path) -> None:
    results, runs = copied(tmp_path, "fig3"), tmp_path / "runs"
    before = content(results)
    (runs / "rbm").mkdir(parents=True)
    (runs / "rbm" / "table.csv").write_text("figure\n")
    with pytest.raises(InputError, match=r"table\.csv: column 'panel' is missing"):
        ship("fig3", True, runs, results)
    assert content(results) == before
    assert main(["publish", "fig3", "--partial", "--runs", str(runs), "--results", str(results)]) == 2
    assert content(results) == before


def test_the_rbm_is_shipped_with_its_figure(tmp_path: Path) -> None:
    results, runs = copied(tmp_path, "fig3"), tmp_path / "runs"
    before = len(read_table(results / "fig3_rbm.csv"))
    written(runs / "rbm" / "table.csv", search(9.5, 0.5))
    assert results / "fig3_rbm.csv" in ship("fig3", True, runs, results)
    assert len(read_table(results / "fig3_rbm.csv")) == before + 1


def test_a_damaged_shipped_reference_is_replaced_by_a_whole_one(tmp_path: Path) -> None:
    point = load("fig4").points("smoke")[0].change(Jx=0.31).point
    runs, results = tmp_path / "runs", tmp_path / "results"
    prepare([point], runs, lambda name: None)
    files = new_references([point], runs, results)
    assert len(files) == 2
    for name, data in files.items():
        (results / "reference").mkdir(parents=True, exist_ok=True)
        (results / "reference" / name).write_bytes(data)
    assert new_references([point], runs, results) == {}
    table = next(path for path in (results / "reference").glob("*.csv"))
    table.write_text(table.read_text().replace("0", "1"))
    assert new_references([point], runs, results) == files


def test_best_profiles_are_the_papers_where_it_has_some_of_its_own() -> None:
    """Figures beyond the paper ask the same of both: their points are no points of the paper."""
    base = listed_of(figure="figS2", panel="a", profile="workstation")
    fewer, papers = base.change(n_samples=500), base.change(profile="paper")

    def best(*points: Listed) -> dict[str, str]:
        return {place.point_id: place.profile for place in places(points)}

    assert best(papers, base, fewer) == {base.point_id: "paper", fewer.point_id: "workstation"}
    assert best(fewer, base, papers) == best(papers, base, fewer), "in any order"
    assert best(papers, base) == {base.point_id: "workstation"}

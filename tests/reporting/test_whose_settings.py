"""Whose settings a figure's rows have."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from experiments import fig2, figS3, figS4
from repro.config.listed import Listed
from repro.reporting import report_data
from repro.reporting.report import build_report, overview_markdown
from repro.reporting.whose_settings import whose_settings
from repro.utils.result_table import tidy, write_table
from tests.helpers import rows


def table(*points: Listed) -> pd.DataFrame:
    own = [{"panel": p.panel, "point_id": p.point_id, "tau": p.settings["tau"], "method": "dynamics"} for p in points]
    return tidy([rows.row(**row) for row in own])


def test_all_or_some_of_the_papers_points() -> None:
    papers = figS3.points("paper")
    assert whose_settings("figS3", table(*papers)) == "paper's"
    assert whose_settings("figS3", table(*papers[:4])) == "paper's for 4 of 6 points"
    assert whose_settings("figS3", table(*papers[:1], *figS3.points("workstation"))) == "paper's for 1 of 6 points"


def test_a_shorter_computation_is_not_the_papers() -> None:
    papers = fig2.points("paper")
    ten, large = papers[0], papers[1].change(t_end=0.5)
    assert whose_settings("fig2", table(ten, large)) == f"paper's for 1 of {len(papers)} points"


@pytest.mark.parametrize(
    ("figure", "points", "said"),
    [
        ("figS3", figS3.points("workstation"), "longer steps"),
        ("figS4", figS4.points("workstation"), "other settings"),
        ("methods", figS4.points("paper"), "not in the paper"),
        ("fig3", figS4.points("paper"), "other settings"),
    ],
)
def test_none_of_the_papers_points(figure: str, points: tuple[Listed, ...], said: str) -> None:
    assert whose_settings(figure, table(*points)) == said


def test_overview_and_report_say_it(tmp_path: Path) -> None:
    write_table(table(*figS3.points("paper")[:3]), tmp_path / "figS3.csv")
    (tmp_path / "figS3.json").write_text('{"points": []}')
    assert report_data.overview(tmp_path)["settings"].tolist() == ["paper's for 3 of 6 points"]
    assert "| paper's for 3 of 6 points |" in overview_markdown(tmp_path)
    assert "<td>paper&#39;s for 3 of 6 points</td>" in build_report(tmp_path, tmp_path / "report.html").read_text()

"""What is told of a table in one line comes from physical states alone; the others are counted apart."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pandas as pd
import pytest

from repro.reporting import report_data
from repro.reporting.report import build_report, overview_markdown
from repro.reporting.summary import deviations, headline, print_headline, print_summary
from repro.utils.result_table import tidy, write_table
from tests.helpers import rows


def searches(*means: float, exact: float = -0.25) -> list[dict[str, object]]:
    return [rows.row(point=f"p{k}", point_id=f"id{k}", mean=mean, exact=exact) for k, mean in enumerate(means)]


def printed(table: pd.DataFrame) -> str:
    stream = io.StringIO()
    print_summary(table, stream)
    print_headline(table, stream)
    return stream.getvalue()


def test_a_state_that_is_none_is_counted_and_not_quoted() -> None:
    found = headline(tidy(searches(3.0, 0.5, -0.2)))
    assert (found.largest, found.of, found.counted) == (0.75, "p1", "2 of 3")
    found = headline(tidy(searches(0.4, 0.5, -0.2)))
    assert (found.largest, found.of, found.counted) == (0.75, "p1", "3 of 3")
    alone = headline(tidy(searches(3.0)))
    assert math.isnan(alone.largest) and (alone.of, alone.counted) == ("", "0 of 1")


def test_another_paulis_mean_makes_a_state_none() -> None:
    wrong = {"point": "p0", "point_id": "id0", "observable": "sigma_x", "mean": -1.5, "exact": 0.0}
    found = headline(tidy([*searches(0.9, 0.5), rows.row(**wrong)]))
    assert (found.of, found.counted) == ("p1", "1 of 2")


def test_an_evolution_is_judged_time_by_time() -> None:
    curve = rows.evolution()
    curve[1] |= {"mean": 1.9}
    table = tidy(curve)
    assert headline(table).counted == "0 of 1"
    assert headline(table).largest == pytest.approx(0.01), "the time after it is a state, and the start is exact"
    row = deviations(table).iloc[0]
    assert (row["largest_t"], row["last"]) == (1.0, pytest.approx(0.01))
    curve[2] |= {"mean": 1.9}
    row = deviations(tidy(curve)).iloc[0]
    assert row["largest"] == 0.0 and math.isnan(row["last"]) and row["deviation"] == pytest.approx(0.01)


def test_where_an_evolution_ends_counts_too() -> None:
    """Also where nothing is known of its way."""
    curve = rows.evolution()
    for number, row in enumerate(curve):
        curve[number] = row | ({"exact": None} if math.isfinite(row["t"]) else {"mean": row["exact"] + 0.3})
    assert headline(tidy(curve)).largest == pytest.approx(0.3)


def test_a_point_in_two_panels_is_one() -> None:
    both = [row | {"panel": panel} for panel in "ab" for row in searches(3.0, 0.5)]
    assert headline(tidy(both)).counted == "1 of 2"


def test_what_is_printed_says_so() -> None:
    lines = printed(tidy(searches(3.0, 0.5))).splitlines()
    assert lines[-1] == "1 of 2 points physical; largest deviation from exact: 0.750 (p1)"
    (first,) = (line for line in lines if "+3.0000" in line)
    assert "no state" in first and "3.2500" not in first
    assert not any("no state" in line for line in printed(tidy(searches(0.5, 0.4))).splitlines())
    assert printed(tidy(searches(math.nan))).splitlines()[-1] == "1 of 1 points physical"
    assert "physical" not in printed(tidy([]))


def test_report_and_overview_quote_physical_states_alone(tmp_path: Path) -> None:
    write_table(searches(3.0, 0.5, -0.2), tmp_path / "fig4.csv")
    (row,) = report_data.overview(tmp_path).to_dict("records")
    assert (row["physical"], row["largest deviation"], row["of"]) == ("2 of 3", 0.75, "p1")
    assert "| fig4 | smoke | 2 of 3 | 0.750 (p1) |" in overview_markdown(tmp_path)
    page = build_report(tmp_path, tmp_path / "report.html").read_text()
    assert '<td class="n">2 of 3</td>' in page and "<dd>2 of 3</dd>" in page
    assert "no state" in page and "3.250" not in page


def test_no_shipped_table_quotes_what_is_no_state() -> None:
    from repro.utils.paths import RESULTS
    from repro.utils.result_table import read_table

    for row in report_data.overview(RESULTS).to_dict("records"):
        table = read_table(RESULTS / f"{row['figure']}.csv")
        own = table[(table["point"] == row["of"]) & (table["physical"] == "yes") & table["exact"].notna()]
        off = (own["mean"] - own["exact"]).abs()
        assert (off - row["largest deviation"]).abs().min() < 1e-9 and row["largest deviation"] < 2, row

"""The ledger: a verdict follows from the tables alone, and changes with them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from repro.claims.catalogue import CLAIMS
from repro.claims.claim import NOT_REPRODUCED, OPEN, REPRODUCED
from repro.claims.ledger import COLUMNS, judge, summary
from repro.cli import main
from repro.utils.result_table import read_table, write_table
from tests.helpers import claim_tables

Change = Callable[[pd.DataFrame], pd.Series]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    claim_tables.write(tmp_path)
    return tmp_path


def verdict(results: Path, number: int) -> str:
    ledger = judge(results)
    return str(ledger.loc[ledger["number"] == number, "verdict"].iloc[0])


def shift(results: Path, table: str, chosen: Change, by: float) -> None:
    """Add to the mean of some rows of a table."""
    frame = read_table(results / f"{table}.csv")
    rows = chosen(frame)
    assert rows.any()
    frame.loc[rows, "mean"] += by
    write_table(frame, results / f"{table}.csv")


def test_every_claim_holds_on_the_made_up_tables(results: Path) -> None:
    ledger = judge(results)
    assert list(ledger.columns) == list(COLUMNS)
    assert list(ledger["number"]) == list(range(1, 15))
    assert {row["number"]: row["reason"] for row in ledger.to_dict("records") if row["verdict"] != REPRODUCED} == {}
    assert (ledger["ours"] != "").all()


def test_nothing_is_decided_without_tables(tmp_path: Path) -> None:
    ledger = judge(tmp_path)
    assert set(ledger["verdict"]) == {OPEN}
    assert ledger["reason"].str.startswith("missing: ").all()


# (claim, table, rows, what is added): one change of the numbers that each verdict must notice
CHANGES: list[tuple[int, str, Change, float]] = [
    (1, "fig2", lambda f: (f["panel"] == "b") & (f["t"] == 2.0), 0.1),
    (1, "fig2", lambda f: (f["point"] == "dyn-N10") & (f["t"] < 0.8), 0.03),
    (2, "fig3", lambda f: (f["observable"] == "sigma_y") & (f["g"] == f["g"].max()), 0.03),
    (2, "fig3_rbm", lambda f: f["t"] == math.inf, -0.1),
    (3, "figS5", lambda f: (f["observable"] == "sigma_y") & (f["seed"] == 0), 0.2),
    (4, "fig4", lambda f: f["point"].str.startswith("var-(2, 64)"), 0.095),
    (4, "fig4", lambda f: f["point"].str.startswith("var-(2, 32)"), -0.07),
    (5, "ledger", lambda f: (f["panel"] == "seeds") & (f["strings"] == "1s"), 0.03),
    (6, "ledger", lambda f: (f["panel"] == "seeds") & (f["strings"] == "8s") & (f["width"] == 64), 0.2),
    (6, "ledger", lambda f: (f["panel"] == "seeds") & (f["strings"] == "4s") & (f["layers"] == 1), 0.1),
    (7, "ledger", lambda f: (f["panel"] == "seeds") & (f["strings"] == "8s") & (f["layers"] == 1), 0.06),
    (8, "fig4", lambda f: (f["method"] == "dynamics") & (f["t"] == math.inf), 0.2),
    (9, "fig4", lambda f: (f["method"] == "variational+dynamics") & (f["Jy"] == 1.0), 0.04),
    (10, "figS1", lambda f: f["t"] > 3.6, 0.1),
    (11, "figS3", lambda f: (f["n_sites"] == 8) & (f["t"] == 1.0), 0.03),
    (11, "figS4", lambda f: f["n_sites"] == 10, 0.2),
    (12, "fig4", lambda f: (f["method"] == "dynamics") & (f["Jy"] == 1.0) & (f["t"] > 3.6), 0.05),
    (13, "ledger", lambda f: f["point"].str.contains("sign0.9"), 0.2),
    (14, "ledger", lambda f: f["point"].str.contains("unmasked") & (f["width"] == 64), 0.05),
]


@pytest.mark.parametrize(("number", "table", "rows", "by"), CHANGES)
def test_a_changed_number_changes_the_verdict(results: Path, number: int, table: str, rows: Change, by: float) -> None:
    before = judge(results).set_index("number")["verdict"]
    shift(results, table, rows, by)
    after = judge(results).set_index("number")["verdict"]
    assert (before[number], after[number]) == (REPRODUCED, NOT_REPRODUCED)


def test_every_claim_has_a_change() -> None:
    assert {number for number, *_ in CHANGES} == {claim.number for claim in CLAIMS}


def test_a_slow_second_stage_saves_no_time(results: Path) -> None:
    frame = read_table(results / "fig4.csv")
    frame.loc[frame["method"] == "variational+dynamics", "seconds"] += 100
    write_table(frame, results / "fig4.csv")
    assert verdict(results, 9) == NOT_REPRODUCED


def test_a_state_that_stops_moving_is_a_fixed_point(results: Path) -> None:
    frame = read_table(results / "fig4.csv")
    frame.loc[(frame["method"] == "dynamics") & (frame["t"] > 3), "mean"] = -0.25
    write_table(frame, results / "fig4.csv")
    assert verdict(results, 12) == NOT_REPRODUCED


def test_a_rising_loss_has_not_converged(results: Path) -> None:
    path = results / "figS2_losses.csv"
    losses = pd.read_csv(path)
    losses.loc[(losses["panel"] == "b") & (losses["iteration"] > 400), "loss"] *= 1.2
    losses.to_csv(path, index=False)
    assert verdict(results, 10) == NOT_REPRODUCED


@pytest.mark.parametrize(
    ("number", "table", "kept"),
    [
        (1, "fig2", lambda f: f["Jy"] != 1.8),
        (2, "fig3", lambda f: f["g"] != f["g"].max()),
        (3, "figS5", lambda f: f["seed"] < 2),
        (6, "ledger", lambda f: (f["seed"] < 2) | (f["panel"] != "seeds")),
        (11, "figS4", lambda f: f["n_sites"] < 8),
        (13, "ledger", lambda f: (f["seed"] < 2) | (f["panel"] != "sign")),
        (14, "ledger", lambda f: (f["seed"] < 2) | (f["panel"] != "sampling")),
        (14, "ledger", lambda f: (f["seed"] < 1) | ~f["point"].str.contains("-unmasked")),
    ],
)
def test_too_little_leaves_a_claim_open(results: Path, number: int, table: str, kept: Change) -> None:
    frame = read_table(results / f"{table}.csv")
    write_table(frame[kept(frame)], results / f"{table}.csv")
    assert verdict(results, number) == OPEN


def test_the_command_writes_table_and_page(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = results / "page" / "CLAIMS.md"
    assert main.main(["claims", "--results", str(results), "--out", str(page)]) == 0
    printed = capsys.readouterr().out
    ledger = pd.read_csv(results / "claims.csv")
    assert list(ledger.columns) == list(COLUMNS)
    text = page.read_text()
    for claim in CLAIMS:
        # on a page of Markdown <sigma_x> would be an HTML tag
        assert re.sub(r"<(sigma_\w)>", r"⟨\1⟩", claim.text) in text and claim.text in printed
    assert "14 reproduced, 0 not reproduced, 0 open" in text
    assert summary(ledger) in text


def test_a_damaged_table_is_one_line(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "fig4.csv").write_text("nonsense\n")
    assert main.main(["claims", "--results", str(results), "--out", str(results / "C.md")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (results / "claims.csv").exists() and not (results / "C.md").exists()

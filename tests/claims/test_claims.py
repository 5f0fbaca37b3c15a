"""The ledger: a verdict follows from the tables alone, and changes with them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from repro.claims.catalogue import CLAIMS
from repro.claims.effect import CONTRADICTED, NOT_SEEN, OPEN, REPRODUCED, UNDECIDED, VERDICTS, Effect
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
    assert list(ledger["number"]) == list(range(1, 16))
    assert {row["number"]: row["reason"] for row in ledger.to_dict("records") if row["verdict"] != REPRODUCED} == {}
    assert (ledger[["effects", "ours", "settings", "change"]] != "").all(axis=None)


def test_nothing_is_decided_without_tables(tmp_path: Path) -> None:
    ledger = judge(tmp_path)
    assert set(ledger["verdict"]) == {OPEN}
    assert ledger["reason"].str.startswith("missing: ").all()


# (claim, table, rows, what is added, verdict): one change of the numbers that each verdict must notice
CHANGES: list[tuple[int, str, Change, float, str]] = [
    (1, "fig2", lambda f: (f["panel"] == "b") & (f["t"] == 2.5), 0.2, CONTRADICTED),
    (1, "fig2", lambda f: (f["panel"] == "b") & (f["t"] == 2.5), 0.05, UNDECIDED),
    (1, "fig2", lambda f: (f["point"] == "dyn-N10") & (f["t"] < 0.8), 0.03, CONTRADICTED),
    (2, "fig3", lambda f: (f["observable"] == "sigma_y") & (f["g"] == f["g"].max()), 0.6, UNDECIDED),
    (2, "fig3", lambda f: f["t"] == math.inf, 0.1, CONTRADICTED),
    (2, "fig3_rbm", lambda f: f["t"] == math.inf, -0.11, CONTRADICTED),
    (3, "figS5", lambda f: f["observable"] == "sigma_y", 0.2, CONTRADICTED),
    (3, "figS5", lambda f: (f["observable"] == "sigma_y") & (f["seed"] == 0), 0.2, UNDECIDED),
    (4, "fig4", lambda f: is_sigma_z(f) & f["point"].str.startswith("var-(2, 64)"), 0.2, CONTRADICTED),
    (4, "fig4", lambda f: is_sigma_z(f) & f["point"].str.startswith("var-(2, 32)"), -0.1, CONTRADICTED),
    (5, "ledger", lambda f: (f["panel"] == "seeds") & (f["strings"] == "1s"), 0.03, CONTRADICTED),
    (5, "ledger", lambda f: (f["panel"] == "seeds") & (f["strings"] == "1s") & (f["seed"] == 0), 0.05, UNDECIDED),
    (6, "ledger", lambda f: (f["panel"] == "seeds") & (f["strings"] == "8s") & (f["width"] == 64), 0.2, CONTRADICTED),
    (6, "ledger", lambda f: (f["panel"] == "seeds") & (f["strings"] == "4s") & (f["layers"] == 1), 0.1, CONTRADICTED),
    (7, "ledger", lambda f: (f["panel"] == "seeds") & (f["strings"] == "8s") & (f["layers"] == 1), 0.06, CONTRADICTED),
    (8, "fig4", lambda f: (f["method"] == "dynamics") & (f["t"] == math.inf), 0.2, CONTRADICTED),
    (8, "fig4", lambda f: (f["point"] == "dyn-1.0") & (f["t"] == math.inf), 0.12, UNDECIDED),
    (9, "fig4", lambda f: f["method"] == "variational+dynamics", 0.04, CONTRADICTED),
    (9, "fig4", lambda f: (f["method"] == "variational+dynamics") & (f["Jy"] == 1.0), 0.05, UNDECIDED),
    (10, "figS1", lambda f: f["t"] > 3.6, 0.2, CONTRADICTED),
    (10, "figS1", lambda f: f["t"] > 3.6, 0.06, UNDECIDED),
    (11, "figS3", lambda f: (f["n_sites"] == 8) & (f["t"] == 1.0), 0.2, CONTRADICTED),
    (11, "figS4", lambda f: f["n_sites"] == 10, 0.4, CONTRADICTED),
    (11, "figS4", lambda f: f["n_sites"] == 10, 0.03, UNDECIDED),
    (12, "fig4", lambda f: (f["method"] == "dynamics") & f["t"].between(3.6, 9), 0.2, CONTRADICTED),
    (13, "ledger", lambda f: f["point"].str.contains("sign0.9"), 0.2, CONTRADICTED),
    (14, "ledger", lambda f: f["point"].str.contains("unmasked") & (f["width"] == 64), 0.05, CONTRADICTED),
    (15, "fig4", lambda f: f["observable"] == "sigma_x", 0.3, CONTRADICTED),
    (12, "fig4", lambda f: (f["method"] == "dynamics") & (f["Jy"] == 1.0) & f["t"].between(3.6, 9), 0.2, UNDECIDED),
]
ALSO_MOVED = {4: {8}, 5: {6}, 6: {7}, 7: {6}, 12: {9}}
"""Further claims that rest on the very rows of a change."""


def is_sigma_z(frame: pd.DataFrame) -> pd.Series:
    return (frame["observable"] == "sigma_z") & (frame["method"] == "variational")


@pytest.mark.parametrize(("number", "table", "rows", "by", "expected"), CHANGES)
def test_a_changed_number_changes_its_verdict_and_no_other(
    results: Path, number: int, table: str, rows: Change, by: float, expected: str
) -> None:
    shift(results, table, rows, by)
    after = judge(results).set_index("number")["verdict"]
    assert after[number] == expected
    moved = set(after.index[after != REPRODUCED])
    assert moved - {number} <= ALSO_MOVED.get(number, set())


@pytest.mark.parametrize(("number", "table", "rows", "by", "expected"), [CHANGES[k] for k in (0, 1, 10, 15)])
def test_nothing_is_contradicted_at_settings_that_are_not_the_papers(
    results: Path, number: int, table: str, rows: Change, by: float, expected: str
) -> None:
    shift(results, table, rows, by)
    for path in results.glob("*.csv"):
        if "losses" not in path.name:
            frame = read_table(path)
            frame["n_samples"] = 300
            write_table(frame, path)
    row = judge(results).set_index("number").loc[number]
    assert row["verdict"] == (NOT_SEEN if expected == CONTRADICTED else expected)
    assert "paper: 12000" in row["settings"] and "the paper's N_s" in row["change"]


@pytest.mark.parametrize(("setting", "value"), [("tau", 0.08), ("n_sites", 8)])
def test_a_setting_that_is_not_the_papers_is_named(results: Path, setting: str, value: float) -> None:
    shift(results, "fig2", lambda f: (f["panel"] == "b") & (f["t"] == 2.5), 0.2)
    frame = read_table(results / "fig2.csv")
    frame.loc[frame["panel"] == "b", setting] = value
    write_table(frame, results / "fig2.csv")
    row = judge(results).set_index("number").loc[1]
    assert row["verdict"] == NOT_SEEN
    assert f"{ {'n_sites': 'N'}.get(setting, setting) } in Fig. 2b" in row["change"]


def test_iterations_are_compared_where_the_settings_are_there(results: Path) -> None:
    shift(results, "fig2", lambda f: (f["panel"] == "b") & (f["t"] == 2.5), 0.2)
    ids = sorted(set(read_table(results / "fig2.csv")["point_id"]))
    for iterations, expected in ((120, CONTRADICTED), (400, NOT_SEEN)):
        points = [{"point_id": each, "step_iterations": iterations} for each in ids]
        (results / "fig2.json").write_text(json.dumps({"points": points}))
        assert verdict(results, 1) == expected


def test_of_two_profiles_the_papers_decides(results: Path) -> None:
    frame = read_table(results / "fig2.csv")
    worse = frame.assign(profile="workstation", tau=0.08, mean=frame["mean"] + 0.5, point_id="w" + frame["point_id"])
    write_table(pd.concat([worse, frame.assign(profile="paper")]), results / "fig2.csv")
    assert verdict(results, 1) == REPRODUCED


def test_two_ways_are_compared_at_equal_settings_alone(results: Path) -> None:
    """A slow second stage at other steps, without its partner, is no part of claim 9; partners beside the table are."""
    frame = read_table(results / "fig4.csv")
    started = (frame["method"] == "variational+dynamics") & (frame["Jy"] == 1.0)
    slow = frame[started].assign(profile="paper", tau=0.004, point_id="slow", seconds=frame["seconds"] + 1000)
    longer = frame[started].assign(profile="workstation")
    plain = frame[(frame["method"] == "dynamics") & (frame["Jy"] == 1.0)].assign(profile="workstation")
    rest = frame[~started & ~((frame["method"] == "dynamics") & (frame["Jy"] == 1.0))]
    write_table(pd.concat([rest, slow, plain]), results / "fig4.csv")
    write_table(longer, results / "fig4_others.csv")
    row = judge(results).set_index("number").loc[9]
    assert row["verdict"] == REPRODUCED and "0.004" not in row["settings"]
    (results / "fig4_others.csv").unlink()
    assert "J_y = 1:" not in judge(results).set_index("number").loc[9, "ours"]


def test_unphysical_states_are_left_out(results: Path) -> None:
    frame = read_table(results / "fig4.csv")
    rows = frame["point"] == "var-(2, 64)-1.0"
    frame.loc[rows & (frame["observable"] == "sigma_z"), "mean"] = 3.0
    write_table(frame, results / "fig4.csv")
    row = judge(results).set_index("number").loc[4]
    assert row["verdict"] == REPRODUCED and "1 unphysical left out" in row["reason"]


@pytest.mark.parametrize(
    ("value", "error", "above", "side"),
    [
        (1.0, 0.1, True, 1), (1.0, 0.6, True, 0), (-1.0, 0.1, True, -1),
        (0.4, 0.04, False, 1), (0.45, 0.04, False, 0), (0.6, 0.04, False, -1),
        (0.2, math.inf, False, 1), (0.3, math.inf, False, 0), (0.9, math.inf, False, 0), (1.1, math.inf, False, -1),
    ],
)  # fmt: skip
def test_an_effect_is_on_a_side_with_its_whole_interval(value: float, error: float, above: bool, side: int) -> None:
    """Two errors either way, or a factor of two where a single run has none; bounds 0 and 0.5."""
    assert Effect("x", value, 0.0 if above else 0.5, error, above).side == side


def test_every_claim_has_a_change() -> None:
    assert {number for number, *_ in CHANGES} == {claim.number for claim in CLAIMS}


def test_a_slow_second_stage_saves_no_time(results: Path) -> None:
    frame = read_table(results / "fig4.csv")
    frame.loc[frame["method"] == "variational+dynamics", "seconds"] += 100
    write_table(frame, results / "fig4.csv")
    assert verdict(results, 9) == CONTRADICTED


def test_a_state_that_stops_moving_is_a_fixed_point(results: Path) -> None:
    frame = read_table(results / "fig4.csv")
    frame.loc[(frame["method"] == "dynamics") & (frame["t"] > 3), "mean"] = -0.25
    write_table(frame, results / "fig4.csv")
    assert verdict(results, 12) == CONTRADICTED


def test_a_rising_loss_has_not_converged(results: Path) -> None:
    path = results / "figS2_losses.csv"
    losses = pd.read_csv(path)
    losses.loc[(losses["panel"] == "b") & (losses["iteration"] > 400), "loss"] *= 1.2
    losses.to_csv(path, index=False)
    assert verdict(results, 10) == CONTRADICTED


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
    assert "15 reproduced." in text
    assert all(f"**{word}**: {meaning}" in text for word, meaning in VERDICTS.items())
    assert summary(ledger) in text


def test_a_damaged_table_is_one_line(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "fig4.csv").write_text("nonsense\n")
    assert main.main(["claims", "--results", str(results), "--out", str(results / "C.md")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (results / "claims.csv").exists() and not (results / "C.md").exists()

"""The words of the ledger say what its numbers say."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from repro.claims.claim import Claim, Finding
from repro.claims.effect import CONTRADICTED, NOT_SEEN, OPEN, REPRODUCED, Effect
from repro.claims.ledger import HEAD, judge
from repro.claims.tables import Tables
from repro.utils.result_table import read_table, tidy, write_table
from tests.helpers import claim_tables
from tests.helpers.paths import ROOT


def row(tmp_path: Path, *effects: Effect, **settings: object) -> dict[str, object]:
    """Of a claim with such effects, of one search of Fig. 4."""
    rows = tidy([claim_tables.steady(0.0, figure="fig4", point="p", **settings)])
    claim = Claim(1, "", "", "", "", lambda tables: Finding(effects, "", rows))
    return claim.row(Tables(tmp_path))


# (value, whether more than the bound 0.5 is asked, verdict, what would change it)
CHANGES = [
    (0.9, True, REPRODUCED, "length at most 0.5"),
    (0.1, False, REPRODUCED, "length above 0.5"),
    (0.1, True, CONTRADICTED, "length above 0.5"),
    (0.9, False, CONTRADICTED, "length at most 0.5"),
]


@pytest.mark.parametrize(("value", "above", "word", "change"), CHANGES)
def test_a_verdict_changes_where_the_number_is_on_the_other_side(
    tmp_path: Path, value: float, above: bool, word: str, change: str
) -> None:
    told = row(tmp_path, Effect("length", value, 0.5, 0.01, above))
    assert (told["verdict"], told["change"]) == (word, change)
    elsewhere = row(tmp_path, Effect("length", value, 0.5, 0.01, above), n_samples=300)
    paper = "the paper's N_s in Fig. 4, searches"
    assert elsewhere["change"] == (f"{change}; or {paper}" if word == REPRODUCED else paper)
    assert elsewhere["verdict"] == (word if word == REPRODUCED else NOT_SEEN)


def test_a_contradicted_claim_changes_where_every_failing_effect_does(tmp_path: Path) -> None:
    failing = [Effect(f"length {k}", 0.9, 0.5, 0.01) for k in range(5)]
    told = row(tmp_path, Effect("fine", 0.1, 0.5, 0.01), *failing)
    assert told["change"] == "length 0 at most 0.5; length 1 at most 0.5; length 2 at most 0.5; and 2 more"


def test_runs_that_are_needed_follow_from_runs_that_there_are(tmp_path: Path) -> None:
    """Of three seeds the rises are 0, 0 and 0.33: mean and error are 0.11. The gain from 1 to 8 strings is 0.15 of
    each, so that the mean is 0.035 beyond half of it: 3 (2 * 0.11 / 0.035)^2 = 118.5 runs."""
    claim_tables.write(tmp_path)
    frame = read_table(tmp_path / "ledger.csv")
    of = (frame["panel"] == "seeds") & (frame["layers"] == 1) & (frame["width"] == 32)
    off = {"1s": (0.2, 0.2, 0.2), "2s": (0.2, 0.2, 0.53), "4s": (0.1, 0.1, 0.1), "8s": (0.05, 0.05, 0.05)}
    for strings, values in off.items():
        for seed, value in enumerate(values):
            frame.loc[of & (frame["strings"] == strings) & (frame["seed"] == seed), "mean"] = claim_tables.EXACT + value
    write_table(frame, tmp_path / "ledger.csv")
    told = judge(tmp_path).set_index("number").loc[6]
    assert "about 119 runs in place of 3 for rise from 1 to 2 strings" in told["change"]


def test_curves_keep_means_that_no_state_has(tmp_path: Path) -> None:
    """Which the page says of steady states alone."""
    claim_tables.write(tmp_path)
    frame = read_table(tmp_path / "fig2.csv")
    frame.loc[(frame["panel"] == "b") & (frame["Jy"] == 1.8) & (frame["t"] == 2.5), "mean"] = 2.0
    write_table(frame, tmp_path / "fig2.csv")
    assert judge(tmp_path).set_index("number").loc[1, "verdict"] == CONTRADICTED
    assert "Steady states with means that no state has are left out." in " ".join(HEAD.split())


def test_steady_states_that_no_state_has_are_left_out_of_the_sampling_comparison(tmp_path: Path) -> None:
    claim_tables.write(tmp_path)
    frame = read_table(tmp_path / "ledger.csv")
    frame.loc[frame["point"] == "var-2x64-0s-Jy1.8-unmasked-seed0", "mean"] = 2.0
    write_table(frame, tmp_path / "ledger.csv")
    told = judge(tmp_path).set_index("number").loc[14]
    assert told["verdict"] == OPEN and "2 of at least 3" in told["reason"]


def test_the_first_page_has_the_verdicts_of_the_tables() -> None:
    page = (ROOT / "README.md").read_text().split("## What was reproduced")[1].split("\n## ")[0]
    rows = [line[1:-1].split("|") for line in page.splitlines() if line.startswith("| ")][1:]
    verdicts = pd.read_csv(ROOT / "results" / "claims.csv")["verdict"]
    assert [row[-1].split("(")[0].strip() for row in rows] == list(verdicts)

"""Claims paired over couplings: one pair has no error, and a factor of two about it never holds 0."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from repro.claims.catalogue import CLAIMS
from repro.claims.effect import OPEN, REPRODUCED
from repro.claims.tables import Tables
from repro.utils.result_table import read_table, write_table
from tests.helpers import claim_tables


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The tables of Fig. 4 and of seeds alone."""
    write_table(pd.DataFrame(claim_tables.fig4()), tmp_path / "fig4.csv")
    write_table(pd.DataFrame(claim_tables.ledger()), tmp_path / "ledger.csv")
    return tmp_path


def row(results: Path, number: int) -> dict[str, object]:
    return CLAIMS[number - 1].row(Tables(results))


@pytest.mark.parametrize(("size", "couplings"), [("(2, 64)", 1), ("(2, 64)", 2), ("(1, 64)", 1), ("(2, 32)", 0)])
def test_a_gain_needs_two_couplings_with_physical_states(results: Path, size: str, couplings: int) -> None:
    """The other couplings of a size have states whose means no state has."""
    frame = read_table(results / "fig4.csv")
    of_size = frame["point"].str.startswith(f"var-{size}") & (frame["observable"] == "sigma_z")
    frame.loc[of_size & (frame["Jy"] > (0.9, 1.0, 1.2)[couplings]), "mean"] = 3.0
    write_table(frame, results / "fig4.csv")
    told = row(results, 4)
    assert told["verdict"] == (REPRODUCED if couplings == 2 else OPEN)
    assert couplings == 2 or "two couplings at least" in str(told["reason"])


@pytest.mark.parametrize("couplings", [0, 1, 2])
def test_saved_time_needs_two_couplings_evolved_both_ways(results: Path, couplings: int) -> None:
    frame = read_table(results / "fig4.csv")
    kept = (frame["method"] != "variational+dynamics") | (frame["Jy"] <= (0.9, 1.0, 1.4)[couplings])
    write_table(frame[kept], results / "fig4.csv")
    told = row(results, 9)
    assert told["verdict"] == (REPRODUCED if couplings == 2 else OPEN)
    assert couplings == 2 or "two couplings at least" in str(told["reason"])

"""Write the ledger: results/claims.csv for programs, CLAIMS.md for people."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from repro.claims.catalogue import CLAIMS
from repro.claims.claim import NOT_REPRODUCED, OPEN, REPRODUCED
from repro.claims.tables import Tables
from repro.utils.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("number", "claim", "where", "test", "paper", "exact", "ours", "error", "verdict", "reason")
HEAD = """# What was reproduced

Written by `repro claims` from the tables in `results/`; nothing here is decided by hand. "Deviation" is the distance of
a site average from exact. Tests and thresholds are in `repro/claims/`.

"""


def judge(results: Path) -> pd.DataFrame:
    """One row per claim with the columns `COLUMNS`, from a folder of tables."""
    import pandas as pd

    tables = Tables(results)
    return pd.DataFrame([claim.row(tables) for claim in CLAIMS], columns=[*COLUMNS])


def write_ledger(results: Path, markdown: Path) -> pd.DataFrame:
    """Write `claims.csv` into the results folder and the Markdown page; returns the ledger.

    Raises:
        InputError: a damaged table, or a file that cannot be written.
    """
    ledger = judge(results)
    write_atomic(results / "claims.csv", ledger.to_csv(index=False))
    page = HEAD + summary(ledger) + "\n\n" + "\n".join(_section(row) for row in _dicts(ledger))
    write_atomic(markdown, re.sub(r"<(sigma_\w)>", r"⟨\1⟩", page))  # no HTML tag
    return ledger


def summary(ledger: pd.DataFrame) -> str:
    """Counts of the verdicts in a sentence, the paper's own claims and what is beside them apart."""
    count = Counter(ledger["verdict"])
    told = ", ".join(f"{count[verdict]} {verdict}" for verdict in (REPRODUCED, NOT_REPRODUCED, OPEN))
    return f"Of {len(ledger)} statements ({len(ledger) - 1} of the paper, one about its public code): {told}."


def _dicts(ledger: pd.DataFrame) -> list[dict[str, str]]:
    return [{str(key): str(value) for key, value in row.items()} for row in ledger.fillna("").to_dict("records")]


def _section(row: dict[str, str]) -> str:
    lines = [
        f"## {row['number']}. {row['claim']}",
        "",
        f"**{row['verdict']}**: {row['reason']}",
        "",
        f"- where: {row['where']}; the paper: {row['paper']}",
        f"- test: {row['test']}",
    ]
    lines += [f"- {name}: {row[name]}" for name in ("exact", "ours", "error") if row[name]]
    return "\n".join(lines) + "\n"

"""Write the ledger: results/claims.csv for programs, CLAIMS.md for people."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from repro.claims.catalogue import CLAIMS
from repro.claims.effect import VERDICTS
from repro.claims.tables import Tables
from repro.utils.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("number", "claim", "where", "test", "paper", "effects", "ours", "settings", "verdict", "reason", "change")
HEAD = """# What was reproduced

Written by `repro claims` from the tables in `results/`; nothing here is decided by hand. "Deviation" is the distance of
a site average from exact. An effect is told with its interval: two standard errors either way or, where there is one
run alone, a factor of two. Steady states with means that no state has are left out. Tests and bounds are in
`repro/claims/`.

"""
TOLD = {"effects": "effects", "ours": "ours", "settings": "settings", "change": "what would change the verdict"}
BESIDE = 2
"""Statements that are not the paper's."""


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
    page = HEAD + summary(ledger) + "\n\n" + _scale() + "\n".join(_section(row) for row in _dicts(ledger))
    write_atomic(markdown, re.sub(r"<(sigma_\w)>", r"⟨\1⟩", page))  # no HTML tag
    return ledger


def summary(ledger: pd.DataFrame) -> str:
    """Counts of the verdicts in a sentence, the paper's own claims and what is beside them apart."""
    count = Counter(ledger["verdict"])
    told = ", ".join(f"{count[verdict]} {verdict}" for verdict in VERDICTS if count[verdict])
    return f"Of {len(ledger)} statements ({len(ledger) - BESIDE} of the paper, {BESIDE} beside it): {told}."


def _scale() -> str:
    """What the verdicts mean."""
    return "".join(f"- **{word}**: {meaning}\n" for word, meaning in VERDICTS.items()) + "\n"


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
    lines += [f"- {name}: {row[column]}" for column, name in TOLD.items() if row[column]]
    return "\n".join(lines) + "\n"

"""Whether two tables of results hold the same numbers."""

from __future__ import annotations

import pandas as pd

from repro.utils.result_table import COLUMNS, tidy

NUMBERS = tuple(name for name in COLUMNS if name not in {"seconds", "commit", "device", "physical"})
"""The columns that a killed and resumed run must give exactly as an unbroken one does; `physical` follows from them."""
KEY = ["figure", "panel", "point", "point_id", "t", "observable"]


def same_numbers(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    """Whether two tables agree bit for bit on `NUMBERS`, whatever the order of their rows."""
    first, second = (
        tidy(table)[list(NUMBERS)].sort_values(KEY, kind="stable", ignore_index=True) for table in (left, right)
    )
    return bool(first.equals(second))

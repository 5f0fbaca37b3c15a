"""Evolutions of the ledger that are a figure's but for the seed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from repro.claims.tables import Tables, together
from repro.utils.bounds import NO

if TYPE_CHECKING:
    import pandas as pd

PANELS = ("2a", "2b", "S4", "seeds")
"""Of the ledger, those whose evolutions differ from a figure's in nothing but the seed and the last time."""
PROBLEM = ["lattice", "model", "Jx", "Jy", "Jz", "B", "V", "g", "gamma", "povm"]
RUN = ["method", "layers", "width", "strings", "tau", "n_samples", "observable"]


def with_seeds(tables: Tables, rows: pd.DataFrame) -> pd.DataFrame:
    """A figure's rows with those of the ledger's runs at the same settings and another seed, as far in time as theirs.

    A run that ends before them is left out, and of one seed one run counts.

    Args:
        rows: rows of evolutions at finite times, or of their steady states with a column `off`.
    """
    if not tables.has("ledger"):
        return rows
    same = PROBLEM + RUN
    ends = rows.groupby(same, dropna=False)["t"].max().rename("end").reset_index()
    every = tables.every("ledger")
    found = every[every["panel"].isin(PANELS)].sort_values("t", kind="stable").merge(ends, on=same)
    found = found[(found["t"] <= found["end"] * (1 + 1e-9)) & (found["t"].eq(math.inf) == found["end"].eq(math.inf))]
    reached = found.groupby(["point_id", "observable"])["t"].transform("max")
    found = found[reached >= found["end"] * (1 - 1e-9)]
    found = found[found["point_id"].eq(found.groupby([*same, "seed"], dropna=False)["point_id"].transform("first"))]
    known = rows[[*same, "seed"]].drop_duplicates()
    other = found.merge(known, on=[*same, "seed"], how="left", indicator="also")["also"].eq("left_only")
    found = found[other.to_numpy()].drop(columns="end")
    if "off" in rows:
        found = found[found["physical"] != NO]
        found = found.assign(off=(found["mean"] - found["exact"]).abs())
    return together([rows, found]) if len(found) else rows

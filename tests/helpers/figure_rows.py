"""Tables for the tests of the drawings."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import figures
from repro.utils.result_table import tidy
from tests.helpers import claim_tables

REFERENCE = pd.DataFrame(
    {"Jy": 1.8, "g": g, "observable": name, "mean": 0.3, "error": 0.004}
    for g in (0.0, 2.0, 4.8)
    for name in ("sigma_x", "sigma_y", "sigma_z")
)
EXTRA = {"rbm": tidy(claim_tables.fig3_rbm()), "losses": claim_tables.losses()}


def table(name: str) -> pd.DataFrame:
    made = tidy(claim_tables.TABLES[name]())
    return made.assign(point_id=made["panel"] + made["point"])


def short_ring(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a larger ring beside Fig. 2's: sampled, to t = 0.35, without exact values."""
    start = rows[(rows["panel"] == "a") & (rows["t"] < 0.4)]
    return start.assign(n_sites=40, point_id="large", point="N40", exact=np.nan, mean=0.5, error=0.02)


def draw(
    name: str, rows: pd.DataFrame, extra: dict[str, pd.DataFrame] | None = None, reference: pd.DataFrame = REFERENCE
) -> Figure:
    (drawing,) = figures.registry()[name].figures(rows, reference, "workstation", extra or {}).values()
    return drawing

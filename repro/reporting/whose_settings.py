"""Whose settings the rows of a figure have: the paper's or others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.utils.paths import experiments

if TYPE_CHECKING:
    import pandas as pd

PAPER = "paper"
PAPERS = "paper's"
LONGER, OTHERS = "longer steps", "other settings"
BEYOND = "not in the paper"


def whose_settings(figure: str, table: pd.DataFrame) -> str:
    """ "paper's", "paper's for 3 of 9 points", "longer steps" or "other settings"; "not in the paper" of what is not.

    Args:
        figure: its name.
        table: its rows. A point counts that is the very computation which the profile `paper` lists, to the same time.
    """
    if not figure.startswith("fig"):
        return BEYOND
    listed = experiments().load(figure).points(PAPER)
    found = set(zip(table["panel"], table["point_id"], strict=True))
    n_found = sum((point.panel, point.point_id) in found for point in listed)
    if n_found:
        return PAPERS + ("" if n_found == len(listed) else f" for {n_found} of {len(listed)} points")
    steps = [point.settings["tau"] for point in listed if "tau" in point.settings]
    return LONGER if steps and table["tau"].min() > max(steps) else OTHERS

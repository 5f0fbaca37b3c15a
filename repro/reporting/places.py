"""Where a figure shows a computation now: its panels and labels, and the best profile that has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from repro.config.listed import BEST_FIRST, Listed, rank
from repro.reporting.result_sets import PointName, ResultSet

if TYPE_CHECKING:
    import pandas as pd


class Place(NamedTuple):
    """A point of a figure as it is listed now."""

    panel: str
    label: str
    point_id: str
    profile: str


def places(points: Sequence[Listed]) -> list[Place]:
    """Every point under the best profile that has its settings.

    Where the paper's profile has what the next one has, the figure is not in the paper, and its points keep the profile
    that they were computed as.

    Args:
        points: of every profile.
    """
    paper, second = ({p.point_id for p in points if p.profile == profile} for profile in BEST_FIRST[:2])
    asked = points if paper != second else [p for p in points if p.profile != BEST_FIRST[0]]
    best = {p.point_id: p.profile for p in sorted(asked, key=lambda p: rank(p.profile), reverse=True)}
    return [Place(p.panel, p.label, p.point_id, best[p.point_id]) for p in points]


def everywhere(found: ResultSet, listed: Sequence[Place]) -> list[ResultSet]:
    """Points of one source, and again those of them that the figure also shows under another name; all under the best
    profile that has their settings: the same was computed, whatever it was asked for as."""
    first = _under_best_profile(found, listed)
    named = {settings["point_id"]: name for name, settings in first.settings.items()}
    also = {(place.panel, place.label): named[place.point_id] for place in listed if place.point_id in named}
    also = {name: known for name, known in also.items() if name != known}
    settings = {name: {**first.settings[known], "panel": name[0], "label": name[1]} for name, known in also.items()}
    losses = None if first.losses is None else _renamed(first.losses, also)
    return [first, replace(first, settings=settings, table=_renamed(first.table, also), losses=losses)]


def _under_best_profile(found: ResultSet, listed: Sequence[Place]) -> ResultSet:
    profiles = {place.point_id: place.profile for place in listed}

    def best(point_id: str, profile: str) -> str:
        return min(profile, profiles.get(point_id, profile), key=rank)

    settings = {name: {**p, "profile": best(p["point_id"], p["profile"])} for name, p in found.settings.items()}
    table = found.table
    return replace(
        found, settings=settings, table=table.assign(profile=[*map(best, table["point_id"], table["profile"])])
    )


def _renamed(rows: pd.DataFrame, also: dict[PointName, PointName]) -> pd.DataFrame:
    """Rows of points under their other names alone."""
    import pandas as pd

    panels = rows["panel"].fillna("")
    parts = [
        rows[(panels == known[0]) & (rows["point"] == known[1])].assign(panel=name[0], point=name[1])
        for name, known in also.items()
    ]
    return pd.concat(parts, ignore_index=True) if parts else rows.iloc[:0]

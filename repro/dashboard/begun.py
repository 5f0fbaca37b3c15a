"""Which points a folder of runs holds, and which points of their figures are still to come.

A point's events say what it was started for. Folders from before they did are looked up in the figures' lists.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from repro.config.listed import PROFILES, Listed, listed_of
from repro.config.point import Point
from repro.running import events
from repro.running.folders import DONE, PROGRESS
from repro.running.status import facts
from repro.utils.errors import InputError
from repro.utils.paths import experiments

STARTS = ("started", "resumed")
LABELS = ("label", "figure", "panel", "profile")


@dataclass(frozen=True)
class Begun:
    """A point of a folder.

    Attributes:
        point_id: its id, the name of its folder.
        label, figure, panel, profile: how it is called and where it is shown; a user's problem is its own figure.
        settings: its settings by name, where they are known.
        time_unit: times are divided by it where they are shown, rates multiplied: a user's problem is computed in its
            natural unit.
    """

    point_id: str
    label: str
    figure: str = ""
    panel: str = ""
    profile: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    time_unit: float = 1.0

    @cached_property
    def point(self) -> Point | None:
        """What is computed; None where its settings are not known, or are those of another version of the code."""
        with contextlib.suppress(InputError, TypeError, KeyError):
            point = listed_of(**self.settings).point if self.settings else None
            return point if point is not None and point.point_id == self.point_id else None
        return None


class Points:
    """The points of a folder of runs, read again only where a point was started since.

    Args:
        runs: the folder.
    """

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._known: dict[str, tuple[object, str, Begun]] = {}
        self._listed: dict[tuple[str, str], Sequence[Listed]] = {}
        self._by_id: dict[str, Listed] | None = None

    def begun(self) -> list[Begun]:
        """Every point that has a folder, the one begun first in front."""
        found = []
        with contextlib.suppress(OSError):
            folders = [path for path in (self.runs / "points").iterdir() if path.is_dir()]
            found = [self._read(folder) for folder in folders]
        return [point for _, point in sorted(found, key=lambda each: (each[0], each[1].point_id))]

    def to_come(self, begun: Sequence[Begun]) -> list[Begun]:
        """Points of the same figures and profiles that have no folder yet."""
        there = {point.point_id for point in begun}
        listed = (listed for pair in _pairs(begun) for listed in self._points(*pair))
        return [
            _of_list(point)
            for point in {point.point_id: point for point in listed}.values()
            if point.point_id not in there
        ]

    def figures(self, begun: Sequence[Begun]) -> dict[str, list[str]]:
        """Which of the figures that were begun show a point, by its id: a point of one figure may be another's too."""
        shown: dict[str, list[str]] = {point.point_id: [point.figure] for point in begun}
        for figure, profile in _pairs(begun):
            for listed in self._points(figure, profile):
                if figure not in shown.setdefault(listed.point_id, []):
                    shown[listed.point_id].append(figure)
        return shown

    def _read(self, folder: Path) -> tuple[str, Begun]:
        """When a point was first started, empty where no event says so, and what it is."""
        signature = written(folder / events.EVENTS)
        known = self._known.get(folder.name)
        if known is None or known[0] != signature:
            happened = events.read(folder)
            since = str(next(iter(happened), {}).get("time", ""))
            known = self._known[folder.name] = (signature, since, self._identify(folder, happened))
        return known[1:]

    def _identify(self, folder: Path, happened: Sequence[Mapping[str, Any]]) -> Begun:
        for event in reversed(happened):
            if event.get("event") in STARTS and "figure" in event:
                label, figure, panel, profile = (str(event.get(name, "")) for name in LABELS)
                settings = event.get("settings")
                if not isinstance(settings, dict):  # of a user's problem, which has no profiles
                    unit = event.get("time_unit")
                    known = isinstance(unit, int | float) and 0 < unit < math.inf
                    return Begun(folder.name, label, figure, panel, time_unit=float(unit) if known else 1.0)
                return Begun(folder.name, label, figure, panel, profile, settings)
        if folder.name in self._catalogue():
            return _of_list(self._catalogue()[folder.name])
        unnamed = Begun(folder.name, folder.name)
        settings = facts(unnamed, self.runs, DONE).get("point")
        labels = [facts(unnamed, self.runs, name).get("label") for name in (PROGRESS, events.FAILED)]
        label = next((str(label) for label in labels if label), folder.name)
        return Begun(folder.name, label, settings=settings if isinstance(settings, dict) else {})

    def _points(self, figure: str, profile: str) -> Sequence[Listed]:
        if (figure, profile) not in self._listed:
            found: Sequence[Listed] = ()
            with contextlib.suppress(InputError):
                found = experiments().load(figure).points(profile)
            self._listed[figure, profile] = found
        return self._listed[figure, profile]

    def _catalogue(self) -> Mapping[str, Listed]:
        """Every figure's points by id, the smallest profile first; made once, and only if it is needed (seconds)."""
        if self._by_id is None:
            self._by_id = {}
            with contextlib.suppress(InputError):
                pairs = [(figure, profile) for profile in PROFILES for figure in experiments().names()]
                for listed in (listed for pair in pairs for listed in self._points(*pair)):
                    self._by_id.setdefault(listed.point_id, listed)
        return self._by_id


def _pairs(begun: Sequence[Begun]) -> list[tuple[str, str]]:
    """Every figure and profile that was begun."""
    return list(dict.fromkeys((point.figure, point.profile) for point in begun if point.figure))


def _of_list(listed: Listed) -> Begun:
    return Begun(listed.point_id, listed.label, listed.figure, listed.panel, listed.profile, listed.settings)


def written(path: Path) -> tuple[int, int]:
    """When a file was last written, and its size: it is read again only when they have changed. Zeros without it."""
    with contextlib.suppress(OSError):
        known = path.stat()
        return known.st_mtime_ns, known.st_size
    return 0, 0

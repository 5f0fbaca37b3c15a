"""`repro list`: the figures, or one figure's points. Fields are options; docstrings are their help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from repro.cli.command import DEFAULT_RUNS
from repro.cli.selection import Overrides, select_points
from repro.config.listed import Listed, profile_of
from repro.utils.files import check_folder
from repro.utils.paths import experiments


@dataclass
class List:
    """Show the figures, or one figure's points."""

    figure: tyro.conf.Positional[str] = ""
    """a figure; without one, all figures"""
    profile: str = "quick"
    """smoke, quick, workstation or paper"""
    runs: Path = DEFAULT_RUNS
    """folder of computed points"""

    def run(self) -> int:
        """Print them."""
        profile = profile_of(self.profile)
        check_folder(self.runs)
        if not self.figure:
            for name in experiments().names():
                print(f"{name:8s} {(experiments().load(name).__doc__ or '').splitlines()[0]}")
            return 0
        return show({self.figure: select_points(self.figure, profile, (), Overrides())}, self.runs)


def show(chosen: Mapping[str, Sequence[Listed]], runs: Path) -> int:
    """Print the points of figures; returns the exit code."""
    from repro.running.folders import finished

    points = [point for of_figure in chosen.values() for point in of_figure]
    if not points:
        print(f"{', '.join(chosen)} has no points: it is drawn without computing")
    for point in points:
        state = "finished" if finished(runs, point) else "open"
        print(f"{point.panel:2s} {point.label:28s} {point.point_id}  {state}")
    return 0

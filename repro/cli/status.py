"""`repro status`: how far every point is. Fields are options; docstrings are their help."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tyro
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from repro.cli.command import DEFAULT_RUNS
from repro.cli.selection import Overrides, select_of_figures
from repro.config.listed import Listed, profile_of
from repro.running.status import STATES, State, states
from repro.utils.errors import InputError
from repro.utils.files import check_folder
from repro.utils.formatting import duration
from repro.utils.paths import experiments

LONGEST_WAIT = 24 * 3600
"""Seconds between two looks."""
COLOURS = {"done": "green", "running": "cyan", "queued": "blue", "failed": "red", "stopped": "yellow", "open": "dim"}


def summary(name: str, of_figure: Sequence[State]) -> str:
    """One line: how many points are in each state, and the longest time left of those that run."""
    counts = Counter(state.state for state in of_figure)
    counted = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state]) or "no points"
    left = [state.left for state in of_figure if state.state == "running" and not math.isnan(state.left)]
    rest = f"; those that run need {duration(max(left))} more" if left else ""
    return f"{name}: {len(of_figure)} points: {counted}{rest}"


def table(of_figure: Sequence[State]) -> Table:
    """One row for each point."""
    shown = Table(box=None, pad_edge=False)
    for column in ("panel", "point", "id", "state", "progress", "spent", "left", "where", "reason"):
        shown.add_column(column, overflow="fold", no_wrap=column != "reason")
    for state in of_figure:
        progress = f"{state.done}/{state.total}" if state.total else ""
        left = duration(state.left) if state.state not in ("done", "failed") else ""
        shown.add_row(
            *(state.point.panel, state.point.label, state.point.point_id),
            Text(state.state, style=COLOURS[state.state]),
            *(progress, duration(state.spent), left, Text(state.where), Text(state.reason)),
        )
    return shown


@dataclass
class Status:
    """How far every point of a figure is: queued, running, done, failed, stopped or open.

    Reads files alone, so it works on any machine that sees the folder; SLURM's queue is read too where there is
    one. "stopped" points continue where they were when their figure is run again.
    """

    figure: tyro.conf.Positional[str] = ""
    """which figure; without one, a line for each figure that has been begun"""
    profile: str = "quick"
    """smoke, quick, workstation or paper"""
    only: tuple[str, ...] = ()
    """names, ids or panels of the points wanted, as for `repro run`"""
    runs: Path = DEFAULT_RUNS
    """folder of computed points"""
    watch: float = 0.0
    """seconds after which to look again, until Ctrl-C; 0 looks once"""
    change: tyro.conf.OmitArgPrefixes[Overrides] = field(default_factory=Overrides)  # type: ignore[valid-type]
    """settings that `repro run` was given"""

    def run(self) -> int:
        """Look and print."""
        if not 0 <= self.watch <= LONGEST_WAIT:
            raise InputError(f"watch = {self.watch}: expected a number of seconds from 0 to {LONGEST_WAIT}")
        check_folder(self.runs)
        self.profile = profile_of(self.profile)
        figures = (self.figure,) if self.figure else experiments().names()
        chosen = select_of_figures(figures, self.profile, self.only, self.change)
        console = Console(width=None if Console().is_terminal else 200)
        if not self.watch:
            console.print(self._shown(chosen))
            return 0
        with Live(self._shown(chosen), console=console, auto_refresh=False, screen=console.is_terminal) as live:
            while True:
                time.sleep(self.watch)
                live.update(self._shown(chosen), refresh=True)

    def _shown(self, chosen: Mapping[str, Sequence[Listed]]) -> Group:
        by_figure = {name: states(points, self.runs) for name, points in chosen.items() if points}
        if not self.figure:
            begun = {name: of for name, of in by_figure.items() if any(state.state != "open" for state in of)}
            lines = [summary(f"{name} ({self.profile})", of) for name, of in begun.items()]
            return Group(*(Text(line) for line in lines or [f"nothing of {self.profile} has been begun"]))
        of_figure = by_figure.get(self.figure, [])
        return Group(table(of_figure), Text(), Text(summary(f"{self.figure} ({self.profile})", of_figure)))

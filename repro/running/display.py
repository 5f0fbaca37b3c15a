"""Progress of running points, read from their status files: bars on a terminal, a line a minute elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from repro.config.estimator import Enumeration
from repro.config.listed import Listed
from repro.running.folders import PROGRESS, RunSettings, point_folder
from repro.utils.formatting import duration

QUIET_SECONDS = 60.0
"""Off a terminal a line says after so long a silence how far everything is."""
MOST_NAMED = 3
MOST_SITES = 100
"""Of a lattice that is enumerated, by far: beyond, 4^N would leave the range of numbers."""
OF_BOND = 4.5
"""Entries of L of a draw that change both ends of a bond: half of the nine that there can be."""


def cost(listed: Listed) -> float:
    """Relative work of a point: iterations times network evaluations times network size.

    The order of points and the share of each in the time left depend on it.
    """
    point, ansatz, n_sites = listed.point, listed.point.ansatz, listed.point.lattice.n_sites
    nodes = 4.0 ** min(n_sites, MOST_SITES) / 3
    if not isinstance(point.estimator, Enumeration):
        # of a draw: itself, what differs from it on one site, and on two that are neighbours
        neighbours = 1 + 3 * n_sites + OF_BOND * len(point.lattice.bonds)
        nodes = min(nodes, point.estimator.draws * neighbours * n_sites / 2)
    return point.method.total_iterations * (1 + (ansatz.layers - 1) * ansatz.width / 4) * nodes


class Display:
    """Progress of running points: bars on a terminal, a line per finished point and a line a minute elsewhere."""

    def __init__(self, points: Sequence[Listed], settings: RunSettings, console: Console) -> None:
        self.points, self.settings, self.console = points, settings, console
        self.started = self.said = time.monotonic()
        self.earlier = {point.point_id: self._text(point) for point in points}
        self.work_left = {point.point_id: cost(point) * (1 - self._done_before(point)) for point in points}
        self.work = sum(self.work_left.values())
        self.finished = 0
        self.waited: set[str] = set()
        self.tasks: dict[str, TaskID] = {}
        self.now: dict[str, str] = {}
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[now]}"),
        )
        self.bars = Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal)
        self.total = self.bars.add_task("all points", total=self.work, now="")

    def __enter__(self) -> Display:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def refresh(self) -> None:
        """Read every running point's status."""
        for point in self.points:
            if point.point_id in self.work_left and (status := self._status(point)):
                key = point.point_id
                if key not in self.tasks:
                    self.tasks[key] = self.bars.add_task(point.full_name, total=status["total"], now="")
                self.work_left[key] = cost(point) * (1 - status["done"] / status["total"])
                now = _now(status, self.settings.time_unit)
                self.now[key] = f"{point.full_name} {now}"
                self.bars.update(self.tasks[key], completed=status["done"], now=now)
        done = self.work - sum(self.work_left.values())
        self.bars.update(self.total, completed=done, now=self._time_left(done))
        if not self.console.is_terminal and time.monotonic() - self.said >= QUIET_SECONDS:
            self._say(f"{self.finished} of {len(self.points)} points done; {self._running()}; {self._expected(done)}")

    def finish(self, point: Listed, reason: str) -> None:
        """Print the line of a point that has ended, well or not."""
        self.finished += 1
        self.work_left.pop(point.point_id, None)
        self.now.pop(point.point_id, None)
        if point.point_id in self.tasks:
            self.bars.remove_task(self.tasks.pop(point.point_id))
        status = self._status(point)
        outcome = f"FAILED: {reason}" if reason else (_now(status, self.settings.time_unit) if status else "")
        done = self.work - sum(self.work_left.values())
        self._say(f"[{self.finished}/{len(self.points)}] {point.full_name}  {outcome}  {self._time_left(done)}")

    def waits(self, reasons: dict[str, str]) -> None:
        """Say, once for each point, why nothing is done but to wait for it."""
        for label, reason in reasons.items():
            if label not in self.waited:
                self.waited.add(label)
                self._say(f"waiting for {label}: {reason}")

    def _say(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)
        self.said = time.monotonic()

    def _running(self) -> str:
        if not self.now:
            return "none of those that run has ended its first step"
        named = list(self.now.values())
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        return f"running: {', '.join(named[:MOST_NAMED])}{more}"

    def _expected(self, done: float) -> str:
        return self._time_left(done) or "time left not known yet"

    def _status(self, point: Listed) -> dict[str, float] | None:
        text = self._text(point)
        try:
            return json.loads(text) if text != self.earlier[point.point_id] else None
        except ValueError:
            return None

    def _done_before(self, point: Listed) -> float:
        """The part that earlier commands have done: no time of this one."""
        try:
            status = json.loads(self.earlier[point.point_id])
            return min(max(float(status["done"] / status["total"]), 0.0), 1.0)
        except (ValueError, KeyError, TypeError, ZeroDivisionError):
            return 0.0

    def _text(self, point: Listed) -> str:
        try:
            return (point_folder(self.settings.runs, point) / PROGRESS).read_text()
        except OSError:
            return ""

    def _time_left(self, done: float) -> str:
        seconds = time.monotonic() - self.started
        return f"about {duration(seconds * (self.work - done) / done)} left" if 0 < done < self.work else ""


def _now(status: dict[str, float], unit: float) -> str:
    where = f"iteration {status.get('iteration', 0):.0f}"
    if "t" in status:  # two digits after the point may be none of a time in a user's own unit
        where = f"t={status['t']:.2f}" if unit == 1 else f"t={status['t'] / unit:.4g}"
    return f"{where}  <sigma_z>={status['sigma_z']:+.4f}"

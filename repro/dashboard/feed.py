"""What the page of this machine shows, as plain data: states of points, and the rows of their curves that are new.

The states are those of `repro status`. Several pages may ask at once; the folder is looked at once a second at most.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repro.dashboard.begun import Begun, Points
from repro.dashboard.curves import COLUMNS, Curve, Row
from repro.running.status import State, states

LOOK_SECONDS = 1.0
ALL = "*"
"""In place of a figure: the curves of every point."""
OTHER = ""
"""The figure of points that do not say theirs."""


class Feed:
    """Answers for pages that look at one folder of runs.

    Args:
        runs: the folder.
    """

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.session = secrets.token_hex(4)
        self._points, self._curves = Points(runs), dict[str, Curve]()
        self._states: list[State] = []
        self._figures: dict[str, list[str]] = {}
        self._revision, self._looked = 0, -math.inf
        self._lock = threading.Lock()

    def answer(self, session: str = "", since: int = 0, figure: str | None = None) -> dict[str, Any]:
        """Everything that a page needs to draw.

        Args:
            session: of the answer that the page has; of another server nothing it has counts.
            since: the revision of that answer.
            figure: whose curves are wanted; None leaves it to the folder: the figure that was started last.

        Returns:
            session, revision, time (seconds since 1970), runs (the folder), columns of a row, figure, points (see
            `_described`), curves by id: axis, the `end` that it will reach, `from`, the number of
            rows that the page keeps, and the rows after it.
        """
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                self._look()
                self._looked = time.monotonic()
            begun = [state for state in self._states if state.point.point_id in self._curves]
            chosen = _latest(begun) if figure is None else figure
            since = since if session == self.session else 0
            ids = [state.point.point_id for state in begun]
            wanted = [key for key in ids if chosen == ALL or chosen in self._figures[key]]
            return {
                "session": self.session,
                "revision": self._revision,
                "time": time.time(),
                "runs": str(self.runs),
                "columns": COLUMNS,
                "figure": chosen,
                "points": [_described(state, self._figures[state.point.point_id]) for state in self._states],
                "curves": {key: new for key in wanted if (new := _new_rows(self._curves[key], since)) is not None},
            }

    def _look(self) -> None:
        begun = self._points.begun()
        self._figures = self._points.figures(begun)
        self._states = states([*begun, *self._points.to_come(begun)], self.runs)
        self._curves = {point.point_id: self._curve(point) for point in begun}
        revision = self._revision + 1
        changed = [curve.look(revision) for curve in self._curves.values()]
        if any(changed):
            self._revision = revision

    def _curve(self, point: Begun) -> Curve:
        known = self._curves.get(point.point_id)
        return known if known is not None and known.point == point else Curve(point, self.runs)


def _begun(state: State) -> Begun:
    assert isinstance(state.point, Begun)
    return state.point


def _latest(states: Sequence[State]) -> str:
    """The figure of a running point, else of the one begun last."""
    running = [state for state in states if state.state == "running"]
    return _begun((running or states)[-1]).figure if states else OTHER


def _new_rows(curve: Curve, since: int) -> dict[str, Any] | None:
    kept = curve.after(since)
    rows: Sequence[Row] = curve.rows[kept:]
    return {"axis": curve.axis, "end": curve.end, "from": kept, "rows": rows} if rows or not curve.rows else None


def _described(state: State, figures: Sequence[str]) -> dict[str, Any]:
    """A point's place, state and progress; times that are not known are None."""
    point = _begun(state)
    return {
        **{name: getattr(point, name) for name in ("figure", "panel", "profile", "label")},
        "id": point.point_id,
        "figures": figures,
        **{name: getattr(state, name) for name in ("state", "done", "total", "where", "reason")},
        **{name: None if math.isnan(getattr(state, name)) else getattr(state, name) for name in ("spent", "left")},
    }

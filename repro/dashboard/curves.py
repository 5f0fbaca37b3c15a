"""The rows that a point has measured so far, running or finished, beside their exact values.

A running point's history is in its checkpoint, which is replaced at the end of every epoch; a finished one's in
`history.csv`. Whichever is newer is read, and only when it has changed.
"""

from __future__ import annotations

import contextlib
import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from repro.dashboard.begun import Begun, written
from repro.methods.losses import LOSS, RESIDUAL
from repro.references.of_point import ExactValues, exact_of
from repro.running.folders import CHECKPOINT, HISTORY, PREVIOUS, point_folder
from repro.running.tracking import AXES
from repro.running.tracking import exact_of as exact_name
from repro.utils.errors import InputError
from repro.utils.formatting import significant
from repro.utils.names import PAULI_AVERAGES

MEASURED = (LOSS, RESIDUAL, *PAULI_AVERAGES)
COLUMNS = ("at", *MEASURED, *(exact_name(name) for name in PAULI_AVERAGES))
"""Of a row: t (units 1/gamma; of a user's problem its own) or iteration, what was measured there, and the exact values,
as far as they are known."""
DIGITS = 7
Row = tuple[float | None, ...]


class Curve:
    """The rows of one point.

    Attributes:
        axis: "t" or "iteration".
        rows: one for each epoch, see `COLUMNS`; None where nothing is known.
    """

    def __init__(self, point: Begun, runs: Path) -> None:
        self.point, self.runs = point, runs
        self.axis, self.rows = AXES[0], list[Row]()
        self._signature: object = None
        self._exact: ExactValues | None = None
        self._marks: list[tuple[int, int]] = []

    def look(self, revision: int) -> bool:
        """Read the point's files if they have changed; whether there are other rows now, which get this revision."""
        folder = point_folder(self.runs, self.point)
        signature = tuple(written(folder / name) for name in (HISTORY, CHECKPOINT))
        if signature == self._signature:
            return False
        history = _history(folder, self.point)
        if history is None:  # being replaced, or damaged: what was read before stays
            return False
        self._signature = signature
        return self._take(history, revision)

    def after(self, revision: int) -> int:
        """How many of the rows were there at a revision; 0 where those of then are others."""
        return next((length for mark, length in reversed(self._marks) if mark <= revision), 0)

    @property
    def end(self) -> float | None:
        """Where the curve will end: the last time or iteration; None where it is not known."""
        method = self.point.point.method if self.point.point is not None else None
        if method is None or self.axis == AXES[1]:
            return None if method is None else float(method.total_iterations)
        return None if method.evolution is None else method.evolution.last_time

    def _take(self, history: Sequence[Mapping[str, float]], revision: int) -> bool:
        self.axis = next((axis for axis in AXES if history and axis in history[0]), self.axis)
        measured = [[row.get(name, math.nan) for name in (self.axis, *MEASURED)] for row in history]
        exact = self._exact_values(np.array([row[0] for row in measured]))
        shown = [[value * unit for value, unit in zip(row, self._units(), strict=True)] for row in measured]
        rows = [tuple(map(_number, (*row, *values))) for row, values in zip(shown, exact, strict=True)]
        if rows == self.rows:
            return False
        if rows[: len(self.rows)] != self.rows:
            self._marks = []
        self.rows = rows
        self._marks.append((revision, len(rows)))
        return True

    def _units(self) -> list[float]:
        """What the time and each measured number are multiplied by: rates are of dp/dt."""
        unit = self.point.time_unit
        return [1 / unit if self.axis == AXES[0] else 1.0, *(unit if name == RESIDUAL else 1.0 for name in MEASURED)]

    def _exact_values(self, times: np.ndarray) -> np.ndarray:
        """Exact means, (rows, observables), NaN where they are not known; a search has those of the steady state."""
        known = self.point.point
        if self._exact is None and known is not None:
            with contextlib.suppress(InputError):
                self._exact = exact_of(known, self.runs, compute=False)
        found = np.full((len(times), len(PAULI_AVERAGES)), math.nan)
        if self._exact is not None and len(times):
            with contextlib.suppress(InputError):
                found = np.stack([self._exact.along(times, name) for name in PAULI_AVERAGES], axis=1)
        return found


def _history(folder: Path, point: Begun) -> list[dict[str, float]] | None:
    """The rows of the newest file that can be read; None where none can."""
    csv_path, checkpoint = folder / HISTORY, folder / CHECKPOINT
    if written(csv_path) >= written(checkpoint):
        with contextlib.suppress(OSError, ValueError):
            return _from_csv(csv_path.read_text())
    from repro.running import checkpoints

    for path in (checkpoint, folder / PREVIOUS):
        with contextlib.suppress(InputError, KeyError, TypeError):
            return [dict(row) for row in checkpoints.load(path, point)["history"]]
    return None


def _from_csv(text: str) -> list[dict[str, float]]:
    return [{name: float(cell or math.nan) for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]


def _number(value: float) -> float | None:
    """A number of a few digits; None for NaN, which JSON has not."""
    return significant(float(value), DIGITS) if math.isfinite(value) else None

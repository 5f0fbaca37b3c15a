"""Where a point lives, for those who only look: nothing here loads torch's trainer."""

from __future__ import annotations

from pathlib import Path

from repro.experiment import Point

DONE = "done.json"
PROGRESS = "progress.json"


def point_folder(runs: Path, point: Point) -> Path:
    """Where a point lives."""
    return runs / "points" / point.point_id


def finished(runs: Path, point: Point) -> bool:
    """Whether a point has been computed to its end."""
    return (point_folder(runs, point) / DONE).exists()

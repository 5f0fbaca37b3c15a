"""Points of the paper profile that results/ has not: started or taken up, stopped in time with a checkpoint."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from benchmarks.gpu.plan import POINTS, Request
from benchmarks.gpu.table import append, where
from repro.config.listed import Listed
from repro.utils.errors import InputError
from repro.utils.paths import RESULTS, experiments

FIGURES = ("fig2", "fig3", "fig4", "figS3", "figS4", "figS5")
"""In the order in which their points are computed: the evolutions of 20 and 40 spins have waited longest."""
COLUMNS = (
    *("figure", "panel", "point", "point_id", "state", "t", "iteration", "loss", "residual"),
    *("sigma_x", "sigma_x_error", "sigma_y", "sigma_y_error", "sigma_z", "sigma_z_error", "seconds"),
    *("kind", "device", "torch", "commit", "date"),
)
GIB_OF_POINT = 8
ENDLESS = 400.0


def missing(dry: bool) -> list[Listed]:
    """Points that no shipped table has, each once: those that take longest first within a figure."""
    if dry:
        return _rehearsed()
    shipped = _shipped()
    found: dict[str, Listed] = {}
    for figure in FIGURES:
        of_figure = [p for p in experiments().load(figure).points("paper") if p.point_id not in shipped]
        for each in sorted(of_figure, key=lambda p: p.point.lattice.n_sites, reverse=True):
            found.setdefault(each.point_id, each)
    return list(found.values())


def _rehearsed() -> list[Listed]:
    """One that ends at once and one that does not end."""
    short, sampled, *_ = experiments().load("fig2").points("smoke")
    return [sampled.change(t_end=ENDLESS, n_sites=6, n_samples=20), short.change(t_end=0.1)]


def _shipped() -> set[str]:
    found = set[str]()
    for path in RESULTS.glob("*.csv"):
        with path.open(newline="") as stream:
            found |= {row["point_id"] for row in csv.DictReader(stream) if row.get("point_id")}
    return found


class Deadline:
    """In place of the event that a worker watches: set from a time on.

    Args:
        until: time.time() of it; 0: never.
        least: how often it is asked in vain before: once when a point starts, then at the end of every epoch.
    """

    def __init__(self, until: float, least: int = 0) -> None:
        self.until, self.least = until, least

    def is_set(self) -> bool:
        """Whether the time has come."""
        self.least -= 1
        return self.least < 0 and 0 < self.until < time.time()


def main(request: Request, ids: Sequence[str]) -> int:
    """Compute one point until it is finished or its time has come; its history so far goes to the table.

    Raises:
        InputError: not one id, or one that is not missing.
    """
    by_id = {each.point_id: each for each in missing(request.dry)}
    if len(ids) != 1 or ids[0] not in by_id:
        raise InputError(f"point {' '.join(ids) or '(none)'}: expected one id of those that are missing")
    return compute(by_id[ids[0]], request)


def compute(listed: Listed, request: Request) -> int:
    """See `main`."""
    from repro.methods.batch_size import GIB
    from repro.running import stopping
    from repro.running.folders import RunSettings
    from repro.running.runner import run_point

    stopping.watch(
        cast(Any, Deadline(request.until, 3 if request.dry else 0))
    )  # a rehearsal on a slow machine has steps too
    settings = RunSettings(request.runs, request.device, tracking="disabled", memory=GIB_OF_POINT * GIB)
    state = "finished"
    try:
        run_point(listed, settings, wait=False)
    except stopping.Stopped:
        state = "stopped"
    rows = history(listed, request.runs)
    facts = {
        **where(request), "figure": listed.figure, "panel": listed.panel, "point": listed.label,
        "point_id": listed.point_id, "state": state,
    }  # fmt: skip
    append(request.out / POINTS, COLUMNS, [{name: (row | facts).get(name, "") for name in COLUMNS} for row in rows])
    print(f"{state} with {len(rows)} rows", flush=True)
    return 0


def history(listed: Listed, runs: Path) -> list[dict[str, Any]]:
    """Rows of a point so far, by its newest checkpoint; none before its first."""
    from repro.running import checkpoints
    from repro.running.folders import point_folder

    path = checkpoints.usable(point_folder(runs, listed), listed.point)
    return checkpoints.load(path, listed.point)["history"] if path else []

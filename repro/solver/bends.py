"""Whether an evolution by velocities (tdvp) moved in steps that velocities can stand for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from repro.config.listed import Listed
from repro.methods.losses import BEND
from repro.running.folders import HISTORY, point_folder

MOST = 0.25
"""Mean over time steps. Four driven spins to t = 0.24: 0.07 and 0.12 where values end within 0.012 of exact, 0.33 and
0.49 where they are 0.035 and 0.118 off beside errors of 0.004."""


def bends(points: Sequence[Listed], runs: Path) -> list[str]:
    """A note where the way of log p over a rule's step is so bent that velocities say little of it.

    Args:
        points: what was run; those of other methods say nothing.
        runs: folder of computed points.
    """
    from repro.utils.result_table import read_exactly

    histories = [read_exactly(point_folder(runs, point) / HISTORY) for point in points]
    found = [float(history[BEND].mean()) for history in histories if BEND in history]
    if max(found, default=0.0) <= MOST:
        return []
    return [
        f"velocities moved the network in steps that are far from straight (by {max(found):.2f} of the way of log p, "
        f"expected at most {MOST:g}): values may be off by more than their errors; a wider network helps"
    ]

"""The smallest eigenvalue of the states of a finished point: from its history, else of its last state alone.

Histories of sampled points and of earlier versions do not have it. The last state is in the checkpoint; what was found
is kept beside it, so that a table is assembled in no time again.
"""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from repro.config.point import Point
from repro.physics.density import MAX_SITES, SMALLEST_EIGENVALUE
from repro.running.folders import LAST_STATE
from repro.utils.errors import InputError
from repro.utils.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd


def smallest_eigenvalues(point: Point, history: pd.DataFrame, folder: Path) -> pd.Series:
    """One for each row of a point's history, NaN where it is not known.

    Args:
        point: what was computed.
        history: what was measured.
        folder: the point's.
    """
    import pandas as pd

    known = history.get(SMALLEST_EIGENVALUE, pd.Series(math.nan, index=history.index)).copy()
    if len(known) and math.isnan(known.iloc[-1]):
        known.iloc[-1] = _of_last_state(point, folder)
    return known


def _of_last_state(point: Point, folder: Path) -> float:
    """NaN where there are too many sites, or no checkpoint that can be read."""
    if point.lattice.n_sites > MAX_SITES:
        return math.nan
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return float(json.loads((folder / LAST_STATE).read_text())[SMALLEST_EIGENVALUE])
    try:
        value = _from_checkpoint(point, folder)
        write_atomic(folder / LAST_STATE, json.dumps({SMALLEST_EIGENVALUE: value}))
    except InputError:
        return math.nan
    return value


def _from_checkpoint(point: Point, folder: Path) -> float:
    import torch

    from repro.physics.density import smallest_eigenvalue
    from repro.states.shipping import state_of_run

    with torch.no_grad():
        return smallest_eigenvalue(state_of_run(point, folder).model.all_probs(), point.povm)

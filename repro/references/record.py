"""What references of several kinds record: the table of a curve with errors, and how it was made."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.references.cache import OBSERVABLES

if TYPE_CHECKING:
    import pandas as pd


def curve_table(
    times: np.ndarray, means_MP: np.ndarray, errors_MP: np.ndarray, names: Sequence[str] = OBSERVABLES
) -> pd.DataFrame:
    """Table of a curve with errors: times (units 1/gamma), and values of every observable, (times, observables)."""
    import pandas as pd

    parts = [
        pd.DataFrame({"t": times, "observable": name, "mean": means_MP[:, k], "error": errors_MP[:, k]})
        for k, name in enumerate(names)
    ]
    return pd.concat(parts, ignore_index=True)


def made_in(seconds: float) -> dict[str, Any]:
    """Seconds that it took, versions and time: part of a reference's `info`."""
    import qutip
    import scipy

    return {
        "seconds": round(seconds, 2),
        "versions": {"qutip": qutip.__version__, "numpy": np.__version__, "scipy": scipy.__version__},
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }

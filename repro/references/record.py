"""What references of several kinds record: the table of a curve with errors, and how it was made."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.utils.names import PAULI_AVERAGES

if TYPE_CHECKING:
    import pandas as pd


def curve_table(
    times: np.ndarray, means_MP: np.ndarray, errors_MP: np.ndarray | None, names: Sequence[str] = PAULI_AVERAGES
) -> pd.DataFrame:
    """Table of a curve: times (units 1/gamma), values of every observable, (times, observables), and errors if any."""
    import pandas as pd

    parts = []
    for k, name in enumerate(names):
        error = {} if errors_MP is None else {"error": errors_MP[:, k]}
        parts.append(pd.DataFrame({"t": times, "observable": name, "mean": means_MP[:, k], **error}))
    return pd.concat(parts, ignore_index=True)


def settings_of(model: LindbladModel) -> dict[str, Any]:
    """What every reference of site-averaged Paulis says of its model: lattice, sites and observables."""
    return {"lattice": model.lattice.name, "n_sites": model.lattice.n_sites, "observables": list(PAULI_AVERAGES)}


def made_in(seconds: float) -> dict[str, Any]:
    """Seconds that it took, versions and time: part of a reference's `info`."""
    import qutip
    import scipy

    return {
        "seconds": round(seconds, 2),
        "versions": {"qutip": qutip.__version__, "numpy": np.__version__, "scipy": scipy.__version__},
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }

"""The exact line of Fig. 3 by a second route: the infinite chain by matrix products beside the trajectories of a ring.

The ring of sixteen is beyond density matrices, so that its steady states come from quantum trajectories, with
statistical errors. The infinite chain is evolved until it is at rest. Its error is the largest of: what half the bond
dimension changes, half of what twice the time step changes, what it still moved by over the last span of time, and the
distance from QuTiP's steady state of a ring of eight. Correlations decay along the chain: the ring of sixteen is nearer
to it than that of eight.

Array suffixes: A axes x, y, z.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.config.point import Point
from repro.physics.lindblad import LindbladModel
from repro.physics.povm import bloch_vector
from repro.references import density_matrix
from repro.references.cache import Folders, Reference, Say
from repro.references.matrix_product import MatrixProduct, at_rest
from repro.references.of_point import folders, stored_steady_state
from repro.references.pauli_generators import pauli_vector, shortened, uniform_generator
from repro.utils.errors import InputError
from repro.utils.formatting import significant
from repro.utils.names import PAULI_AVERAGES

if TYPE_CHECKING:
    import pandas as pd

BOND_DIMENSION = 32
STEP = 0.05
"""Time step in the model's natural unit, or the decay's where that is longer."""
SPAN = 4.0
AT_REST = 1e-4
"""What the chain may still move by over a span (1/gamma), which cutting it never lets fall to zero."""
LEAST, LONGEST = 24.0, 60.0
RING = 8
ROUNDING = 1e-9
"""An error is at least this."""
COLUMNS = ("Jy", "g", "observable", "trajectories", "trajectories_error", "chain", "chain_error", "z")


def second_route(points: Sequence[Point], runs: Path, say: Say) -> pd.DataFrame:
    """One row for each point of a ring and each of its Paulis: both values, their errors, and how far apart they are.

    z is (trajectories - chain) over the root of the sum of squared errors.

    Raises:
        InputError: a point whose trajectories are not stored, or one that `steady_state` refuses.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for point in points:
        ring = stored_steady_state(point, runs)
        couplings = point.system.model.couplings
        if ring is None or "error" not in ring.table:
            raise InputError(f"second route of {point.lattice.name} {couplings}: no trajectories are stored")
        means_A, errors_A = steady_state(point.lindblad_model, folders(runs))
        for k, name in enumerate(PAULI_AVERAGES):
            rows.append(_row(couplings, name, ring, float(means_A[k]), float(errors_A[k])))
        say(f"{point.system.model.label}: {max(abs(row['z']) for row in rows[-3:]):.1f} errors apart at most")
    return pd.DataFrame(rows, columns=[*COLUMNS])


def _row(couplings: dict[str, float], name: str, ring: Reference, chain: float, chain_error: float) -> dict[str, Any]:
    value, error = float(ring.at(math.inf, name)), ring.error(name)
    both = math.hypot(error, chain_error)
    return {
        "Jy": couplings.get("Jy"),
        "g": couplings.get("g"),
        "observable": name,
        "trajectories": value,
        "trajectories_error": significant(error, 4),
        "chain": significant(chain, 8),
        "chain_error": significant(chain_error, 4),
        "z": significant((value - chain) / both, 4),
    }


def steady_state(model: LindbladModel, stored: Folders) -> tuple[np.ndarray, np.ndarray]:
    """Site-averaged Paulis of the infinite chain at rest, and their errors, shape (3,) each.

    Args:
        model: on a ring of more than `RING` sites that is the same everywhere.
        stored: folders of references, where the ring of eight is looked for and kept.

    Raises:
        InputError: another lattice, or a chain that is not at rest by `LONGEST`.
    """
    L = uniform_generator(model)
    steps = 2 * math.ceil(SPAN * model.unit / STEP / 2)
    means_A, moved = _at_rest(L, BOND_DIMENSION, SPAN / steps)
    halved_A, _ = _at_rest(L, BOND_DIMENSION // 2, SPAN / steps)
    coarse_A, _ = _at_rest(L, BOND_DIMENSION, 2 * SPAN / steps)
    ring = density_matrix.steady_state(shortened(model, RING), stored)
    ring_A = np.array([float(ring.at(math.inf, name)) for name in PAULI_AVERAGES])
    parts = [np.abs(means_A - halved_A), np.abs(coarse_A - means_A) / 2, np.abs(means_A - ring_A)]
    return means_A, np.maximum.reduce([*parts, np.full(3, max(moved, ROUNDING))])


def _at_rest(L: np.ndarray, bond_dimension: int, dt: float) -> tuple[np.ndarray, float]:
    """Means at rest, and the most that one of them moved by over the last span."""
    vector = pauli_vector(bloch_vector("down"))
    state = MatrixProduct([vector] * 2, bond_dimension, infinite=True)
    means_A, moved, _ = at_rest(state, {0: L, 1: L}, dt, SPAN, AT_REST, LONGEST, LEAST)
    if moved > AT_REST:
        raise InputError(f"infinite chain: not at rest by t = {LONGEST:g}, expected a steady state that is reached")
    return means_A, moved

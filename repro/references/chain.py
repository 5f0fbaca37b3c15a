"""Evolutions of long chains and rings by matrix products, with an error from other bond dimensions and time steps.

An open chain is evolved as it is. A ring that is the same everywhere is taken for the infinite chain: until a signal
has been around it, and where correlations decay before that, the two agree. How far they are apart is measured on a
ring of ten, which QuTiP solves exactly, and counted into the error of every longer ring.

The error at t is the largest, around t, of: what half the bond dimension changes, half of what twice the time step
changes (a third by the second order of the rule, and a margin), and for rings the distance of the ring of ten from the
infinite chain. Errors grow with time: where the target is missed the part before that is good, and kept on request.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.physics.povm import bloch_vector
from repro.references import density_matrix
from repro.references.cache import DEFAULT_FOLDERS, KNOWN_TO, Folders, Reference, Say, describe, find, find_or_compute
from repro.references.matrix_product import MatrixProduct, evolve
from repro.references.pauli_generators import bond_generators, is_ring, pauli_vector, shortened, uniform_generator
from repro.references.record import curve_table, made_in
from repro.utils.errors import InputError
from repro.utils.formatting import significant
from repro.utils.names import PAULI_AVERAGES

KIND = "dynamics by matrix products"
TARGET = 0.01
BOND_DIMENSIONS = (32, 64, 128)
STEP = 0.1
"""Largest time step in the model's natural unit."""
AROUND = 0.75
"""An error is the largest within such a time in the model's natural unit: differences of two curves cross zero."""
RING = density_matrix.MAX_DENSITY_MATRIX_SITES
LONGEST = 4096
LEAST_ROWS = 4
"""Fewer times that meet the target are no curve."""


class MissedTargetError(InputError):
    """An error above the target at the largest bond dimension; `part` is the curve before, None where there is none."""

    part: Reference | None = None


def stored(
    model: LindbladModel, initial_state: str, t_end: float, folders: Folders = DEFAULT_FOLDERS
) -> Reference | None:
    """The evolution by matrix products to t_end that a folder has of a model, or else the part that meets the target.

    None where there is neither. A part ends before t_end: beyond its end its values are NaN.
    """
    whole = find(_description(model, initial_state), t_end, folders)
    return whole or find(_description(model, initial_state, part=True), 0.0, folders)


def evolution(
    model: LindbladModel,
    initial_state: str,
    t_end: float,
    folders: Folders = DEFAULT_FOLDERS,
    *,
    dt: float = density_matrix.TIME_STEP,
    target: float = TARGET,
    partly: bool = False,
    label: str = "",
    say: Say = lambda text: None,
) -> Reference:
    """Site-averaged Paulis from a product state with errors, by matrix products.

    Args:
        model: on an open chain, or on a ring of more than ten sites that is the same everywhere.
        initial_state: the Bloch direction of every spin, such as "up".
        t_end: last time wanted (units 1/gamma).
        folders: as in `density_matrix.dynamics`.
        dt: spacing of the table.
        target: largest error; larger bond dimensions are tried until it is met.
        partly: where no bond dimension meets it to t_end, keep the part before the first time that misses it.
        label: a name for people, stored beside it.
        say: called with a line of progress for every bond dimension.

    Returns:
        A reference whose table has a column `error`.

    Raises:
        InputError: another lattice, terms beyond neighbours, an unknown state, a number not above 0.
        MissedTargetError: an error above the target at the largest bond dimension.
    """
    if not (0 < t_end < math.inf and 0 < dt < math.inf and 0 < target < math.inf):
        raise InputError(f"matrix products to t = {t_end}, dt {dt}, error {target}: expected positive numbers")
    if model.lattice.n_sites > LONGEST:
        raise InputError(f"matrix products of {model.lattice.n_sites} sites: expected at most {LONGEST}")
    description = _description(model, initial_state)
    times = np.array([significant(dt * k) for k in range(math.ceil(t_end / dt - 1e-9) + 1)])
    settings = {"lattice": model.lattice.name, "n_sites": model.lattice.n_sites, "initial_state": initial_state}
    settings |= {"observables": list(PAULI_AVERAGES), "t_end": t_end, "dt": dt, "target": target}

    def compute() -> Reference:
        began = time.perf_counter()
        means, errors, found = _within(_Curves(model, initial_state, times), target, folders, say)
        info = {"kind": KIND, "label": label, "settings": settings, "solver": "matrix products (TEBD)", **found}
        info |= made_in(time.perf_counter() - began)
        missed = np.flatnonzero((errors > target).any(1))
        rows = slice(missed[0] if len(missed) else len(times))
        reference = Reference(curve_table(times[rows], means[rows], errors[rows]), info)
        if len(missed):
            raise _missed(reference, errors, target)
        return reference

    if partly and (known := stored(model, initial_state, t_end, folders)):
        return known
    try:
        return find_or_compute(description, t_end, folders, compute)
    except MissedTargetError as error:
        if not partly or (part := error.part) is None:
            raise
        return find_or_compute(_description(model, initial_state, part=True), 0.0, folders, lambda: part)


def _missed(before: Reference, errors: np.ndarray, target: float) -> MissedTargetError:
    """What to raise, with the curve before the first time that misses the target."""
    told = ", ".join(f"{name} {value:.2g}" for name, value in before.info["errors"].items())
    error = MissedTargetError(
        f"matrix products: error {errors.max():.3g} at bond dimension {before.info['bond_dimension']} ({told}), "
        f"expected at most {target:g}"
    )
    if len(before.table) >= LEAST_ROWS * len(PAULI_AVERAGES):
        error.part = Reference(before.table, {**before.info, KNOWN_TO: before.t_end})
    return error


def _description(model: LindbladModel, initial_state: str, part: bool = False) -> dict[str, Any]:
    """Of a ring that of the infinite chain, which is the same for every number of sites."""
    if is_ring(model.lattice) and model.lattice.n_sites > RING:
        model = shortened(model, RING)
    more = {"part": True} if part else {}
    return describe(model, KIND, initial_state=[float(x) for x in bloch_vector(initial_state)], **more)


def _within(
    curves: _Curves, target: float, folders: Folders, say: Say
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Means and errors, (times, 3) each, and what they took: of the first bond dimension that meets the target, or the
    largest."""
    start = BOND_DIMENSIONS[0] // 2
    lower, _ = curves.of(start, 1)
    coarse, _ = curves.of(start, 2)
    stepped = np.abs(coarse - lower) / 2
    exact = curves.of_the_ring(folders)
    for bond_dimension in BOND_DIMENSIONS:
        means, trace = curves.of(bond_dimension, 1)
        parts = {"cut": np.abs(means - lower), "step": stepped}
        if exact is not None:
            parts["ring"] = np.abs(means - exact)
        reach = max(1, round(AROUND / curves.model.unit / float(curves.times[1])))
        error = largest_around(np.maximum.reduce(list(parts.values())), reach)
        largest = {name: float(part.max()) for name, part in parts.items()}
        say(f"bond dimension {bond_dimension}: error {error.max():.4f} (target {target:g}), trace {trace:.4f}")
        if error.max() <= target:
            break
        lower = means
    return (
        means,
        error,
        {
            "bond_dimension": bond_dimension,
            "time_step": curves.step,
            "trace": trace,
            "errors": largest,
        },
    )


class _Curves:
    """The evolution of a model with any bond dimension and time step.

    Attributes:
        times: of the table (1/gamma).
        step: time step that divides their spacing (1/gamma).
    """

    def __init__(self, model: LindbladModel, initial_state: str, times: np.ndarray) -> None:
        self.model, self.initial_state, self.times = model, initial_state, times
        self.infinite = is_ring(model.lattice)
        if self.infinite and model.lattice.n_sites <= RING:
            raise InputError(f"matrix products of a ring of {model.lattice.n_sites}: expected more than {RING} sites")
        if self.infinite:
            L = uniform_generator(model)
            self.generators = {0: L, 1: L}
        else:
            self.generators = {left: L for (left, _), L in bond_generators(model).items()}
        spacing = float(times[1])
        self.pieces = max(2, 2 * math.ceil(spacing * model.unit / STEP / 2))
        self.step = spacing / self.pieces

    def of(self, bond_dimension: int, coarser: int) -> tuple[np.ndarray, float]:
        """Means at the table's times, (times, 3), and the trace at the end."""
        vector = pauli_vector(bloch_vector(self.initial_state))
        n_sites = 2 if self.infinite else self.model.lattice.n_sites
        state = MatrixProduct([vector] * n_sites, bond_dimension, self.infinite)
        means = evolve(state, self.generators, list(self.times), self.step * coarser)
        return np.array(means), state.trace()

    def of_the_ring(self, folders: Folders) -> np.ndarray | None:
        """Exact means of the same ring with ten sites, for a ring."""
        if not self.infinite:
            return None
        spacing = float(self.times[1])
        exact = density_matrix.dynamics(
            shortened(self.model, RING), self.initial_state, float(self.times[-1]), folders, dt=spacing
        )
        return np.stack([exact.at(self.times, name) for name in PAULI_AVERAGES], axis=1)


def largest_around(differences: np.ndarray, reach: int) -> np.ndarray:
    """Of every row the largest within so many rows, (times, columns)."""
    return np.stack([differences[max(0, k - reach) : k + reach + 1].max(0) for k in range(len(differences))])

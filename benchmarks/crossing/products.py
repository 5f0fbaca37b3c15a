"""Steady states by matrix products of the density matrix: the infinite chain for rings, a snake for lattices.

On a snake neighbours of the lattice are far apart: they are carried beside each other by exchanges of neighbours, and
back. Every exchange is cut like every gate.
"""

from __future__ import annotations

import math
import time

import numpy as np
import scipy.linalg

from benchmarks.crossing.rows import TARGET, Measured, Say
from figures.crossing_text import MISSED
from repro.physics.lattice import Bond
from repro.physics.lindblad import LindbladModel
from repro.references.matrix_product import MatrixProduct, at_rest
from repro.references.pauli_generators import generators_of, pauli_vector, uniform_generator
from repro.utils.errors import InputError
from repro.utils.names import PAULI_AVERAGES

DOWN = pauli_vector((0.0, 0.0, -1.0))
AT_REST = 1e-3
"""A state is at rest that moves by less in a unit of time (1/gamma)."""
LONGEST = 30.0
SNAKE_BONDS = (16, 32, 64, 128, 256)
EXCHANGE = np.einsum("ad,bc->abcd", np.eye(4), np.eye(4))


def infinite_chain(model: LindbladModel, bond_dimension: int, dt: float) -> Measured:
    """CPU seconds until the infinite chain of a uniform ring is at rest, and its means."""
    began = time.process_time()
    L = uniform_generator(model)
    state = MatrixProduct([DOWN, DOWN], bond_dimension, infinite=True)
    means, moved, t = at_rest(state, {0: L, 1: L}, dt, 1.0, AT_REST, LONGEST)
    settings = f"infinite chain, bond dimension {bond_dimension}, dt {dt:g}"
    return Measured(
        time.process_time() - began,
        moved,
        settings,
        dict(zip(PAULI_AVERAGES, map(float, means), strict=True)),
        rule=f"to t = {t:g}",
    )


def snake(model: LindbladModel, dt: float, most: float, say: Say) -> Measured:
    """CPU seconds until two bond dimensions agree at rest; their difference is the error.

    Args:
        model: on rows and columns.
        dt: time step (1/gamma).
        most: CPU seconds after which it is given up.
        say: called with a line for every bond dimension.
    """
    began, before, error = time.process_time(), None, math.inf
    tried = 0
    for bond_dimension in SNAKE_BONDS:
        means = _snake_at_rest(model, bond_dimension, dt, most - (time.process_time() - began))
        if means is None:
            break
        tried = bond_dimension
        error = math.inf if before is None else float(np.abs(means - before).max())
        say(f"bond dimension {bond_dimension}: changed by {error:.4f}, {time.process_time() - began:.0f} s")
        if error <= TARGET:
            found = dict(zip(PAULI_AVERAGES, map(float, means), strict=True))
            settings = f"snake, bond dimension {bond_dimension}, dt {dt:g}"
            return Measured(time.process_time() - began, error, settings, found)
        before = means
    rule = f"at bond dimension {tried} not converged" + (f": changed by {error:.3f}" if math.isfinite(error) else "")
    return Measured(time.process_time() - began, math.nan, f"snake, dt {dt:g}", {}, MISSED, rule)


def _snake_at_rest(model: LindbladModel, bond_dimension: int, dt: float, most: float) -> np.ndarray | None:
    """Means at rest; None where it does not come to rest, or not within `most` CPU seconds."""
    began, shape = time.process_time(), model.lattice.shape
    if shape is None:
        raise InputError(f"snake through a {model.lattice.name}: expected rows and columns")
    place = snake_order(*shape)
    half = {
        (place[i], place[j]): scipy.linalg.expm(dt / 2 * L).reshape(4, 4, 4, 4)
        for (i, j), L in generators_of(model, model.lattice.bonds).items()
    }
    state = MatrixProduct([DOWN] * model.lattice.n_sites, bond_dimension)
    before = state.site_means()
    for _ in range(round(LONGEST)):
        for _ in range(round(1 / dt)):
            for bond, gate in (*half.items(), *reversed(half.items())):
                apply_far(state, gate, bond)
            if time.process_time() - began > most:
                return None
        means = state.site_means()
        if np.abs(means - before).max() < AT_REST:
            return means
        before = means
    return None


def snake_order(rows: int, cols: int) -> list[int]:
    """Place along the snake of every site of a lattice of rows and columns."""
    return [row * cols + (col if row % 2 == 0 else cols - 1 - col) for row, col in np.ndindex(rows, cols)]


def apply_far(state: MatrixProduct, gate_abab: np.ndarray, bond: Bond) -> None:
    """Apply a two-site map to any two places of an open chain: carried together, and back."""
    first, last = sorted(bond)
    if bond[0] > bond[1]:
        gate_abab = gate_abab.transpose(1, 0, 3, 2)
    for left in range(first, last - 1):
        state.apply(EXCHANGE, left)
    state.apply(gate_abab, last - 1)
    for left in reversed(range(first, last - 1)):
        state.apply(EXCHANGE, left)

"""Mean field: the evolution without correlation between sites, one Bloch vector for each of them.

With rho = prod_j rho_j at all times, rho_i = (1 + r_i sigma) / 2 and v = (1, r), the Lindblad equation traced over all
sites but i is closed:

    d v_i^a / dt = sum_b A_i^{ab} v_i^b + sum_j sum_bc G_ij^{(a0)(bc)} v_i^b v_j^c

with L of a site (A, 4x4) and of a pair (G, 16x16) in the Pauli basis. Without terms on two sites it is exact. With
them it is not linear: it may have several states at rest, or oscillate for ever.

Array suffixes: N sites, V = (1, x, y, z) of a site, W the products of two of them, E pairs, F both sites of every pair,
T times, A axes x, y, z.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.physics.pauli_maps import local_maps
from repro.physics.povm import BLOCH_DIRECTIONS, bloch_vector
from repro.references.cache import Reference
from repro.references.record import curve_table, made_in
from repro.utils.errors import InputError
from repro.utils.names import PAULI_AVERAGES

KIND = "mean field"
ACCURACY: dict[str, Any] = {"method": "DOP853", "rtol": 1e-10, "atol": 1e-12}
TILT, NOISE = 1e-3, 1e-6
"""All spins are turned away from a start by the first, alike, and each by the second: an unstable state is left."""
SPAN = 30.0
"""A state may be at rest after so many times the longest time scale of the model's terms."""
LONGEST = 32
"""What is not at rest after so many spans is taken to oscillate."""
AT_REST = 1e-7
"""What a state at rest may still change by over as long a time again."""
SAME = 1e-5
"""Values of states at rest that are no farther apart are the same."""

Start = str | Sequence[Sequence[float]] | np.ndarray
"""Name of the Bloch direction of every spin, or a Bloch vector for each site."""


class MeanField:
    """The equation of a model, in the unit of time that its terms have.

    Args:
        model: any Lindblad equation with one- and two-site terms.
    """

    def __init__(self, model: LindbladModel) -> None:
        self.n_sites = model.lattice.n_sites
        self.A_NVV = np.zeros((self.n_sites, 4, 4))
        pairs: dict[tuple[int, ...], np.ndarray] = {}
        for sites, matrix in local_maps(model):
            if len(sites) == 1:
                self.A_NVV[sites[0]] += matrix
            else:
                pairs[sites] = pairs.get(sites, 0) + matrix.reshape(4, 4, 16)
        sites_E2 = np.array([*pairs], dtype=int).reshape(-1, 2)
        G_EVVW = np.array([*pairs.values()]).reshape(-1, 4, 4, 16)
        self.first_E, self.second_E = sites_E2.T
        self.moved_F = sites_E2.T.ravel()
        # the other site traced out: its coefficient of the identity
        self.G_E8W = np.concatenate([G_EVVW[:, :, 0], G_EVVW[:, 0]], axis=1)

    def rate(self, v_NV: np.ndarray) -> np.ndarray:
        """d v / dt of all sites, shape (N, 4); v has 1 in its first column, of which the rate is 0."""
        rate_NV = (self.A_NVV @ v_NV[:, :, None])[:, :, 0]
        products_EW1 = (v_NV[self.first_E][:, :, None] * v_NV[self.second_E][:, None]).reshape(-1, 16, 1)
        of_pairs_E8 = (self.G_E8W @ products_EW1)[:, :, 0]
        np.add.at(rate_NV, self.moved_F, np.concatenate([of_pairs_E8[:, :4], of_pairs_E8[:, 4:]]))
        return rate_NV

    def flat_rate(self, t: float, r: np.ndarray) -> np.ndarray:
        """The same of the Bloch vectors in a row, shape (3 N,), as integrators want it."""
        return self.rate(_with_one(r.reshape(-1, 3)))[:, 1:].ravel()

    def follow(self, r: np.ndarray, times: Sequence[float] | np.ndarray) -> np.ndarray:
        """Bloch vectors in a row at ascending times, of which the first is the start's: shape (T, 3 N)."""
        from scipy.integrate import solve_ivp

        found = solve_ivp(self.flat_rate, (times[0], times[-1]), r, t_eval=times, **ACCURACY)
        if not found.success:
            raise InputError(f"mean field: {found.message}, expected an evolution to t = {times[-1]:g} natural units")
        return found.y.T


def _with_one(r_NA: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones((len(r_NA), 1)), r_NA], axis=1)


def start_vectors(initial: Start, n_sites: int) -> np.ndarray:
    """Bloch vectors of a start, shape (N, 3).

    Raises:
        InputError: an unknown direction, another number of vectors, or one longer than 1.
    """
    if isinstance(initial, str):
        return np.array([bloch_vector(initial)] * n_sites, dtype=float)
    if len(initial) != n_sites:
        raise InputError(f"mean field: a start of {len(initial)} Bloch vectors, expected {n_sites}, one for each site")
    return np.array([bloch_vector(vector) for vector in initial], dtype=float)


def evolution(model: LindbladModel, initial: Start, times: Sequence[float] | np.ndarray) -> Reference:
    """Site-averaged Paulis in mean field from a product state.

    Args:
        model: any size.
        initial: the start.
        times: ascending from 0 (units 1/gamma).

    Returns:
        A reference of this kind with a table of t, observable, mean; computed on the spot, nothing is stored.

    Raises:
        InputError: an unknown start, times that do not ascend from 0, an integrator that gave up.
    """
    began = time.perf_counter()
    return _reference(np.asarray(times, dtype=float), vectors(model, initial, times).mean(1), {}, began)


def vectors(model: LindbladModel, initial: Start, times: Sequence[float] | np.ndarray) -> np.ndarray:
    """Bloch vectors of every site at times that ascend from 0, shape (T, N, 3); arguments and errors as `evolution`."""
    t_T = np.asarray(times, dtype=float)
    if t_T.ndim != 1 or len(t_T) < 2 or t_T[0] != 0 or not (np.isfinite(t_T).all() and (np.diff(t_T) > 0).all()):
        raise InputError("mean field: times that do not ascend from 0, expected two or more")
    unit, r_NA = model.unit, start_vectors(initial, model.lattice.n_sites)
    return MeanField(model.in_units_of(unit)).follow(r_NA.ravel(), t_T * unit).reshape(len(t_T), -1, 3)


def steady_state(model: LindbladModel, initial: Start = "up") -> Reference:
    """Site-averaged Paulis of the mean field at rest; NaN where it has no value that holds for every start.

    The start, tilted a little at random, and all spins along +-x, +-y, +-z are followed until they are at rest.

    Returns:
        A reference of this kind; `info["limits"]` has the three means that every start ends at, None for one that is
        not at rest in time; `info["note"]` says what is NaN and why, "" for nothing.

    Raises:
        InputError: an unknown start, an integrator that gave up.
    """
    began = time.perf_counter()
    natural = model.in_units_of(model.unit)
    equation, slowest = MeanField(natural), natural.slowest
    starts: dict[str, Start] = {"its own": initial, **{name: name for name in BLOCH_DIRECTIONS if name != initial}}
    limits: dict[str, list[float] | None] = {}
    for name, start in starts.items():
        end = _at_rest(equation, _tilted(start_vectors(start, equation.n_sites)), slowest)
        limits[name] = None if end is None else end.reshape(-1, 3).mean(0).tolist()
        if end is None:
            break
    means_A, note = _value(limits)
    return _reference(np.array([math.inf]), means_A[None], {"limits": limits, "note": note}, began)


def _value(limits: dict[str, list[float] | None]) -> tuple[np.ndarray, str]:
    """The means, NaN where starts differ or one is not at rest, and what to say about it."""
    restless = [name for name, limit in limits.items() if limit is None]
    if restless:
        return np.full(3, math.nan), f"not at rest from {restless[0]}: it oscillates, or settles too slowly"
    ends = np.array([*limits.values()])
    differ = np.ptp(ends, axis=0) > SAME
    named = ", ".join(name for name, each in zip(PAULI_AVERAGES, differ, strict=True) if each)
    return np.where(differ, math.nan, ends[0]), f"{named}: depends on the start" if named else ""


def _tilted(r_NA: np.ndarray) -> np.ndarray:
    """Every vector a little shorter, and turned a little."""
    random = np.random.default_rng(0)
    return (1 - 2 * TILT) * r_NA + TILT * random.uniform(0.3, 1, 3) + NOISE * random.uniform(-1, 1, r_NA.shape)


def _at_rest(equation: MeanField, r: np.ndarray, slowest: float) -> np.ndarray | None:
    """The end of an evolution that comes to rest, None for one that does not."""
    r = r.ravel()
    t = span = first = SPAN / min(1.0, slowest)
    while t <= LONGEST * first:
        before, r = r, equation.follow(r, [0.0, span])[-1]
        drift = np.abs(equation.flat_rate(t, r)).max() * t
        if t > span and max(np.abs(r - before).max(), drift) <= AT_REST:
            return r
        span, t = t, 2 * t
    return None


def _reference(times: np.ndarray, means_TA: np.ndarray, info: dict[str, Any], began: float) -> Reference:
    info = {"kind": KIND, "solver": "solve_ivp DOP853", **info, **made_in(time.perf_counter() - began)}
    return Reference(curve_table(times, means_TA, None), info)

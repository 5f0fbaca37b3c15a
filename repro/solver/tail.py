"""Steady states from the end of a curve that fluctuates: its mean, the mean's error, and whether it still moves.

Draws push an evolution by velocities about, and it forgets a push only at the pace of the model: its last state is off
by chance, and values near in time are off together. So the mean over a window of time counts, and the blocks that the
last two windows are cut into say how well it is known. Their means y are a parabola, which is what may still move, and
noise with covariance s^2 R, R_ij = phi^|i-j|. With M, the projection that takes parabolas off, and r = M y,

    (sum_i r_i r_(i+1)) / (r . r) = tr_1(M R M) / tr(M R M)  and  s^2 = (r . r) / tr(M R M)

give phi and s; tr_1 sums the first off-diagonal. The last window's mean w . y then has the variance s^2 w . R w.

Array suffixes: B blocks of two windows, W windows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from repro.config.method import Tdvp
from repro.config.point import Point
from repro.references.limits import yet_to_go

if TYPE_CHECKING:
    import pandas as pd

STILL_MOVING = 2.5
"""Length of a window, natural unit: a state is asked whether it has moved over this time."""
WINDOWS = 4
"""That a relaxation is looked for in."""
BLOCKS = 10
"""Of a window, or as many as it has values."""
FEWEST = 4
"""Values of a window; with longer steps the last state counts."""
INDEPENDENT = 5
"""About how many values of two windows are: the degrees of freedom of a standard error."""
NOISE = 2.0
"""Standard errors that noise may move one observable by."""
CORRELATIONS = 100
"""Values of phi that are tried."""


@dataclass(frozen=True)
class Tail:
    """The end of one curve, or of the mean of several.

    Attributes:
        mean_W: of each of the last windows, the last one last.
        error: standard error of the last one's.
        moved_error: standard error of its distance from the one before.
    """

    mean_W: np.ndarray
    error: float
    moved_error: float

    @property
    def mean(self) -> float:
        """Over the last window."""
        return float(self.mean_W[-1])

    @property
    def moved(self) -> float:
        """Distance of the last window's mean from the one's before."""
        return abs(float(self.mean_W[-1] - self.mean_W[-2]))

    def moving(self, observables: int, spread: float = 1.0) -> float:
        """What it still moves by, what a slow relaxation has yet to go included; 0 where noise alone may be the cause.

        Args:
            observables: how many are compared: among many, one is far off by chance.
            spread: of this one (`Observable.spread`), which cannot go further than twice that.
        """
        from scipy import stats

        limit = stats.t.isf(stats.norm.sf(NOISE) / observables, INDEPENDENT)
        if self.moved <= limit * self.moved_error:
            return 0.0
        to_come = float(yet_to_go(self.mean_W[:, None], spread)[0]) if len(self.mean_W) == WINDOWS else 0.0
        return max(self.moved, min(to_come, 2 * spread))


def fluctuates(point: Point) -> bool:
    """Whether a point's curve has such an end: velocities of draws, `FEWEST` steps in a window or more."""
    method = point.method
    return isinstance(method, Tdvp) and not point.estimator.exact_sums and method.step * FEWEST <= STILL_MOVING + 1e-9


def tail(curve: pd.Series[float]) -> Tail:
    """The end of a curve over t (natural unit) that began at 0 and has `FEWEST` values or more in each window."""
    t, values = curve.index.to_numpy(), curve.to_numpy()
    age = np.floor((t[-1] - t) / STILL_MOVING + 1e-9)
    windows = [values[age == k] for k in reversed(range(min(WINDOWS, int(t[-1] / STILL_MOVING + 1e-9))))]
    blocks = min(BLOCKS, len(windows[-1]), len(windows[-2]))
    mean_B = np.array([block.mean() for each in windows[-2:] for block in np.array_split(each, blocks)])
    covariance_BB = _covariance(mean_B)
    last_B = np.repeat([0.0, 1 / blocks], blocks)
    moved_B = np.repeat([-1 / blocks, 1 / blocks], blocks)
    variances = (each_B @ covariance_BB @ each_B for each_B in (last_B, moved_B))
    return Tail(np.array([each.mean() for each in windows]), *(math.sqrt(each) for each in variances))


def together(tails: Sequence[Tail]) -> Tail:
    """Of the mean of curves that are independent."""
    errors = ((each.error, each.moved_error) for each in tails)
    return Tail(
        np.mean([each.mean_W for each in tails], axis=0),
        *(float(np.linalg.norm(each)) / len(tails) for each in zip(*errors, strict=True)),
    )


def _covariance(mean_B: np.ndarray) -> np.ndarray:
    """s^2 R of the noise in block means."""
    M_BB, phis, ratios = _expected(len(mean_B))
    r_B = M_BB @ mean_B
    square = float(r_B @ r_B)
    if square <= 1e-24 * float(mean_B @ mean_B):
        return np.zeros_like(M_BB)
    R_BB = _correlations(float(np.interp(r_B[1:] @ r_B[:-1] / square, ratios, phis)), len(mean_B))
    return square / np.trace(M_BB @ R_BB @ M_BB) * R_BB


@lru_cache(maxsize=32)
def _expected(n_blocks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """M, values of phi up to noise that lasts as long as a window, and tr_1(M R M) / tr(M R M) of each."""
    powers = np.vander(np.linspace(-1, 1, n_blocks), 3)
    M_BB = np.eye(n_blocks) - powers @ np.linalg.pinv(powers)
    phis = np.linspace(0, math.exp(-2 / n_blocks), CORRELATIONS)
    left = [M_BB @ _correlations(phi, n_blocks) @ M_BB for phi in phis]
    return M_BB, phis, np.array([np.trace(each, 1) / np.trace(each) for each in left])


def _correlations(phi: float, n_blocks: int) -> np.ndarray:
    """R_ij = phi^|i-j|."""
    return phi ** np.abs(np.subtract.outer(np.arange(n_blocks), np.arange(n_blocks)))

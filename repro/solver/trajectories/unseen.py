"""What no trajectory has met: jumps, and draws of a mixed start, that none has had though they may happen.

While they are rare, trajectories without them are all alike, and their spread says nothing. A trajectory expects
int_0^t <c^+ c> jumps of a channel c. Where that is w for all the channels that no trajectory has met, about 1 - e^-w of
all trajectories would have met one, and hardly more than a few in R if none of R has. Each may be off by twice an
observable's bound. In a state where no jump can happen w = 0. Channels that symmetries carry into each other are one.

Array suffixes: R trajectories, M times, G events, P observables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from repro.solver.problem import Problem
from repro.solver.trajectories.images import Images, images, placed

SEEN = 0.05
"""An observable of which some trajectory is further from the mean than so much of its bound is seen to spread."""
AT_MOST = 1.5
"""In R have what none has met: more, with probability 0.22, twice as many, with 0.05."""


class Events:
    """Jumps that act, and the rarer state of every mixed site.

    Args:
        problem: in its natural unit.
        permutations: the problem's symmetries.
    """

    def __init__(self, problem: Problem, permutations: Images) -> None:
        self._group: list[int | None] = []
        known: dict[tuple[Any, ...], int] = {}
        for jump in problem.model.jumps:
            if not jump.acts:
                self._group.append(None)
                continue
            sites, operator = placed(list(jump.sites), jump.operator)
            alike = images(tuple((site, "Z") for site in sites), permutations)[0]
            key = (alike, np.round(operator, 9).tobytes(), jump.rate)
            self._group.append(known.setdefault(key, len(known)))
        self.n_groups = len(known)
        size = np.linalg.norm(np.array(problem.bloch_vectors), axis=1)
        self._rarer = -np.log1p(-((1 - size) / 2).clip(min=0.0))  # with 1 - e^-w the part that is drawn

    def by_group(self, of_jumps: Sequence[Any]) -> list[Any]:
        """Of every group the sum of what is given for each of the model's jumps."""
        found: list[Any] = [None] * self.n_groups
        for group, value in zip(self._group, of_jumps, strict=True):
            if group is not None:
                found[group] = value if found[group] is None else found[group] + value
        return found

    def awaited(self, rates_MG: np.ndarray, times: np.ndarray, jumps: Sequence[int], rarer: np.ndarray) -> np.ndarray:
        """How many of each event are expected until every time, (M, G); NaN of those that this trajectory has had.

        Args:
            rates_MG: of jumps, along the trajectory.
            times: of the rows.
            jumps: numbers of the model's jumps that happened.
            rarer: whether each site began in its rarer state.
        """
        from scipy.integrate import cumulative_trapezoid

        expected_MG = cumulative_trapezoid(rates_MG.clip(min=0.0), times, axis=0, initial=0)
        expected_MG[:, sorted({group for k in jumps if (group := self._group[k]) is not None})] = np.nan
        drawn = np.where(rarer, np.nan, self._rarer)
        return np.hstack([expected_MG, np.broadcast_to(drawn, (len(times), len(drawn)))])


def hidden(awaited_RMG: np.ndarray) -> np.ndarray:
    """The part of all trajectories, (M,), that may have met what none of R has."""
    missed_M = np.nansum(awaited_RMG.mean(0), axis=1)
    return np.minimum(AT_MOST / len(awaited_RMG), -np.expm1(-missed_M))


def missed(farthest_P: np.ndarray, spread_P: np.ndarray, awaited_RMG: np.ndarray) -> np.ndarray:
    """By how much what none has met may change the means of observables that do not spread yet, (M, P).

    Args:
        farthest_P: the largest distance of a trajectory from the mean.
        spread_P: of the observables.
        awaited_RMG: what every trajectory says of events (`Events.awaited`).
    """
    return np.where(farthest_P < SEEN * spread_P, 2 * spread_P * hidden(awaited_RMG)[:, None], 0.0)

"""Seconds of sizes that were not run, from the largest one that was, by how a way's work grows.

A density matrix has 4^N entries, a state vector 2^N, and L or H has a number of terms that grows as N. A trajectory as
a matrix product has N tensors, and steps in which all spins together hardly ever jump twice: N times as many. The
infinite chain has two tensors at any size. In two dimensions the bond dimension of a snake grows with the lattice in a
way that nobody knows beforehand: no rule, no row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from benchmarks.crossing.problems import Problem
from figures.crossing_text import EXTRAPOLATED, USED
from repro.references.gates.circuit import MAX_GATE_SITES
from repro.utils.names import PAULI_AVERAGES

CENTURY = 3e9
"""Seconds that nobody waits: nothing is extrapolated beyond."""
LARGEST = {"gates": MAX_GATE_SITES}
"""Sizes beyond which the memory of a desk does not reach."""
RULES: dict[tuple[str, str], tuple[str, Callable[[int, int], float]]] = {
    ("1d", "density matrix"): ("4^N N", lambda N, M: 4.0 ** (N - M) * N / M),
    ("2d", "density matrix"): ("4^N N", lambda N, M: 4.0 ** (N - M) * N / M),
    ("1d", "trajectories"): ("2^N N", lambda N, M: 2.0 ** (N - M) * N / M),
    ("1d", "tensor jumps"): ("N^2", lambda N, M: (N / M) ** 2),
    ("2d", "trajectories"): ("2^N N", lambda N, M: 2.0 ** (N - M) * N / M),
    ("2d", "gates"): ("2^N N", lambda N, M: 2.0 ** (N - M) * N / M),
}


def has_rule(panel: str, way: str) -> bool:
    """Whether it is known how a way's work grows."""
    return (panel, way) in RULES


def factor(panel: str, way: str, n_sites: int, measured: int) -> float:
    """How many times the seconds of a measured size another takes, by its rule."""
    return RULES[panel, way][1](n_sites, measured)


def extrapolated(measured: pd.DataFrame, problem: Problem, way: str) -> list[dict[str, Any]]:
    """Rows of a way for the sizes beyond its largest measured one.

    Args:
        measured: rows of the table that were measured.
        problem: whose sizes.
        way: which.
    """
    found = RULES.get((problem.panel, way))
    known = measured[(measured["problem"] == problem.name) & (measured["way"] == way) & (measured["use"] == USED)]
    if found is None or not len(known):
        return []
    name, grows = found
    last = known.iloc[int(known["n_sites"].to_numpy().argmax())]
    M, rows = int(last["n_sites"]), []
    for N in (n for n in problem.sizes if n > M):
        labels = {**problem.labels(N), "way": way, "use": USED, "candidate": last["candidate"]}
        values = {"kind": EXTRAPOLATED, "settings": last["settings"]}
        rule = f"{name}, from N = {M}"
        seconds = float(last["seconds"]) * grows(N, M)
        if seconds > CENTURY or LARGEST.get(way, N) < N:
            break
        nothing = dict.fromkeys((*PAULI_AVERAGES, "error"), float("nan"))
        rows.append({**labels, **values, "rule": rule, "seconds": seconds, **nothing, "device": last["device"]})
    return rows

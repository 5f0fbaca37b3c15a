"""Complete the table: search every way's settings where exact values are known, then run its sizes with the best."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from benchmarks.crossing import gate_circuits, tensor_jumps
from benchmarks.crossing.extrapolate import extrapolated, factor, has_rule
from benchmarks.crossing.problems import Problem
from benchmarks.crossing.rows import SEARCH, TARGET, Say, Table
from benchmarks.crossing.ways import Way, ways_of
from figures.crossing_text import MISSED, USED
from repro.utils.names import PAULI_AVERAGES

PACKAGES: dict[str, Any] = {"tensor jumps": tensor_jumps, "gates": gate_circuits}
"""Ways that need a package which `make setup` does not install."""
ALLOWED = 2.0
"""Own standard errors that a candidate may be off by beyond the target."""


def complete(table: Table, problem: Problem, names: tuple[str, ...], longest: float, runs: Path, say: Say) -> None:
    """Add what is missing of a problem.

    Args:
        table: rows that it has are not measured again.
        problem: which.
        names: of the ways wanted.
        longest: CPU seconds that one measurement may be expected to take; what takes longer is extrapolated.
        runs: folder of this suite's own runs.
        say: called with lines of progress.
    """
    rows: list[dict[str, Any]] = []
    for way in ways_of(problem, longest, runs, say):
        if way.name not in names:
            continue
        package = PACKAGES.get(way.name)
        if package and not package.installed():
            say(package.MISSING)
        elif best := _best(table, problem, way, say):
            _run(table, problem, way, best, longest, say)
        rows += extrapolated(table.measured(), problem, way.name)
    others = [row for row in table.extrapolated() if row["problem"] != problem.name or row["way"] not in names]
    table.replace_extrapolated(others + rows)


def _best(table: Table, problem: Problem, way: Way, say: Say) -> str:
    """The cheapest candidate within the target, by its name; empty where none is."""
    if len(way.candidates) == 1:
        return next(iter(way.candidates))
    N = way.searched_at
    for name, candidate in way.candidates.items():
        if not table.has(problem.name, N, way.name, SEARCH, name):
            say(f"{problem.name}, {way.name}, {name}, N = {N}")
            table.add(_labels(problem, N, way, SEARCH, name), candidate(N))
    exact = table.best_known(problem.name, N)
    tried = [row for row in table.of(problem.name, N, way.name, SEARCH) if row["candidate"] in way.candidates]
    within = [row for row in tried if _within(row, exact)]
    return str(min(within, key=lambda row: row["seconds"])["candidate"]) if within else ""


def _run(table: Table, problem: Problem, way: Way, best: str, longest: float, say: Say) -> None:
    for N in way.sizes:
        smaller = [row for row in table.of(problem.name, None, way.name, USED) if row["n_sites"] < N]
        if any(row["kind"] == MISSED for row in smaller):
            say(f"{problem.name}, {way.name}, N = {N}: left out, a smaller one was given up")
            continue
        if table.has(problem.name, N, way.name, USED):
            continue
        if way.searched_at == N and table.reuse(problem.name, N, way.name, best):
            continue
        if found := way.kept(N):
            table.add(_labels(problem, N, way, USED, best), found)
            continue
        expected = _expected(table, problem, way, N)
        if expected > longest:
            say(f"{problem.name}, {way.name}, N = {N}: left out, it would take about {expected:.0f} s")
            continue
        say(f"{problem.name}, {way.name}, {best}, N = {N}")
        table.add(_labels(problem, N, way, USED, best), way.candidates[best](N))


def _expected(table: Table, problem: Problem, way: Way, n_sites: int) -> float:
    """Seconds by the rule from the largest size measured; 0 where nothing tells and the way has a limit of its own."""
    known = [row for row in table.of(problem.name, None, way.name, USED) if row["n_sites"] < n_sites]
    if not known or not has_rule(problem.panel, way.name):
        return 0.0
    last = max(known, key=lambda row: row["n_sites"])
    return float(last["seconds"]) * factor(problem.panel, way.name, n_sites, int(last["n_sites"]))


def _labels(problem: Problem, n_sites: int, way: Way, use: str, candidate: str) -> dict[str, Any]:
    return {**problem.labels(n_sites), "way": way.name, "use": use, "candidate": candidate}


def _within(row: dict[str, Any], exact: dict[str, Any] | None) -> bool:
    """Whether all means are known and none is further off than the target and what the way says of its own error."""
    if exact is None or not all(math.isfinite(row[name]) for name in PAULI_AVERAGES):
        return False
    own = row["error"] if math.isfinite(row["error"]) else 0.0
    return max(abs(row[name] - exact[name]) for name in PAULI_AVERAGES) <= TARGET + ALLOWED * own

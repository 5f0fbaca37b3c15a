"""Lattice symmetries of a problem: what they carry into each other has the same mean, so that means are averaged.

A ring or a periodic rectangle has translations, reflections and, where it is square, the exchange of rows and columns.
Those count under which every term, every jump operator and the start stay what they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from repro.ansatz.strings import symmetries
from repro.physics.lindblad import LindbladModel
from repro.physics.observables import PauliString
from repro.solver.problem import Problem

SAME = 1e-12
"""Entries may differ by so much, in the model's natural unit."""

Images = tuple[tuple[int, ...], ...]


def symmetries_of(problem: Problem) -> Images:
    """Permutations of the sites (site k goes to p[k]) that leave model and start as they are; the identity first."""
    sites = tuple(problem.model.lattice.sites)
    if not problem.model.lattice.periods:
        return (sites,)
    whole, starts = _terms(problem.model, sites), np.array(problem.bloch_vectors)
    kept = [
        p
        for p in symmetries(problem.model.lattice)
        if np.abs(starts[list(p)] - starts).max() < SAME and _equal(_terms(problem.model, p), whole, problem.model.unit)
    ]
    return (sites, *(p for p in kept if p != sites))


def images(string: PauliString, permutations: Images) -> list[PauliString]:
    """The different images of a Pauli string, sorted: the first one stands for all."""
    return sorted({tuple(sorted((p[site], axis) for site, axis in string)) for p in permutations})


def representatives(
    strings: Sequence[PauliString], alike: Mapping[PauliString, list[PauliString]]
) -> tuple[list[PauliString], dict[PauliString, int]]:
    """One string for all that are images of each other, and which one stands for each."""
    chosen: dict[PauliString, PauliString] = {}
    for string in strings:
        chosen.setdefault(alike[string][0], string)
    found = list(chosen.values())
    return found, {string: found.index(chosen[alike[string][0]]) for string in strings}


def averaged(operators: Sequence[Any]) -> Any:
    """The mean of some operators."""
    return sum(operators[1:], operators[0]) / len(operators)


def _terms(model: LindbladModel, p: Sequence[int]) -> dict[tuple[int, ...], list[np.ndarray]]:
    """By sites, ascending, the sum of H's terms and then every jump's sqrt(rate) Gamma, the sites carried by p."""
    found: dict[tuple[int, ...], list[np.ndarray]] = {}
    for term in model.hamiltonian_terms:
        sites, operator = placed([p[site] for site in term.sites], term.operator)
        total = found.setdefault((0, *sites), [np.zeros_like(operator)])
        total[0] = total[0] + operator
    for jump in model.jumps:
        if jump.acts:
            sites, operator = placed([p[site] for site in jump.sites], np.sqrt(jump.rate) * jump.operator)
            found.setdefault((1, *sites), []).append(operator)
    return found


def placed(sites: list[int], operator: np.ndarray) -> tuple[tuple[int, ...], np.ndarray]:
    """An operator with its sites ascending."""
    if len(sites) == 1 or sites[0] < sites[1]:
        return tuple(sites), operator
    return (sites[1], sites[0]), operator.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)


def _equal(a: dict[tuple[int, ...], list[np.ndarray]], b: dict[tuple[int, ...], list[np.ndarray]], unit: float) -> bool:
    """Whether two models' terms are the same; jumps of the same sites in any order."""
    if a.keys() != b.keys():
        return False
    return all(len(a[key]) == len(b[key]) and _matched(a[key], b[key], SAME * max(1.0, unit)) for key in a)


def _matched(a: list[np.ndarray], b: list[np.ndarray], limit: float) -> bool:
    left = list(b)
    for operator in a:
        near = next((k for k, other in enumerate(left) if np.abs(other - operator).max() <= limit), None)
        if near is None:
            return False
        left.pop(near)
    return True

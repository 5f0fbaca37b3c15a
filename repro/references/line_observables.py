"""Pauli strings, their combinations and the purity measured on a matrix product of an open chain or an infinite one.

On the infinite chain a string's mean depends on the distances of its sites alone: of a ring's string the shorter way
round is taken, and its mean is averaged over translations.

Array suffixes: M times, S strings, P observables.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from repro.physics.lindblad import PAULIS, LindbladModel
from repro.physics.observables import Observable, PauliString, named, strings_of
from repro.physics.povm import product_state_density
from repro.references import limits
from repro.references.chain import RING
from repro.references.matrix_product import MatrixProduct
from repro.references.matrix_product import evolve as evolve_product
from repro.references.pauli_generators import bond_generators, is_ring, pauli_vector, shortened, uniform_generator
from repro.references.qutip_solvers import density_operators, evolve, qutip_operators
from repro.utils.errors import InputError

NUMBER = {axis.upper(): number for number, axis in enumerate(PAULIS, 1)}
"""Of a Pauli matrix in the basis of matrix products."""

STEADY_TIME, LONGEST, AT_REST = 20.0, 160.0, 0.5
"""Of a steady state (natural unit): the first length of the evolution, doubled up to the longest while what still moves
is above such a part of the target."""
GROWTH = 1.0
"""A slow relaxation may begin as late as that: its changes double at most."""
STEADY_RING = 8

Bloch = Sequence[tuple[float, float, float]]


class TooLongError(Exception):
    """A deadline is over."""


class LineObservables:
    """A model on a line, where it starts, and what is measured on it.

    Args:
        model: on an open chain, or on a ring of more than ten sites that is the same everywhere.
        vectors: Bloch vector of every site at the start; on a ring all alike.
        observables: what is asked for.

    Attributes:
        infinite: whether the line is a ring, taken for the infinite chain.
        served: of every observable whether it can be had.
        patterns: what a string is measured as: on a ring its shorter way round, first site 0.
        measured: the different patterns and, on a ring, what they are on a shorter ring (`shorter`).

    Raises:
        InputError: another lattice, terms beyond neighbours, sites of a ring that differ.
    """

    def __init__(self, model: LindbladModel, vectors: Bloch, observables: Sequence[Observable]) -> None:
        self.model, self.observables = model, observables
        self.vectors = [(float(x), float(y), float(z)) for x, y, z in vectors]
        self.infinite, N = is_ring(model.lattice), model.lattice.n_sites
        if self.infinite:
            if N <= RING or len(set(self.vectors)) > 1:
                said = f"{N} sites" if N <= RING else "an initial state per site"
                raise InputError(f"matrix products of a ring with {said}: expected more than {RING}, all alike")
            L = uniform_generator(model)
            self.generators = {0: L, 1: L}
        else:
            self.generators = {left: L for (left, _), L in bond_generators(model).items()}
        self.served = [self._can_be_had(each) for each in observables]
        asked = [each for each, served in zip(observables, self.served, strict=True) if served]
        self.patterns = {string: one_way_round(string, N) if self.infinite else string for string in strings_of(asked)}
        self.measured = list(dict.fromkeys(self.patterns.values()))
        self.purity = any(each.purity for each in asked)

    def measure_too(self, span: int) -> None:
        """Measure the patterns with their gaps shortened to a span too (`off_the_ring`); drop what does not fit."""
        for k, each in enumerate(self.observables):
            if self.served[k] and any(shorter(self.patterns[string], span) is None for string in each.strings):
                self.served[k] = False
        short = [shorter(pattern, span) for pattern in self.measured]
        self.measured = list(dict.fromkeys([*self.measured, *(each for each in short if each is not None)]))

    def start(self, bond_dimension: int) -> MatrixProduct:
        """The initial state."""
        vectors = self.vectors[:2] if self.infinite else self.vectors
        return MatrixProduct([pauli_vector(vector) for vector in vectors], bond_dimension, self.infinite)

    def evolved(self, state: MatrixProduct, times: Sequence[float], dt: float, deadline: float) -> np.ndarray:
        """Means of what is measured at some times from 0, (M, S), the purity last; the state ends at the last.

        Raises:
            TooLongError: the deadline (seconds of `time.perf_counter`) is over.
        """
        return np.array(evolve_product(state, self.generators, times, dt, partial(self._means, deadline=deadline)))

    def values(self, means_MS: np.ndarray) -> np.ndarray:
        """Every observable from the means of what is measured, (M, P); NaN of those that cannot be had."""
        column = {pattern: k for k, pattern in enumerate(self.measured)}
        values_MP = np.full((len(means_MS), len(self.observables)), math.nan)
        for k, each in enumerate(self.observables):
            if self.served[k] and each.purity:
                values_MP[:, k] = means_MS[:, -1]
            elif self.served[k]:
                columns = {string: column[self.patterns[string]] for string in each.strings}
                values_MP[:, k] = [each.value({s: row[c] for s, c in columns.items()}) for row in means_MS.tolist()]
        return values_MP

    def off_the_ring(self, means_MS: np.ndarray, exact: Mapping[str, np.ndarray], span: int) -> np.ndarray:
        """How far observables of the infinite chain are from a ring's, (M, P), from that of the strings that fit on it.

        Args:
            means_MS: of what is measured.
            exact: (M,) of every string `shorter` with this span on the shorter ring, by its text.
            span: largest distance of a string's sites on it.
        """
        column = {pattern: k for k, pattern in enumerate(self.measured)}
        off_MP = np.full((len(means_MS), len(self.observables)), math.nan)
        for k, each in enumerate(self.observables):
            if not self.served[k]:
                continue
            weights = [*((abs(c), string) for c, string in each.terms), *((1.0, string) for string in each.factors)]
            off_MP[:, k] = 0.0
            for weight, string in weights:
                short = shorter(self.patterns[string], span)
                assert short is not None  # `measure_too` has dropped what does not fit
                off_MP[:, k] += weight * np.abs(means_MS[:, column[short]] - exact[named(short)])
        return off_MP

    def _can_be_had(self, each: Observable) -> bool:
        N = self.model.lattice.n_sites
        ways = [one_way_round(string, N) for string in each.strings] if self.infinite else []
        return not (self.infinite and each.purity) and all(_span(way) <= N / 2 for way in ways)

    def _means(self, state: MatrixProduct, deadline: float) -> np.ndarray:
        if time.perf_counter() > deadline:
            raise TooLongError("matrix products: no time left")
        means = state.means([{site: NUMBER[letter] for site, letter in pattern} for pattern in self.measured])
        return np.append(means, state.purity() if self.purity else math.nan)


class Source(Protocol):
    """An evolution or a steady state: times of its rows (natural unit), sites of the ring that QuTiP solves."""

    times: np.ndarray
    ring: int

    def means(self, bond_dimension: int, dt: float, deadline: float) -> tuple[np.ndarray, np.ndarray]:
        """Means of what is measured, (M, S), and by how much the observables are still to move, (M, P)."""

    def exact(self) -> Mapping[str, np.ndarray]:
        """(M,) of the shortened strings on the ring that QuTiP solves, by their text."""


class Evolution:
    """An evolution to some times (natural unit)."""

    ring = RING

    def __init__(self, line: LineObservables, times: np.ndarray) -> None:
        self.line, self.times = line, times

    def means(self, bond_dimension: int, dt: float, deadline: float) -> tuple[np.ndarray, np.ndarray]:
        means_MS = self.line.evolved(self.line.start(bond_dimension), list(self.times), dt, deadline)
        return means_MS, np.zeros((len(self.times), len(self.line.observables)))

    def exact(self) -> Mapping[str, np.ndarray]:
        hamiltonian, jumps, rho, e_ops = _on_a_ring(self.line, RING)
        result = evolve(hamiltonian, jumps, rho, self.times, e_ops=e_ops, atol=1e-8, rtol=1e-6)
        return {name: np.real(values) for name, values in result.e_data.items()}


class Steady:
    """Where the evolution comes to rest; what may still move is to be small beside the target."""

    ring, times = STEADY_RING, np.array([math.inf])

    def __init__(self, line: LineObservables, target: float) -> None:
        self.line, self.spread_P = line, np.array([each.spread for each in line.observables])
        self.still_P = AT_REST * target * self.spread_P
        self.length = 0.0  # of the evolution, once it is known

    def means(self, bond_dimension: int, dt: float, deadline: float) -> tuple[np.ndarray, np.ndarray]:
        state, times = self.line.start(bond_dimension), np.arange(self.length or STEADY_TIME, step=1.0)
        means_MS = self.line.evolved(state, [*times, times[-1] + 1], dt, deadline)
        while not self.length:
            rest_P = still_to_move(self.line.values(means_MS), self.spread_P)
            if not (rest_P > self.still_P).any() or len(means_MS) > LONGEST:
                self.length = len(means_MS) - 1.0
            else:
                more_MS = self.line.evolved(state, list(np.arange(len(means_MS), dtype=float)), dt, deadline)
                means_MS = np.concatenate([means_MS, more_MS[1:]])
        left_P = still_to_move(self.line.values(means_MS), self.spread_P)
        return means_MS[-1:], np.minimum(left_P, 2 * self.spread_P)[None]

    def exact(self) -> Mapping[str, np.ndarray]:
        _, _, rho, e_ops = _on_a_ring(self.line, STEADY_RING)
        _, steady = limits.steady_state(shortened(self.line.model, STEADY_RING), rho)
        return {name: np.array([(operator * steady).tr().real]) for name, operator in e_ops.items()}


def still_to_move(values_MP: np.ndarray, spread_P: np.ndarray | float) -> np.ndarray:
    """By how much curves may still move after their last row, (P,): what they moved in the last quarter, and where it
    is a slow decay, what that has yet to go, from the changes in the last three quarters."""
    quarter = (len(values_MP) - 1) // 4
    moved_P = np.abs(values_MP[-1 - quarter :] - values_MP[-1]).max(0)
    return np.fmax(moved_P, limits.yet_to_go(values_MP[[-1 - k * quarter for k in (3, 2, 1, 0)]], spread_P, GROWTH))


def _on_a_ring(line: LineObservables, n_sites: int) -> tuple[Any, ...]:
    """H, jumps, the initial state and the strings, their gaps shortened, on a ring that QuTiP solves."""
    from qutip import Qobj, tensor

    hamiltonian, jumps = qutip_operators(shortened(line.model, n_sites))
    rho = tensor([Qobj(product_state_density(line.vectors[0]))] * n_sites).to("Dense")
    strings = {short for each in line.measured if (short := shorter(each, n_sites // 2)) is not None}
    return hamiltonian, jumps, rho, density_operators(sorted(strings), n_sites)


def one_way_round(string: PauliString, n_sites: int) -> PauliString:
    """A ring's string from the end of its widest gap on, first site 0."""
    if not string:
        return string
    sites = [site for site, _ in string]
    gaps = [(site - before) % n_sites or n_sites for before, site in zip([sites[-1], *sites], sites, strict=False)]
    first = gaps.index(max(gaps))
    return tuple(((site - sites[first]) % n_sites, letter) for site, letter in (*string[first:], *string[:first]))


def shorter(pattern: PauliString, span: int) -> PauliString | None:
    """A pattern whose widest gaps are shortened until it spans so many bonds; None where that cannot be."""
    gaps = [after - before for (before, _), (after, _) in pairwise(pattern)]
    while sum(gaps) > span:
        if max(gaps) == 1:
            return None
        gaps[gaps.index(max(gaps))] -= 1
    sites = np.cumsum([0, *gaps]).tolist()
    return tuple((site, letter) for site, (_, letter) in zip(sites, pattern, strict=False))


def _span(pattern: PauliString) -> int:
    return pattern[-1][0] - pattern[0][0] if pattern else 0

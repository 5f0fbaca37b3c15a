"""How fast an observable changes, from the state alone: d<O>/dt = Tr(O L(rho)), Eq. 1, without a second state.

A Pauli string's rate is a sum over the terms of L that meet it, of strings that differ from it on their sites alone:

    d<P_a>/dt = sum over terms of sum_b M_ab <P_b>,

with the term's matrix M of `repro.physics.pauli_maps`. So the rate is an observable itself, and as local as L allows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.physics.observables import LETTERS, Observable, PauliString
from repro.physics.pauli_maps import local_maps
from repro.utils.errors import InputError

ALPHABET = ("I", *LETTERS)
SMALLEST = 1e-14
"""Coefficients below it, in units of the model's largest strength and the observable's bound, are rounding."""


def rates_of(observables: Iterable[Observable], model: LindbladModel) -> tuple[Observable, ...]:
    """The observables whose means are d<O>/dt, of the same names; units of the model's rates.

    Raises:
        InputError: a connected correlator or the purity, which are no means of one operator.
    """
    maps = local_maps(model)
    return tuple(_rate_of(each, maps, SMALLEST * model.unit * each.bound) for each in observables)


def _rate_of(observable: Observable, maps: Sequence[tuple[tuple[int, ...], np.ndarray]], smallest: float) -> Observable:
    if observable.purity or observable.factors:
        raise InputError(f"rate of {observable.name}: expected a Pauli string or a linear combination of them")
    changes: dict[PauliString, float] = defaultdict(float)
    for factor, string in observable.terms:
        for sites, M_ab in maps:
            for to, rate in _row(string, sites, M_ab):
                changes[to] += factor * rate
    return Observable(observable.name, tuple((rate, to) for to, rate in changes.items() if abs(rate) > smallest))


def _row(string: PauliString, sites: tuple[int, ...], M_ab: np.ndarray) -> Iterable[tuple[PauliString, float]]:
    """What one term makes of a string: other strings and their rates; nothing where the term does not meet it."""
    letters = dict(string)
    if not any(site in letters for site in sites):
        return
    shape = (4,) * len(sites)
    a = np.ravel_multi_index([ALPHABET.index(letters.get(site, "I")) for site in sites], shape)
    for b in np.flatnonzero(M_ab[a]):
        there = dict(zip(sites, (ALPHABET[k] for k in np.unravel_index(b, shape)), strict=True))
        changed = letters | there
        yield tuple(sorted((site, letter) for site, letter in changed.items() if letter != "I")), float(M_ab[a, b])

"""Pauli strings, their linear combinations and connected correlators: from text to expectation values.

    <P> = sum_b p(b) Tr(P N^(b)),  Tr(P N^(b)) = prod_i Tr(P_i N^(b_i)),

with the dual frame N of `repro.physics.povm`. A string is text such as "X0 Z3": letters X, Y, Z, each followed by its
site; "I" alone is the identity.

Tensor suffixes: B samples, N sites, K outcomes (4).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from repro.physics.hilbert_schmidt import HilbertSchmidt
from repro.physics.lindblad import PAULIS
from repro.physics.povm import Povm
from repro.utils.errors import InputError
from repro.utils.validation import shorten

LETTERS = tuple(axis.upper() for axis in PAULIS)
IDENTITY_STRING = "I"
FACTOR = re.compile(r"([A-Za-z])(-?[0-9]+)")

PauliString = tuple[tuple[int, str], ...]
"""Pairs (site, letter), sites ascending; empty for the identity."""


@dataclass(frozen=True)
class Observable:
    """An observable: sum_k c_k <P_k> - prod_j <F_j>, or the purity Tr rho^2.

    Attributes:
        name: how tables call it.
        terms: pairs (c_k, P_k).
        factors: strings F_j whose means' product is subtracted (connected correlators); none for a linear observable.
        purity: whether it is the purity; then nothing else is given.
    """

    name: str
    terms: tuple[tuple[float, PauliString], ...] = ()
    factors: tuple[PauliString, ...] = ()
    purity: bool = False

    @property
    def strings(self) -> tuple[PauliString, ...]:
        """The strings whose means it needs."""
        return (*(string for _, string in self.terms), *self.factors)

    @property
    def bound(self) -> float:
        """What its absolute value is at most in any state; of products of commuting strings a covariance, at most 1."""
        return 1.0 if self.purity or self.factors else sum(abs(c) for c, _ in self.terms)

    @property
    def spread(self) -> float:
        """How far its value can be from that of the maximally mixed state: the bound without the identity, which never
        moves; the bound itself where there is nothing else."""
        moving = sum(abs(c) for c, string in self.terms if string)
        return self.bound if self.purity or self.factors or moving == 0 else moving

    def value(self, means: Mapping[PauliString, float]) -> float:
        """The value from the means of its strings."""
        linear = sum(c * means[string] for c, string in self.terms)
        return linear - (math.prod(means[string] for string in self.factors) if self.factors else 0.0)


def product_mean(string: PauliString, vectors: Sequence[Sequence[float]] | np.ndarray) -> float:
    """<P> in a product state of Bloch vectors (x, y, z), one for each site: the product of their components."""
    return math.prod(float(vectors[site]["XYZ".index(axis)]) for site, axis in string)


def parse(text: str, n_sites: int) -> PauliString:
    """A Pauli string from text.

    Args:
        text: such as "X0 Z3", or "I".
        n_sites: of the lattice.

    Raises:
        InputError: no such text, an unknown letter, a site outside the lattice or one named twice.
    """
    where = f"Pauli string {shorten(text)}"
    if not isinstance(text, str) or not text.split():
        raise InputError(f"{where}: expected text such as 'X0 Z3'")
    if text.strip() == IDENTITY_STRING:
        return ()
    letters: dict[int, str] = {}
    for word in text.split():
        match = FACTOR.fullmatch(word)
        if match is None or match[1] not in LETTERS:
            raise InputError(f"{where}: '{word}' is no Pauli matrix, expected X, Y or Z and a site, such as 'X0'")
        site = int(match[2])
        if not 0 <= site < n_sites:
            raise InputError(f"{where}: the lattice has sites 0 to {n_sites - 1}")
        if site in letters:
            raise InputError(f"{where}: site {site} occurs twice, expected each site once")
        letters[site] = match[1]
    return tuple(sorted(letters.items()))


def named(string: PauliString) -> str:
    """A string's text, sites ascending."""
    return " ".join(f"{letter}{site}" for site, letter in string) or IDENTITY_STRING


def strings_of(observables: Iterable[Observable]) -> tuple[PauliString, ...]:
    """Strings of all observables, each once."""
    return tuple(dict.fromkeys(string for observable in observables for string in observable.strings))


def column(name: str) -> str:
    """An observable's column in a history; the brackets keep a user's names apart from the project's."""
    return f"<{name}>"


def coefficients(povm: Povm) -> dict[str, torch.Tensor]:
    """Tr(P N^(b)) of the Pauli matrices by letter, shape (4,), double precision."""
    return {axis.upper(): torch.from_numpy(povm.observable(pauli)) for axis, pauli in PAULIS.items()}


def expectation(p: torch.Tensor, string: PauliString, povm: Povm) -> float:
    """<P> = sum_b p(b) Tr(P N^(b)) by summing over all configurations.

    Args:
        p: shape (4,) * N, axis i the outcome of site i.
        string: P.
        povm: of p.
    """
    of_letter = coefficients(povm)
    sites = [site for site, _ in string]
    others = [axis for axis in range(p.ndim) if axis not in sites]
    marginal = p.detach().double()
    marginal = marginal.sum(others) if others else marginal
    for _, letter in string:  # the first axis is the first site not yet contracted
        marginal = torch.tensordot(of_letter[letter].to(marginal.device), marginal, dims=1)
    return float(marginal)


def purity(p: torch.Tensor, povm: Povm) -> float:
    """Tr rho^2 = sum_ab p(a) p(b) prod_i (T^-1)_(a_i b_i), T the overlap matrix, over all configurations.

    Args:
        p: shape (4,) * N.
        povm: of p.
    """
    return float(HilbertSchmidt(povm).squared(p.detach().double())) / 2**p.ndim


def exact_values(p: torch.Tensor, povm: Povm, observables: Sequence[Observable]) -> dict[str, float]:
    """Values by column name from an enumerated distribution of shape (4,) * N."""
    p = p.detach().double()
    means = {string: expectation(p, string, povm) for string in strings_of(observables)}
    return {column(each.name): purity(p, povm) if each.purity else each.value(means) for each in observables}


def sampled_values(
    samples_BN: torch.Tensor, povm: Povm, observables: Sequence[Observable]
) -> dict[str, tuple[float, float]]:
    """Values and standard errors by column name from samples.

    A linear observable is the mean of one number per sample. A connected correlator <AB> - <A><B> has to first order
    the error of the mean of ab - a <B> - b <A>.

    Args:
        samples_BN: at least two configurations.
        povm: of the samples.
        observables: no purity among them.

    Raises:
        InputError: the purity, whose variance grows exponentially with N.
    """
    of_letter = {letter: each.to(samples_BN.device) for letter, each in coefficients(povm).items()}
    values = {}
    for each in observables:
        if each.purity:
            raise InputError("purity from samples: expected enumeration, its error grows exponentially with the sites")
        value_B = samples_BN.new_zeros(len(samples_BN), dtype=torch.float64)
        for c, string in each.terms:
            value_B = value_B + c * _per_sample(samples_BN, string, of_letter)
        mean = float(value_B.mean())
        factors = [_per_sample(samples_BN, string, of_letter) for string in each.factors]
        if factors:
            means = [float(factor_B.mean()) for factor_B in factors]
            product = math.prod(means)
            mean -= product
            for k, factor_B in enumerate(factors):
                value_B = value_B - factor_B * math.prod(means[:k] + means[k + 1 :])
        values[column(each.name)] = (mean, float(value_B.std() / math.sqrt(len(value_B))))
    return values


def _per_sample(samples_BN: torch.Tensor, string: PauliString, of_letter: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Tr(P N^(b)) of every sample b, shape (B,)."""
    value_B = samples_BN.new_ones(len(samples_BN), dtype=torch.float64)
    for site, letter in string:
        value_B = value_B * of_letter[letter][samples_BN[:, site]]
    return value_B

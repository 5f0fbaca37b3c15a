"""A problem of the user's own: a Lindblad equation, a product state to start from, a POVM, and what to measure.

hbar = 1; times are in the inverse of whatever unit the rates and energies share. Everything is checked where it is
given, so that a wrong entry is one line there and not a failure hours later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from repro.physics.lattice import Lattice, keeps_bonds
from repro.physics.lindblad import HamiltonianTerm, Jump, LindbladModel
from repro.physics.observable_parser import EVERYTHING_LOCAL, parse_observables
from repro.physics.observables import Observable
from repro.physics.povm import POVMS, BlochState, Povm, bloch_vector
from repro.utils.errors import InputError, unknown
from repro.utils.validation import check_bool, check_instance, shorten


@dataclass(frozen=True, eq=False)
class Problem:
    """A problem for `repro.solve`.

    Attributes:
        model: the Lindblad equation (Eq. 1) with any one- and two-site terms.
        initial: the product state at t = 0: a name ("up", "down", "plus", "minus", "left", "right") or a Bloch vector
            (x, y, z) of length at most one for every spin alike, or a list of N of them, one for each site.
        povm: "tetrahedral", "pauli4", "tetrahedral-cubic", or four 2x2 matrices of your own; kept as a
            `repro.physics.povm.Povm`.
        observables: a list of "Z" (averaged over the sites), "Z*" (every site), a Pauli string such as "X0 Z3",
            {name: [(2.0, "X0 Y1"), ...]} for a linear combination, and "purity" (Tr rho^2, enumeration alone). By
            default X, Y, Z averaged and of every site.
        correlators: pairs such as ("Z0", "Z3"): the mean of the product and the connected part <AB> - <A><B>; "Z" for
            all pairs of sites.
        imaginary_time: cool the maximally mixed state, initial = (0, 0, 0), in place of evolving it: t is the inverse
            temperature, the state a Gibbs state (`repro.physics.imaginary_time`). No jumps.
        name: in tables, plots and messages.

    Raises:
        InputError: anything of the wrong type, shape or range, in one line.
    """

    model: LindbladModel
    initial: BlochState | Sequence[BlochState] = "up"
    povm: str | Povm | np.ndarray = "tetrahedral"
    observables: Iterable[Any] | str | Mapping[str, Any] = EVERYTHING_LOCAL
    correlators: Iterable[Any] = ()
    imaginary_time: bool = False
    name: str = "custom"
    bloch_vectors: tuple[tuple[float, float, float], ...] = field(init=False, repr=False)
    asked: tuple[Observable, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_instance("problem: model", self.model, LindbladModel)
        if not isinstance(self.name, str) or not self.name.strip() or not self.name.isprintable():
            raise InputError(f"problem: name = {shorten(self.name)}, expected printable text")
        derived = {
            "bloch_vectors": _bloch_vectors(self.initial, self.n_sites),
            "povm": _povm(self.povm),
            "asked": parse_observables(self.observables, self.correlators, self.n_sites),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        if check_bool("problem: imaginary_time", self.imaginary_time):
            self._check_cooling()

    def _check_cooling(self) -> None:
        if self.model.has_jumps:
            raise InputError("imaginary time of a model with jump operators: expected a Hamiltonian alone")
        if any(any(vector) for vector in self.bloch_vectors):
            raise InputError("imaginary time: expected initial = (0, 0, 0), the maximally mixed state")

    @property
    def n_sites(self) -> int:
        """Number of spins N."""
        return self.model.lattice.n_sites

    @property
    def unit(self) -> float:
        """The natural unit of its energies and rates: the largest one. Times are natural in its inverse."""
        return self.model.unit

    def in_natural_units(self) -> Problem:
        """The same problem with its largest energy or rate as 1: what is solved, so that no unit makes a difference."""
        natural = self.model.in_units_of(self.unit)
        return Problem(natural, self.bloch_vectors, self.povm, self.asked, (), self.imaginary_time, self.name)

    @cached_property
    def text(self) -> str:
        """Everything that decides the numbers, as JSON, the name left out; `Problem.from_text` reads it."""
        return json.dumps(_description(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Problem:
        """The problem of `text`.

        Raises:
            InputError: text of another kind.
        """
        try:
            return _from_description(cls, json.loads(text))
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"problem: cannot be read from its text ({type(error).__name__})") from error


def _bloch_vectors(initial: Any, n_sites: int) -> tuple[tuple[float, float, float], ...]:
    """One Bloch vector per site; three plain numbers are one vector for all."""
    one = isinstance(initial, str) or not isinstance(initial, Sequence | np.ndarray)
    three_numbers = (
        not one and len(initial) == 3 and all(np.ndim(entry) == 0 and not isinstance(entry, str) for entry in initial)
    )
    if three_numbers and n_sites == 3 and not isinstance(initial, tuple):
        raise InputError(
            f"initial = {shorten(initial)} on three sites: one Bloch vector or three states? expected the tuple "
            f"{shorten(tuple(initial))} for a Bloch vector of every site, or a list of three states such as "
            "['up', 'down', (0, 0, 1)]"
        )
    if one or three_numbers:
        return (bloch_vector(initial),) * n_sites
    if len(initial) != n_sites:
        raise InputError(
            f"initial state: {len(initial)} entries, expected one for all or one for each of {n_sites} sites"
        )
    return tuple(bloch_vector(each) for each in initial)


def _povm(povm: Any) -> Povm:
    """The POVM of a name or of four matrices."""
    if isinstance(povm, Povm):
        return povm
    if isinstance(povm, str):
        if povm not in POVMS:
            raise unknown("povm", povm, POVMS)
        return POVMS[povm]()
    return Povm(povm)


def _numbers(matrix: np.ndarray) -> list[list[float]]:
    """Real and imaginary parts, row by row, exactly."""
    return [[float(z.real) + 0.0, float(z.imag) + 0.0] for z in matrix.ravel()]


def _matrix(numbers: Sequence[Sequence[float]], *shape: int) -> np.ndarray:
    return np.array([complex(*pair) for pair in numbers]).reshape(shape)


def _square(sites: Sequence[int], numbers: Sequence[Sequence[float]]) -> np.ndarray:
    return _matrix(numbers, 2 ** len(sites), 2 ** len(sites))


def _description(problem: Problem) -> dict[str, Any]:
    """The contents of `text`. Terms that vanish are left out; two sites are neighbours where a term joins them."""
    model = problem.model
    lattice, povm = model.lattice, _povm(problem.povm)
    terms = [(term.sites, term.operator) for term in model.hamiltonian_terms if term.operator.any()]
    jumps = [(jump.sites, jump.operator, jump.rate) for jump in model.jumps if jump.acts]
    kind = {"imaginary_time": True} if problem.imaginary_time else {}
    pairs = [sites for sites in [*(term[0] for term in terms), *(jump[0] for jump in jumps)] if len(sites) == 2]
    # without a term on every bond a translation is no symmetry
    periods = lattice.periods if keeps_bonds(lattice.periods, pairs) else ()
    return kind | {
        "n_sites": lattice.n_sites,
        "shape": lattice.shape,
        "periods": periods,
        "lattice": lattice.name,
        "hamiltonian": [[list(map(int, sites)), _numbers(operator)] for sites, operator in terms],
        "jumps": [[list(map(int, sites)), _numbers(operator), rate] for sites, operator, rate in jumps],
        "initial": problem.bloch_vectors,
        "povm": _numbers(povm.frame),
        "povm_name": povm.name,
        "observables": [[each.name, each.terms, each.factors, each.purity] for each in problem.asked],
    }


def _from_description(cls: type[Problem], description: Mapping[str, Any]) -> Problem:
    terms = [HamiltonianTerm(tuple(sites), _square(sites, numbers)) for sites, numbers in description["hamiltonian"]]
    jumps = [Jump(tuple(sites), _square(sites, numbers), rate) for sites, numbers, rate in description["jumps"]]
    pairs = {
        frozenset(sites): sites for sites in [*(t.sites for t in terms), *(j.sites for j in jumps)] if len(sites) == 2
    }
    shape = tuple(description["shape"]) if description["shape"] else None
    lattice = Lattice(
        description["n_sites"], tuple(pairs.values()), shape, description["lattice"], tuple(description["periods"])
    )
    model = LindbladModel.of_terms(lattice, terms, jumps)
    observables = [
        Observable(name, tuple((c, _string(s)) for c, s in terms_), tuple(_string(s) for s in factors), pure)
        for name, terms_, factors, pure in description["observables"]
    ]
    povm = Povm(_matrix(description["povm"], 4, 2, 2), description["povm_name"])
    initial = [tuple(v) for v in description["initial"]]
    return cls(model, initial, povm, observables, imaginary_time=description.get("imaginary_time", False))


def _string(pairs: Sequence[Sequence[Any]]) -> tuple[tuple[int, str], ...]:
    return tuple((site, letter) for site, letter in pairs)

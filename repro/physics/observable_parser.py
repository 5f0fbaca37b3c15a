"""Observables from the entries of a problem: averages, every site, strings, combinations, correlators, purity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from repro.physics.observables import FACTOR, IDENTITY_STRING, LETTERS, Observable, PauliString, named, parse
from repro.utils.errors import InputError
from repro.utils.validation import check_bool, check_float, shorten

EVERYTHING_LOCAL = (*LETTERS, *(f"{letter}*" for letter in LETTERS))
"""The default: averages of the Pauli matrices over the sites, and their means on every site."""
PURITY = "purity"
CONNECTED = " connected"


def parse_observables(
    observables: Iterable[Any] | str | Mapping[str, Any], correlators: Iterable[Any], n_sites: int
) -> tuple[Observable, ...]:
    """Observables of a problem, see `repro.solver.problem.Problem` for what the entries may be.

    Raises:
        InputError: what cannot be read, two different observables of one name, or none at all.
    """
    named: dict[str, Observable] = {}
    linear = [one for entry in _listed("observables", observables) for one in _linear(entry, n_sites)]
    connected = [one for entry in _listed("correlators", correlators) for one in _correlator(entry, n_sites)]
    for one in [*linear, *connected]:
        if named.setdefault(one.name, one) != one:
            raise InputError(f"observable '{one.name}': two different ones of that name, expected one")
    if not named:
        raise InputError("observables: expected at least one")
    return tuple(named.values())


def _listed(what: str, given: Any) -> list[Any]:
    if isinstance(given, str | Mapping | Observable):
        return [given]
    if not isinstance(given, Iterable):
        raise InputError(f"{what} = {shorten(given)}: expected a list")
    return list(given)


def _linear(entry: Any, n_sites: int) -> list[Observable]:
    if isinstance(entry, Observable):
        return [_given(entry, n_sites)]
    if isinstance(entry, Mapping):
        return [_combination(name, terms, n_sites) for name, terms in entry.items()]
    if not isinstance(entry, str):
        raise InputError(
            f"observable {shorten(entry)}: expected text such as 'X0 Z3', or {{name: [(2.0, 'X0 Y1'), ...]}}"
        )
    text = entry.strip()
    if text == PURITY:
        return [Observable(PURITY, purity=True)]
    if text in LETTERS:
        average = tuple((1 / n_sites, ((site, text),)) for site in range(n_sites))
        return [Observable(text, average)]
    if text[:-1] in LETTERS and text.endswith("*"):
        return [_string(((site, text[0]),)) for site in range(n_sites)]
    return [_string(parse(entry, n_sites))]


def _string(string: PauliString) -> Observable:
    return Observable(named(string), ((1.0, string),))


def _combination(name: Any, terms: Any, n_sites: int) -> Observable:
    where = _name(name)
    read = _terms(where, terms, n_sites)
    return _of_its_own_name(where, Observable(name.strip(), read), n_sites)


def _terms(where: str, terms: Any, n_sites: int) -> tuple[tuple[float, PauliString], ...]:
    if isinstance(terms, str) or not isinstance(terms, Iterable):
        raise InputError(f"{where}: expected a list of pairs such as (2.0, 'X0 Y1')")
    read = []
    for term in terms:
        if isinstance(term, str) or not isinstance(term, Sequence) or len(term) != 2:
            raise InputError(f"{where}: term {shorten(term)}, expected a pair such as (2.0, 'X0 Y1')")
        read.append((check_float(f"{where}: coefficient", term[0]), parse(term[1], n_sites)))
    if not read:
        raise InputError(f"{where}: has no terms, expected at least one")
    return tuple(read)


def _given(one: Observable, n_sites: int) -> Observable:
    """An observable that was made by hand, or read from a file, checked as one that is made from text."""
    where = _name(one.name)
    if check_bool(f"{where}: purity", one.purity):
        if one.terms or one.factors:
            raise InputError(f"{where}: terms or factors with purity = True, expected the purity alone")
        return _of_its_own_name(where, Observable(one.name.strip(), purity=True), n_sites)
    try:
        terms = [(coefficient, named(string)) for coefficient, string in one.terms]
        strings = [named(string) for string in one.factors]
    except (TypeError, ValueError):
        raise InputError(
            f"{where}: terms {shorten(one.terms)}, factors {shorten(one.factors)}; "
            "expected pairs such as (2.0, ((0, 'X'), (1, 'Y'))) and strings such as ((0, 'X'),)"
        ) from None
    linear = _terms(where, terms, n_sites)
    factors = tuple(parse(text, n_sites) for text in strings)
    sites = [site for string in factors for site, _ in string]
    if len(sites) > len(set(sites)):
        raise InputError(f"{where}: factors {shorten(strings)} share a site, expected different sites")
    return _of_its_own_name(where, Observable(one.name.strip(), linear, factors), n_sites)


def _name(name: Any) -> str:
    """How messages call an observable whose name can be one."""
    where = f"observable {shorten(name)}"
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or set(name) & set("<>"):
        raise InputError(f"{where}: expected a printable name without < and >")
    return where


def _of_its_own_name(where: str, one: Observable, n_sites: int) -> Observable:
    if _reads_otherwise(one, n_sites):
        raise InputError(f"{where}: the name reads as another observable, expected a name of its own")
    return one


def _reads_otherwise(one: Observable, n_sites: int) -> bool:
    """Whether its name is that of an observable which it is not: purity, a connected one, an average, a string."""
    words = " ".join(one.name.split())
    if words.lower() == PURITY:
        return not one.purity or words != PURITY
    if words.endswith(CONNECTED):
        both = tuple(sorted(pair for string in one.factors for pair in string))
        return not one.factors or words != f"{named(both)}{CONNECTED}" or one.terms != ((1.0, both),)
    if words[:-1] in LETTERS and words.endswith("*"):
        return True
    if words in LETTERS:
        (meant,) = _linear(words, n_sites)
    elif words == IDENTITY_STRING or all(_is_pauli(word) for word in words.split()):
        try:
            meant = _string(parse(words, n_sites))
        except InputError:  # of a site that is not there, or there twice
            return True
    else:
        return False
    return one.purity or bool(one.factors) or not _same(one, meant)


def _is_pauli(word: str) -> bool:
    """Whether a word reads as a Pauli matrix on a site; the current "j0" does not."""
    return FACTOR.fullmatch(word) is not None and word[0].upper() in LETTERS


def _same(one: Observable, other: Observable) -> bool:
    """Whether two linear observables are the same but for rounding."""
    difference: dict[PauliString, float] = {}
    for sign, terms in ((1, one.terms), (-1, other.terms)):
        for coefficient, string in terms:
            difference[string] = difference.get(string, 0.0) + sign * coefficient
    return all(abs(value) <= 1e-12 for value in difference.values())


def _correlator(entry: Any, n_sites: int) -> list[Observable]:
    """<AB> and <AB> - <A><B> of a pair of strings, or of all pairs of sites for one letter."""
    if isinstance(entry, str) and entry in LETTERS:
        pairs = combinations(range(n_sites), 2)
        return [one for i, j in pairs for one in _correlator((f"{entry}{i}", f"{entry}{j}"), n_sites)]
    if isinstance(entry, str) or not isinstance(entry, Sequence) or len(entry) != 2:
        raise InputError(
            f"correlator {shorten(entry)}: expected a pair such as ('Z0', 'Z3'), or X, Y or Z for all pairs"
        )
    first, second = (parse(text, n_sites) for text in entry)
    shared = {site for site, _ in first} & {site for site, _ in second}
    if shared:
        raise InputError(f"correlator {shorten(entry)}: both have site {min(shared)}, expected different sites")
    both = tuple(sorted((*first, *second)))
    return [_string(both), Observable(f"{named(both)}{CONNECTED}", ((1.0, both),), (first, second))]

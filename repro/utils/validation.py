"""Checks of single values from outside: types, ranges, shapes. A refusal is a line that says what was expected."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from repro.utils.errors import InputError, one_line

LARGEST = 1e38
"""Numbers end here: single precision holds no larger ones."""
MOST = 10**9
"""Counts end here."""
MOST_PROCESSES = 4096
MOST_MEMORY = 2.0**30
"""GiB."""
_KINDS = {
    **dict.fromkeys(("int", "int | None"), "a whole number"),
    "float": "a number",
    "bool": "True or False",
    "str": "a name",
}


def shorten(value: object) -> str:
    """A value in a message, on one line and cut to a length that a line can hold, whatever it is."""
    try:
        text = one_line(repr(value) if isinstance(value, str | bytes) else str(value))
    except Exception:  # a whole number of 5000 digits, or a class whose own text fails
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def check_int(what: str, value: Any, least: int = 0, most: int = MOST) -> int:
    """A whole number between two bounds; floats and bools are refused.

    Raises:
        InputError: anything else.
    """
    try:
        number = operator.index(value)
    except Exception:  # TypeError, or whatever an array or a class of the user's raises
        raise InputError(f"{what} = {shorten(value)}: expected a whole number") from None
    if isinstance(value, bool | np.bool_):
        raise InputError(f"{what} = {shorten(value)}: expected a whole number")
    if not least <= number <= most:
        expected = f"at least {least}" if number < least else f"at most {most}"
        raise InputError(f"{what} = {shorten(value)}: expected {expected}")
    return number


def check_float(what: str, value: Any) -> float:
    """A finite real number.

    Raises:
        InputError: a bool, a text, a complex number, nan, inf, more than single precision holds.
    """
    refused = InputError(f"{what} = {shorten(value)}: expected a number")
    if isinstance(value, bool | np.bool_ | str | bytes | bytearray):
        raise refused
    try:
        if np.ndim(value) or np.iscomplexobj(value):
            raise refused
        number = float(value)
    except Exception:  # TypeError, OverflowError, what NumPy makes of a ragged list, a tensor of a complex number
        raise refused from None
    if not math.isfinite(number) or abs(number) > LARGEST:
        raise InputError(f"{what} = {shorten(value)}: expected a finite number")
    return number


def check_bool(what: str, value: Any) -> bool:
    """True or False, Python's or NumPy's; no text or number stands for one.

    Raises:
        InputError: anything else.
    """
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{what} = {shorten(value)}: expected True or False")
    return bool(value)


def check_text(what: str, value: Any) -> str:
    """A text.

    Raises:
        InputError: anything else.
    """
    if not isinstance(value, str):
        raise InputError(f"{what} = {shorten(value)}: expected a name")
    return value


def check_matrix(what: str, value: Any) -> np.ndarray:
    """A complex array of any shape with finite entries, from what NumPy takes, a QuTiP object or a sparse matrix.

    It is a copy that nobody can write to: what its owner does to the original later changes nothing here.

    Raises:
        InputError: what NumPy cannot make one of, or entries that are not finite.
    """
    for to_dense in ("full", "toarray"):  # of QuTiP, of SciPy: neither is imported for it
        if callable(getattr(value, to_dense, None)):
            value = getattr(value, to_dense)()
            break
    try:
        array = np.array(value, dtype=complex)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{what}: expected a matrix of numbers, got {shorten(value)}") from None
    if not np.isfinite(array).all():
        if any(each is None for each in np.array(value, dtype=object).flat):  # which NumPy takes for nan
            raise InputError(f"{what}: expected a matrix of numbers, got {shorten(value)}")
        raise InputError(f"{what}: has entries that are not finite")
    return read_only(array)


def entries(name: str, terms: Any, length: int) -> Iterator[Any]:
    """The tuples of a list of terms, one after the other.

    Raises:
        InputError: no list, or an entry that is no tuple of this length.
    """
    if not isinstance(terms, Iterable) or isinstance(terms, np.ndarray):
        raise InputError(f"{name}: expected a list of tuples of {length}")
    for number, term in enumerate(terms):
        if not isinstance(term, tuple | list) or len(term) != length:
            raise InputError(
                f"{name}[{number}]: expected a tuple of {length}, such as (site, matrix{', rate' * (length - 2)})"
            )
        yield term


def is_hermitian(array: np.ndarray) -> bool:
    """Whether matrices are Hermitian to twelve digits of their largest entry, whatever their unit."""
    adjoint = array.conj().swapaxes(-1, -2)
    return bool(np.abs(array - adjoint).max(initial=0.0) <= 1e-12 * np.abs(array).max(initial=0.0))


def read_only(array: np.ndarray) -> np.ndarray:
    """An array that nobody can write to any more; the same one."""
    array.setflags(write=False)
    return array


def check_instance(what: str, value: object, kind: type) -> None:
    """An object of a class.

    Raises:
        InputError: of another one.
    """
    if not isinstance(value, kind):
        raise InputError(f"{what}: expected a {kind.__name__}, got {shorten(value)}")


def normalise_fields(settings: Any) -> None:
    """Have every int, float, bool and str field of a frozen dataclass hold what it says.

    NumPy's numbers become Python's.

    Raises:
        InputError: another type. A whole number may stand where a float is expected.
    """
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, np.generic):
            value = value.item()
            object.__setattr__(settings, field.name, value)
        allowed: dict[str, tuple[type, ...]] = {
            "int": (int,),
            "int | None": (int, type(None)),
            "float": (int, float),
            "bool": (bool,),
            "str": (str,),
        }
        kinds = allowed.get(str(field.type))
        if kinds and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            raise InputError(f"{field.name} = {shorten(value)}: expected {_KINDS[str(field.type)]}")


def check_memory(memory: float) -> None:
    """Refuse an impossible amount of memory.

    Raises:
        InputError: no number, not above 0, or more than any machine has.
    """
    if not isinstance(memory, float):  # nan and inf are told with the bounds
        check_float("memory", memory)
    if not 0 < memory <= MOST_MEMORY:
        raise InputError(f"memory = {shorten(memory)} GiB: expected a number above 0 and at most {MOST_MEMORY:.0f}")

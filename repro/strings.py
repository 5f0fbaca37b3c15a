"""Strings: the orders in which the autoregressive model visits the sites of a rectangular lattice (Fig. 1).

String 0 reads row by row, each left to right. Strings 1-8 are snakes from the four corners, along rows or down
columns. "1s" is string 1 alone; "2s", "4s", "8s" are equal mixtures of strings 1-2, 1-4, 1-8.
"""

from __future__ import annotations

import itertools

from repro.errors import InputError, unknown
from repro.lattice import Lattice

# string -> (starts at the bottom, starts at the right, first runs along the row)
_SNAKES = {
    1: (False, False, True),
    2: (False, False, False),
    3: (False, True, False),
    4: (False, True, True),
    5: (True, True, True),
    6: (True, True, False),
    7: (True, False, False),
    8: (True, False, True),
}
MIXTURES: dict[str, tuple[int, ...]] = {
    "0s": (0,),
    "1s": (1,),
    "2s": (1, 2),
    "4s": (1, 2, 3, 4),
    "8s": (1, 2, 3, 4, 5, 6, 7, 8),
}
TRANSLATIONS = "translations"
MIXTURE_NAMES = (*MIXTURES, TRANSLATIONS)


def visiting_order(k: int, rows: int, cols: int) -> tuple[int, ...]:
    """Sites in the order that string k visits them; site numbers are row-major.

    Args:
        k: string number, 0 to 8.
        rows: of the lattice.
        cols: of the lattice.

    Raises:
        InputError: k outside 0 to 8 or an empty lattice.
    """
    if rows < 1 or cols < 1:
        raise InputError(f"string {k} on a lattice of {rows}x{cols}: expected at least one row and one column")
    if k == 0:
        return tuple(range(rows * cols))
    if k not in _SNAKES:
        raise InputError(f"string {k}: expected a number from 0 to 8")
    from_bottom, from_right, along_row = _SNAKES[k]
    row_numbers = list(range(rows))[:: -1 if from_bottom else 1]
    col_numbers = list(range(cols))[:: -1 if from_right else 1]
    order = []
    outer, inner = (row_numbers, col_numbers) if along_row else (col_numbers, row_numbers)
    for turn, line in enumerate(outer):
        for cell in inner[:: -1 if turn % 2 else 1]:
            order.append(line * cols + cell if along_row else cell * cols + line)
    return tuple(order)


def inverse_order(order: tuple[int, ...]) -> tuple[int, ...]:
    """Position on the string of every site: inverse_order(order)[order[k]] == k."""
    inverse = [0] * len(order)
    for position, site in enumerate(order):
        inverse[site] = position
    return tuple(inverse)


def translations(lattice: Lattice) -> tuple[tuple[int, ...], ...]:
    """String 0 carried along by every translation of a ring or a periodic rectangle, the identity first.

    Raises:
        InputError: a lattice without translation symmetry.
    """
    if not lattice.periods:
        raise InputError(f"strings '{TRANSLATIONS}' on a {lattice.name}: expected a ring or a periodic rectangle")
    places = list(itertools.product(*map(range, lattice.periods)))
    number = {place: site for site, place in enumerate(places)}
    moved = ([_moved(place, by, lattice.periods) for place in places] for by in places)
    return tuple(tuple(number[place] for place in row) for row in moved)


def _moved(place: tuple[int, ...], by: tuple[int, ...], periods: tuple[int, ...]) -> tuple[int, ...]:
    return tuple((x + d) % n for x, d, n in zip(place, by, periods, strict=True))


def orders(mixture: str, lattice: Lattice) -> tuple[tuple[int, ...], ...]:
    """Visiting orders of a mixture "0s", "1s", "2s", "4s", "8s" or "translations" on a lattice.

    A ring, chain or graph has no rows and columns: of the paper's mixtures only "0s" is defined there.

    Raises:
        InputError: unknown mixture, or one that the lattice does not have.
    """
    if mixture not in MIXTURE_NAMES:
        raise unknown("string mixture", mixture, MIXTURE_NAMES)
    if mixture == TRANSLATIONS:
        return translations(lattice)
    if mixture == "0s":
        return (tuple(lattice.sites),)
    if lattice.shape is None:
        raise InputError(
            f"strings '{mixture}' on a {lattice.name}: strings 1 to 8 need a rectangular lattice, use '0s'"
        )
    return tuple(visiting_order(k, *lattice.shape) for k in MIXTURES[mixture])

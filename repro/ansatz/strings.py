"""Strings: the orders in which the autoregressive model visits the sites of a rectangular lattice (Fig. 1).

String 0 reads row by row, each left to right. Strings 1-8 are snakes from the four corners, along rows or down
columns. "1s" is string 1 alone; "2s", "4s", "8s" are equal mixtures of strings 1-2, 1-4, 1-8. Beyond the paper,
there are the images of string 0 under every translation ("translations"), with reflections too ("symmetries"), or
under a few translations ("2t", "4t").
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from repro.physics.lattice import Lattice
from repro.utils.errors import InputError, unknown

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
TRANSLATIONS, SYMMETRIES = "translations", "symmetries"
SPREAD = {"2t": 2, "4t": 4}
"""Translations that are as far apart as so many can be: most of what all of them bring, where each costs a tree."""
MIXTURE_NAMES = (*MIXTURES, *SPREAD, TRANSLATIONS, SYMMETRIES)


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


def shared_symmetries(orders: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Permutations g of sites, the identity left out, under which a mixture is symmetric whatever its network says.

    They are those that take every one of its orders to one of its orders: p(a) = p(a') with a'(k) = a(g(k)).
    """
    members, found = set(orders), []
    for order in orders[1:]:
        onto = dict(zip(orders[0], order, strict=True))
        if all(tuple(onto[site] for site in each) in members for each in orders):
            found.append(tuple(onto[site] for site in range(len(order))))
    return found


def translations(lattice: Lattice, mixture: str = TRANSLATIONS) -> tuple[tuple[int, ...], ...]:
    """Images of string 0 under every translation of a ring or a periodic rectangle, the identity first.

    Args:
        lattice: where.
        mixture: what a message calls it.

    Raises:
        InputError: a lattice without translation symmetry.
    """
    periods = _periods(mixture, lattice)
    moves = itertools.product(*map(range, periods))
    return _images(periods, [((1,) * len(periods), by, range(len(periods))) for by in moves])


def symmetries(lattice: Lattice) -> tuple[tuple[int, ...], ...]:
    """Images of string 0 under every translation, reflection and, on a square, exchange of rows and columns.

    2 N strings on a ring, 4 N on a rectangle, 8 N on a square, each once (fewer on sides of two sites or one, where a
    reflection is a translation); the identity first.

    Raises:
        InputError: a lattice without translation symmetry.
    """
    periods = _periods(SYMMETRIES, lattice)
    every_axis = range(len(periods))
    exchanges = itertools.permutations(every_axis) if len(set(periods)) == 1 else [tuple(every_axis)]
    signs, moves = itertools.product(*[(1, -1)] * len(periods)), itertools.product(*map(range, periods))
    return _images(periods, itertools.product(signs, moves, exchanges))


def _periods(mixture: str, lattice: Lattice) -> tuple[int, ...]:
    if not lattice.periods:
        raise InputError(f"strings '{mixture}' on a {lattice.name}: expected a ring or a periodic rectangle")
    return lattice.periods


def _images(
    periods: tuple[int, ...], images: Iterable[tuple[Sequence[int], Sequence[int], Sequence[int]]]
) -> tuple[tuple[int, ...], ...]:
    """String 0 under x_k -> signs_k x_axes(k) + by_k, for each (signs, by, axes); equal ones once."""
    places = list(itertools.product(*map(range, periods)))
    number = {place: site for site, place in enumerate(places)}

    def image(place: tuple[int, ...], signs: Sequence[int], by: Sequence[int], axes: Sequence[int]) -> int:
        moved = (sign * place[axis] + d for sign, d, axis in zip(signs, by, axes, strict=True))
        return number[tuple(x % n for x, n in zip(moved, periods, strict=True))]

    return tuple(dict.fromkeys(tuple(image(place, *each) for place in places) for each in images))


def factors(mixture: Sequence[tuple[int, ...]]) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """A mixture as a product of small ones: every order of it is f_1[f_2[...]] once, f_k out of factor k.

    Averages over one factor after the other cost their sum in place of their product. Symmetry groups have such
    factors, first powers of one symmetry each; a mixture without them is its own.
    """
    every, built, chosen = set(mixture), {tuple(range(len(mixture[0])))}, []
    for order in mixture:
        if order not in built:
            few = _first_powers(order)
            product = {composed(first, second) for first in built for second in few}
            if len(product) == len(built) * len(few) and product <= every:
                built = product
                chosen.append(few)
    return tuple(chosen) if len(built) == len(mixture) and built == every else (tuple(mixture),)


def composed(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """The order first[second[k]]."""
    return tuple(first[k] for k in second)


def _first_powers(order: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """As many powers of a permutation as the smallest prime number in its period, the identity first."""
    powers = [tuple(range(len(order)))]
    while (last := composed(order, powers[-1])) != powers[0]:
        powers.append(last)
    return tuple(powers[: min(n for n in range(2, len(powers) + 1) if len(powers) % n == 0)])


def orders(mixture: str, lattice: Lattice) -> tuple[tuple[int, ...], ...]:
    """Visiting orders of a mixture on a lattice: one of MIXTURE_NAMES.

    A ring, chain or graph has no rows and columns: of the paper's mixtures only "0s" is defined there.

    Raises:
        InputError: unknown mixture, or one that the lattice does not have.
    """
    if mixture not in MIXTURE_NAMES:
        raise unknown("string mixture", mixture, MIXTURE_NAMES)
    if mixture == TRANSLATIONS:
        return translations(lattice)
    if mixture == SYMMETRIES:
        return symmetries(lattice)
    if mixture in SPREAD:
        every, n = translations(lattice, mixture), SPREAD[mixture]
        return tuple(dict.fromkeys(every[k * len(every) // n] for k in range(n)))
    if mixture == "0s":
        return (tuple(lattice.sites),)
    if lattice.shape is None:
        raise InputError(
            f"strings '{mixture}' on a {lattice.name}: strings 1 to 8 need a rectangular lattice, use '0s'"
        )
    return tuple(visiting_order(k, *lattice.shape) for k in MIXTURES[mixture])

"""Fig. 1: the strings, orders in which the network visits the sites of a lattice.

Nothing is computed: strings 0 to 8 are drawn on the 3x3 lattice. "0s" is string 0, "8s" the equal mixture of 1 to 8.
"""

from __future__ import annotations

from repro.config.listed import Listed
from repro.config.point import Point


def points(profile: str) -> tuple[Listed, ...]:
    """None."""
    return ()


def exact_line(profile: str) -> tuple[Point, ...]:
    """None."""
    return ()

"""Classical master equations of two-state sites, dP(s)/dt = sum_s' W(s <- s') P(s') - W(s' <- s) P(s).

A rate W between two local configurations is a jump operator |after><before|: from a state without coherences the
diagonal of rho obeys the master equation exactly (Eq. 1), and no coherence appears. State 0 is |up> (sigma_z = +1),
state 1 is |down>; local configurations of a pair (i, j) are numbered 2 s_i + s_j.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from repro.physics.lattice import Bond, Lattice
from repro.physics.lindblad import LindbladModel
from repro.utils.errors import InputError
from repro.utils.validation import check_matrix, entries


def master_equation(
    lattice: Lattice,
    one_site: Iterable[tuple[int, np.ndarray]] = (),
    two_site: Iterable[tuple[Bond, np.ndarray]] = (),
) -> LindbladModel:
    """A model whose populations obey a classical master equation.

    Args:
        lattice: the sites.
        one_site: pairs (i, W) of a site and rates, W[after, before] of shape (2, 2), not below zero. The diagonal is
            not read: what leaves a configuration follows from the rest.
        two_site: pairs ((i, j), W) of two sites and rates of shape (4, 4).

    Raises:
        InputError: a rate below zero, a matrix of another shape, a site outside the lattice.
    """
    jumps = [
        (sites, jump, rate)
        for size, name, terms in ((2, "one_site", one_site), (4, "two_site", two_site))
        for sites, rates in entries(name, terms, 2)
        for jump, rate in _jumps(sites, rates, size)
    ]
    return LindbladModel(lattice, jumps=jumps)


def _jumps(where: Any, rates: Any, size: int) -> list[tuple[np.ndarray, float]]:
    """|after><before| and its rate, for every rate that is not zero."""
    W = check_matrix(f"rates on {where}", rates)
    if W.shape != (size, size):
        raise InputError(f"rates on {where}: shape {W.shape}, expected {(size, size)}")
    if W.imag.any() or (W.real < 0).any():
        raise InputError(f"rates on {where}: expected real numbers not below zero")
    jumps = []
    for after, before in zip(*np.nonzero(W), strict=True):
        if after != before:
            operator = np.zeros((size, size))
            operator[after, before] = 1
            jumps.append((operator, float(W[after, before].real)))
    return jumps

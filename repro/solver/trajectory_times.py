"""At which times a trajectory is measured, and how long one takes to a steady state."""

from __future__ import annotations

import math

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.solver.problem import Problem

SPACING = 0.1
"""Of the times (natural unit)."""
BURN_IN, LENGTH = 8.0, 16.0
"""Of a trajectory to the steady state, over the slowest jump's strength."""


def times_of(problem: Problem, t_end: float) -> tuple[np.ndarray, float]:
    """Times from 0 on, and from when on a steady state's count (0 for an evolution).

    Args:
        problem: in its natural unit.
        t_end: last time wanted; inf for the steady state.
    """
    burn_in = 0.0
    if math.isinf(t_end):
        slowest = min(1.0, *_jump_strengths(problem.model))
        burn_in, t_end = BURN_IN / slowest, LENGTH / slowest
    return SPACING * np.arange(max(5, math.ceil(t_end / SPACING - 1e-9) + 1)), burn_in


def around(model: LindbladModel, site: int) -> LindbladModel:
    """The terms that act on a site."""
    terms = [term for term in model.hamiltonian_terms if site in term.sites]
    return LindbladModel(
        model.lattice,
        one_site=[(term.sites[0], term.operator) for term in terms if len(term.sites) == 1],
        two_site=[((term.sites[0], term.sites[1]), term.operator) for term in terms if len(term.sites) == 2],
        jumps=[(jump.sites, jump.operator, jump.rate) for jump in model.jumps if site in jump.sites],
    )


def _jump_strengths(model: LindbladModel) -> list[float]:
    """The rates at which jumps act, those that do."""
    alone = [LindbladModel(model.lattice, jumps=[(j.sites, j.operator, j.rate)]) for j in model.jumps if j.acts]
    return [strength for one in alone for strength in one.strengths]

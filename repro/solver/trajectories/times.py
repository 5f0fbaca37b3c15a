"""At which times a trajectory is measured, and whether it comes to rest.

Where a nilpotent jump on every site shows a steady state to be unique, its rate says how fast a site forgets. Elsewhere
a relaxation may be slower than any term of the model by orders of magnitude (a field g beside a dephasing rate r: at
about g^2/r), and a window of any length may lie before it: there no trajectory tells rest from slowness.

Array suffixes: P observables.
"""

from __future__ import annotations

import math

import numpy as np

from repro.physics.povm import product_state_density
from repro.references.control_variates import fastest
from repro.references.limits import has_unique_steady_state, yet_to_go
from repro.references.qutip_solvers import qutip_operators
from repro.references.trajectory_steady_state import MAX_TRAJECTORY_SITES
from repro.solver.problem import Problem
from repro.utils.errors import InputError

SPACING, RESOLVED = 0.1, 2.0
"""Of the times (natural unit), finer where the terms on some site are in sum stronger than so many units: the integrals
of the controls have to resolve the fastest frequency."""
BURN_IN, LENGTH = 12.0, 20.0
"""Of a trajectory to the steady state, over the slowest jump's strength."""
AT_REST = 1e-9
NOISE = 2.0
"""Standard errors that noise may move a steady state by."""


def times_of(problem: Problem, t_end: float) -> tuple[np.ndarray, float]:
    """Times from 0 on, and from when on a steady state's count (0 for an evolution).

    Args:
        problem: in its natural unit.
        t_end: last time wanted; inf for the steady state.

    Raises:
        InputError: a steady state that is not shown to be unique, nor where the problem starts.
    """
    burn_in = 0.0
    if math.isinf(t_end):
        if not has_unique_steady_state(problem.model) and not _starts_at_rest(problem):
            raise InputError(
                "trajectories: no telling how slowly this model comes to rest, expected decay (or its like) on every "
                "site (an evolution to a t_end of yours has exact values)"
            )
        slowest = min(1.0, *(jump.strength for jump in problem.model.jumps if jump.strength > 0))
        burn_in, t_end = BURN_IN / slowest, LENGTH / slowest
    spacing = SPACING * min(1.0, RESOLVED / fastest(problem.model))
    return spacing * np.arange(max(5, math.ceil(t_end / spacing - 1e-9) + 1)), burn_in


def still_to_move(
    means_4P: np.ndarray, change_P: np.ndarray, its_error_P: np.ndarray, spread_P: np.ndarray
) -> np.ndarray:
    """By how much means over a window may be off because it still moves, (P,).

    Args:
        means_4P: over its quarters.
        change_P: from its first to its second half.
        its_error_P: standard error of that.
        spread_P: of the observables.
    """
    left_P = np.minimum(yet_to_go(means_4P, spread_P), 2 * spread_P)
    slow = (left_P > 0) & (np.abs(change_P) > NOISE * its_error_P)
    slowly_P = np.where(slow, np.abs(means_4P.mean(0) - means_4P[-1]) + left_P, 0.0)
    return np.maximum(np.abs(change_P) - its_error_P, slowly_P)


def _starts_at_rest(problem: Problem) -> bool:
    """Whether the start is a pure eigenstate of H and of every jump; False where QuTiP cannot hold it."""
    import qutip

    mixed = any(np.linalg.norm(vector) < 1 - AT_REST for vector in problem.bloch_vectors)
    if mixed or problem.n_sites > MAX_TRAJECTORY_SITES:
        return False
    spins = [np.linalg.eigh(product_state_density(vector))[1][:, -1:] for vector in problem.bloch_vectors]
    start = qutip.tensor([qutip.Qobj(spin) for spin in spins])
    hamiltonian, jumps = qutip_operators(problem.model)
    moved = (operator * start for operator in (hamiltonian, *jumps))
    return all((each - start.overlap(each) * start).norm() < AT_REST for each in moved)

"""Whether what was run tells which steady state it is, where there may be several.

A search for the least |dp/dt| knows nothing of the start; an evolution that ends before the slowest jumps have acted
nothing of what those settle.
"""

from __future__ import annotations

from repro.config.listed import Listed
from repro.physics.lindblad import LindbladModel
from repro.references.limits import has_unique_steady_state
from repro.solver.problem import Problem
from repro.utils.formatting import significant

ENOUGH = 3.0
"""An evolution of so many times 1/rate has seen a jump act."""
ANY = (
    "the steady state is not shown to be unique, and a search does not know the start: it may be another than the one "
    "that the start leads to (methods that evolve, such as projection, follow it)"
)


def which_state(problem: Problem, steady: list[Listed], unit: float) -> list[str]:
    """A note where a search may have found another steady state than the start leads to; and where the evolutions to
    one end before slow jumps have acted, and faster ones alone are not shown to have a steady state of their own.

    Args:
        problem: in natural units.
        steady: its points.
        unit: the natural unit in the user's.
    """
    evolution = steady[0].point.method.evolution
    if evolution is None:
        return [] if has_unique_steady_state(problem.model) else [ANY]
    model, t_end = problem.model, evolution.last_time
    slow = [jump.strength for jump in model.jumps if 0 < jump.strength * t_end < ENOUGH]
    fast = [jump for jump in model.jumps if jump.strength * t_end >= ENOUGH]
    if not slow or has_unique_steady_state(LindbladModel.of_terms(model.lattice, (), fast)):
        return []
    t, rate = significant(t_end / unit), significant(min(slow) * unit, 3)
    return [f"t = {t:g} is short beside 1/{rate:g} of the slowest jump: what that settles is not in the steady state"]

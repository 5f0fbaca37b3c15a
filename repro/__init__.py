"""Open quantum systems in the POVM picture with an autoregressive network: a reproduction suite and a solver.

`repro.solve` solves a spin lattice of your own, `repro.load_state` gives a trained state of the paper's figures back;
what they need is here by name. Everything else is in submodules.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.physics.lattice import Lattice, chain, graph, rectangle, ring
    from repro.physics.lindblad import LindbladModel
    from repro.physics.povm import Povm
    from repro.solver.problem import Problem
    from repro.solver.solution import Solution
    from repro.solver.solve import solve
    from repro.states.shipped import load_state
    from repro.states.state import State

__version__ = "0.1.0"
__all__ = [
    "Lattice",
    "LindbladModel",
    "Povm",
    "Problem",
    "Solution",
    "State",
    "chain",
    "graph",
    "load_state",
    "rectangle",
    "ring",
    "solve",
]

_HOME = {
    **dict.fromkeys(("Lattice", "chain", "graph", "rectangle", "ring"), "physics.lattice"),
    "LindbladModel": "physics.lindblad",
    "Povm": "physics.povm",
    "Problem": "solver.problem",
    "Solution": "solver.solution",
    "solve": "solver.solve",
    "load_state": "states.shipped",
    "State": "states.state",
}


def __getattr__(name: str) -> Any:
    """Names are looked up when they are used: importing the package stays cheap, and needs no torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'repro' has no attribute '{name}'")
    from repro.utils import launchers

    launchers.forget_left_over(numbers=False)
    launchers.rank()
    return getattr(importlib.import_module(f"repro.{_HOME[name]}"), name)

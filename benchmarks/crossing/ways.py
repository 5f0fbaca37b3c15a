"""Every way with its candidates for a problem, the size at which they are compared, and the sizes that are run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.crossing import gate_circuits, network, products, qutip_ways, tensor_jumps
from benchmarks.crossing.problems import ONE, RINGS, Problem
from benchmarks.crossing.rows import Measured, Say

BONDS = (4, 8, 16, 32)
STEPS = (0.1, 0.2)
JUMPS = ((8, 0.2), (8, 0.05), (8, 0.02))
JUMPS_ON_A_LATTICE = ((16, 0.1), (16, 0.2))

Candidate = Callable[[int], Measured]


@dataclass(frozen=True)
class Way:
    """One way.

    Attributes:
        name: of the table.
        candidates: settings to choose among, each a function of the number of spins.
        searched_at: the size at which they are compared; exact values are known there.
        sizes: which are run.
        kept: of a size, what is there already, whatever it would take to run.
    """

    name: str
    candidates: Mapping[str, Candidate]
    searched_at: int
    sizes: tuple[int, ...]
    kept: Callable[[int], Measured | None] = lambda n_sites: None


def ways_of(problem: Problem, longest: float, runs: Path, say: Say) -> tuple[Way, ...]:
    """Every way to a problem's steady state.

    Args:
        problem: which.
        longest: CPU seconds that one measurement may take; what takes longer is told from a part.
        runs: folder of this suite's own runs and of kept trajectories.
        say: called with lines of progress.
    """
    line = problem.panel == ONE
    small = 8 if line else 9
    solvers = {"steadystate": qutip_ways.density_matrix, "mesolve": qutip_ways.by_evolution}
    exact = {name: _of_model(problem, solve) for name, solve in solvers.items()}
    jumps = {
        f"bond dimension {bond}, dt {dt:g}": _of_model(
            problem, partial(tensor_jumps.tensor_jumps, bond_dimension=bond, dt=dt, most=longest, say=say)
        )
        for bond, dt in (JUMPS if line else JUMPS_ON_A_LATTICE)
    }
    ours = {"network": partial(network.network, problem, longest=longest, runs=runs)}
    trajectories = {
        method: _of_model(problem, partial(qutip_ways.trajectories, method=method, runs=runs, say=say))
        for method in qutip_ways.INTEGRATORS
    }
    circuits = {"qsim": _of_model(problem, partial(gate_circuits.gates, runs=runs, say=say))}

    def stored(n_sites: int) -> Measured | None:
        return gate_circuits.kept(problem.of(n_sites), runs)

    return (
        Way("density matrix", exact, small if line else 6, (6, 8, 10) if line else (6, 9)),
        Way("trajectories", trajectories, small, (6, 8, 10, 12, 14, 16) if line else (6, 9, 12, 16)),
        Way(
            "matrix products",
            _products(problem, longest, say),
            10 if line else 9,
            RINGS if line else (6, 9, 12, 16, 20, 25, 36),
        ),
        Way("gates", circuits, small, () if line else (16, 20, 25), stored),
        # in a step a trajectory jumps at most once, so that longer rings need shorter ones: compared on a long one
        Way("tensor jumps", jumps, 20 if line else small, (20,) if line else (9,)),
        Way("network", ours, small, (8, 12, 16, 20, 24, 32, 40) if line else (6, 9, 16, 20, 25, 36)),
    )


def _products(problem: Problem, longest: float, say: Say) -> dict[str, Candidate]:
    if problem.panel == ONE:
        return {
            f"bond dimension {bond}, dt {dt:g}": _of_model(
                problem, partial(products.infinite_chain, bond_dimension=bond, dt=dt)
            )
            for bond in BONDS
            for dt in STEPS
        }
    return {f"dt {dt:g}": _of_model(problem, partial(products.snake, dt=dt, most=longest, say=say)) for dt in STEPS}


def _of_model(problem: Problem, measure: Callable[..., Measured]) -> Candidate:
    return lambda n_sites: measure(problem.of(n_sites))

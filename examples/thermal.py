"""A thermal state by imaginary time: the transverse-field Ising ring from infinite temperature down to beta = 2.

    d rho / d beta = -1/2 {H, rho} + <H> rho,   H = J sum_i Z_i Z_i+1 + g sum_i X_i.

"Time" is the inverse temperature beta. The network starts as the maximally mixed state and is cooled step by step.
"""

from __future__ import annotations

from pathlib import Path

import tyro

import repro
from repro.physics.lindblad import tfim

J, FIELD = 0.5, 0.5


def build(n_sites: int) -> repro.Problem:
    """The ring, without jump operators, and its energy."""
    ring = repro.ring(n_sites)
    model = tfim(ring, V=4 * J, g=2 * FIELD, gamma=0.0)  # as the paper writes it, V/4 ZZ + g/2 X
    energy = [(J, f"Z{i} Z{j}") for i, j in ring.bonds] + [(FIELD, f"X{site}") for site in ring.sites]
    return repro.Problem(
        model,
        initial=(0, 0, 0),
        imaginary_time=True,
        observables=["X", {"energy per spin": [(c / n_sites, string) for c, string in energy]}, "purity"],
        correlators=[("Z0", "Z1")],
        name="thermal state",
    )


def main(small: bool = False, out: Path = Path(), runs: Path = Path("runs")) -> repro.Solution:
    """Cool it, draw it, and say what came out.

    Args:
        small: three sites to beta = 1 in fewer iterations, in place of six to beta = 2.
        out: folder of the drawing.
        runs: folder for everything computed.
    """
    n_sites, t_end, iterations = (3, 1.0, 200) if small else (6, 2.0, None)
    solution = repro.solve(build(n_sites), t_end=t_end, iterations=iterations, runs=runs)
    print(solution.summary())
    solution.figure().savefig(out / "thermal.png", dpi=150)
    return solution


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)

"""A quench of a closed system: no jump operators, so that the state stays pure.

    H = J sum_i Z_i Z_i+1 + g sum_i X_i on a ring, from all spins up.

Nothing forgets an error here: each projection onto the network's states adds to what is there. The purity Tr rho^2,
exactly one, and the energy, exactly constant, tell how much, without any exact curve.
"""

from __future__ import annotations

from pathlib import Path

import tyro

import repro
from repro.physics.lindblad import tfim

J, FIELD = 0.5, 0.5


def build(n_sites: int) -> repro.Problem:
    """The ring, its energy among what is measured."""
    ring = repro.ring(n_sites)
    model = tfim(ring, V=4 * J, g=2 * FIELD, gamma=0.0)  # as the paper writes it, V/4 ZZ + g/2 X
    energy = [(J, f"Z{i} Z{j}") for i, j in ring.bonds] + [(FIELD, f"X{site}") for site in ring.sites]
    return repro.Problem(
        model,
        initial="up",
        observables=["X", "Y", "Z", {"energy per spin": [(c / n_sites, string) for c, string in energy]}, "purity"],
        correlators=[("Z0", f"Z{n_sites // 2}")],
        name="quench",
    )


def main(small: bool = False, out: Path = Path(), runs: Path = Path("runs")) -> repro.Solution:
    """Solve it, draw it, and say what came out.

    Args:
        small: three sites to t = 1 in fewer iterations, in place of six to t = 3.
        out: folder of the drawing.
        runs: folder for everything computed.
    """
    n_sites, t_end, iterations = (3, 1.0, 200) if small else (6, 3.0, None)
    solution = repro.solve(build(n_sites), t_end=t_end, iterations=iterations, runs=runs)
    print(solution.summary())
    solution.figure().savefig(out / "quench.png", dpi=150)
    return solution


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)

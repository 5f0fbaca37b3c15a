"""A quench of a closed system: no jump operators, so that the state stays pure.

    H = J sum_i Z_i Z_i+1 + g sum_i X_i on a ring, from all spins up.

Nothing forgets an error here: each projection onto the network's states adds to what is there. The purity Tr rho^2,
exactly one, and the energy, exactly constant, tell how much, without any exact curve.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import repro
from repro.lindblad import SIGMA_X, SIGMA_Z

J, FIELD = 0.5, 0.5


def build(n_sites: int) -> repro.Problem:
    """The ring, its energy among what is measured."""
    ring = repro.ring(n_sites)
    model = repro.LindbladModel(
        ring,
        one_site=[(site, FIELD * SIGMA_X) for site in ring.sites],
        two_site=[(bond, J * np.kron(SIGMA_Z, SIGMA_Z)) for bond in ring.bonds],
    )
    energy = [(J, f"Z{i} Z{j}") for i, j in ring.bonds] + [(FIELD, f"X{site}") for site in ring.sites]
    return repro.Problem(
        model,
        initial="up",
        observables=["X", "Y", "Z", {"energy per spin": [(c / n_sites, string) for c, string in energy]}, "purity"],
        correlators=[("Z0", f"Z{n_sites // 2}")],
        name="quench",
    )


def main(small: bool = False, out: Path = Path(), runs: Path = Path("runs")) -> repro.Solution:
    """Solve it, draw it, and say what came out."""
    solution = repro.solve(build(3 if small else 6), t_end=1.0 if small else 3.0, runs=runs)
    print(solution.summary())
    solution.figure().savefig(out / "quench.png", dpi=150)
    return solution


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="three sites to t = 1, in place of six to t = 3")
    main(parser.parse_args().small)

"""A boundary-driven XXZ chain: spin is pumped in at one end, lost at the other, and a current flows in between.

    H = J sum_i (X_i X_i+1 + Y_i Y_i+1 + Delta Z_i Z_i+1),   jumps sigma^+ on the first site, sigma^- on the last.

The current j_i = 2 J (X_i Y_i+1 - Y_i X_i+1) obeys d<Z_i>/dt = <j_i-1> - <j_i> inside the chain: in the steady state it
is the same on every bond, which no part of the method knows.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import tyro

import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_PLUS, SIGMA_X, SIGMA_Y, SIGMA_Z

J, DELTA, RATE = 0.5, 0.5, 1.0


def build(n_sites: int) -> repro.Problem:
    """The chain, with every magnetisation and every current."""
    lattice = repro.chain(n_sites)
    bond_energy = sum(c * np.kron(pauli, pauli) for c, pauli in ((J, SIGMA_X), (J, SIGMA_Y), (J * DELTA, SIGMA_Z)))
    model = repro.LindbladModel(
        lattice,
        two_site=[(bond, bond_energy) for bond in lattice.bonds],
        jumps=[(0, SIGMA_PLUS, RATE), (n_sites - 1, SIGMA_MINUS, RATE)],
    )
    currents = {f"j{i}": [(2 * J, f"X{i} Y{j}"), (-2 * J, f"Y{i} X{j}")] for i, j in lattice.bonds}
    return repro.Problem(model, initial="down", observables=["Z*", currents], name="driven XXZ chain")


def draw(solution: repro.Solution, path: Path) -> None:
    """Profiles of the magnetisation and of the current in the steady state."""
    table = solution.table[np.isinf(solution.table["t"])]
    figure, axes = plt.subplots(1, 2, figsize=(7, 2.8), constrained_layout=True)
    for axis, letter, title in zip(axes, "Zj", (r"$\langle Z_i \rangle$", r"$\langle j_i \rangle$"), strict=True):
        rows = table[table["observable"].str.startswith(letter)]
        axis.plot(range(len(rows)), rows["exact"], "k-", lw=1, label="exact")
        axis.plot(range(len(rows)), rows["mean"], "o", mfc="none", label="network")
        axis.set(xlabel="site" if letter == "Z" else "bond", ylabel=title, xticks=range(len(rows)))
    axes[0].legend(frameon=False)
    figure.savefig(path, dpi=150)


def main(small: bool = False, out: Path = Path(), runs: Path = Path("runs")) -> repro.Solution:
    """Solve it, draw it, and say what came out.

    Args:
        small: three sites in place of four, and fewer iterations.
        out: folder of the drawing.
        runs: folder for everything computed.
    """
    solution = repro.solve(build(3 if small else 4), steady=True, iterations=250 if small else None, runs=runs)
    print(solution.summary())
    draw(solution, out / "xxz_chain.png")
    return solution


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)

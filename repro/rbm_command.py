"""`repro rbm`: run the competitor of Fig. 3. Fields are options; docstrings are their help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from repro.commands import DEFAULT_RUNS, check_writable

DEFAULT_G = (0.5, 1.0, 1.4, 1.8, 2.2, 2.8, 3.4)


@dataclass
class Rbm:
    """Steady states of the 16-site Ising ring as a restricted Boltzmann machine (NetKet), the competitor of Fig. 3.

    Needs the extra `rbm` (pip install 'repro-povm[rbm]'). About a quarter of an hour for each g; finished ones are
    skipped and interrupted ones continue. `repro publish fig3` ships the table with the figure.
    """

    g: tuple[float, ...] = DEFAULT_G
    """transverse fields"""
    iterations: int = 1200
    """iterations of stochastic reconfiguration"""
    n_sites: int = 16
    """sites of the ring"""
    n_samples: int = 512
    """Metropolis samples of |rho|^2 per iteration"""
    learning_rate: float = 0.02
    """step of stochastic reconfiguration, shortened where its norm exceeds 0.25"""
    diag_shift: float = 0.01
    """shift of its matrix"""
    seed: int = 0
    """seed of start and samples"""
    runs: Path = DEFAULT_RUNS
    """results go to its folder `rbm`"""

    def run(self) -> int:
        """Compute each g and write the table of all that are finished."""
        from repro.rbm import RbmPoint, rbm_table, run_rbm
        from repro.results import tidy, write_table

        points = [
            RbmPoint(
                g=g,
                n_sites=self.n_sites,
                n_samples=self.n_samples,
                learning_rate=self.learning_rate,
                diag_shift=self.diag_shift,
                iterations=self.iterations,
                seed=self.seed,
            )
            for g in self.g
        ]
        check_writable(self.runs)
        for point in points:
            run_rbm(point, self.runs, lambda text: print(text, flush=True))
            table, settled = rbm_table(self.runs)
            write_table(tidy(table), self.runs / "rbm" / "table.csv")
            settled.to_csv(self.runs / "rbm" / "settled.csv", index=False)
        print(settled.to_string(index=False))
        return 0

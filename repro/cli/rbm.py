"""`repro rbm`: run the competitor of Fig. 3. Fields are options; docstrings are their help."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.cli.command import DEFAULT_RUNS
from repro.references.rbm import run_rbm
from repro.references.rbm_netket import check_installed
from repro.references.rbm_point import RbmPoint, finished, lowest, point_folder
from repro.utils.errors import InputError
from repro.utils.files import check_writable, write_atomic
from repro.utils.names import PAULI_AVERAGES

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_G = (0.5, 1.0, 1.4, 1.8, 2.2, 2.8, 3.4)


@dataclass
class Rbm:
    """Steady states of the 16-site Ising ring as a restricted Boltzmann machine (NetKet), the competitor of Fig. 3.

    Needs the extra `rbm` (pip install 'repro-povm[rbm]'). About ten minutes for each g; finished ones are
    skipped and interrupted ones continue. `repro publish fig3` ships the table with the figure.
    """

    g: tuple[float, ...] = DEFAULT_G
    """transverse fields"""
    iterations: int = RbmPoint.iterations
    """iterations of stochastic reconfiguration"""
    n_sites: int = RbmPoint.n_sites
    """sites of the ring"""
    n_samples: int = RbmPoint.n_samples
    """Metropolis samples of |rho|^2 per iteration"""
    learning_rate: float = RbmPoint.learning_rate
    """step of stochastic reconfiguration, shortened where its norm exceeds 0.25"""
    diag_shift: float = RbmPoint.diag_shift
    """shift of its matrix"""
    seed: int = RbmPoint.seed
    """seed of start and samples"""
    start_g: float | None = RbmPoint.start_g
    """start from the finished search at this field, not from random weights"""
    runs: Path = DEFAULT_RUNS
    """results go to its folder `rbm`"""

    def run(self) -> int:
        """Compute each g and write the table of all that are finished for this ansatz."""
        from repro.utils.result_table import tidy, write_table

        same = ("n_sites", "n_samples", "learning_rate", "diag_shift", "iterations", "seed", "start_g")
        given = {name: getattr(self, name) for name in same}
        points = [RbmPoint(g=g, **given) for g in self.g]
        if not points:
            raise InputError("g: expected at least one field")
        if not all((point_folder(self.runs, point) / "done.json").exists() for point in points):
            check_installed()
        check_writable(self.runs)
        for point in points:
            run_rbm(point, self.runs, lambda text: print(text, flush=True))
            table, settled = rbm_table(self.runs, point)
            write_table(tidy(table), self.runs / "rbm" / "table.csv")
            write_atomic(self.runs / "rbm" / "settled.csv", settled.to_csv(index=False))
        print(settled.to_string(index=False))
        return 0


def rbm_table(runs: Path, like: RbmPoint) -> tuple[pd.DataFrame, pd.DataFrame]:
    """For each g and seed, of the finished searches for `like`'s ansatz the one of lowest cost.

    They may differ in how they got there: iterations, start, samples, step and shift.

    Returns:
        Rows with the columns of `repro.utils.result_table`; and how each has settled, one row per search.
    """
    import pandas as pd

    groups: dict[tuple[float, int], list[dict[str, Any]]] = {}
    for done in finished(runs, like):
        groups.setdefault((done["point"]["g"], done["point"]["seed"]), []).append(done)
    chosen = [best for key in sorted(groups) if (best := lowest(groups[key]))]
    settled = [
        {name: done["point"].get(name) for name in ("g", "seed", "iterations", "start_g")}
        | {name: done[name] for name in ("ldagl", "ldagl_slope", "drift", "settled", "seconds")}
        for done in chosen
    ]
    return pd.DataFrame([row for done in chosen for row in _rows(done, runs)]), pd.DataFrame(settled)


def _rows(done: dict[str, Any], runs: Path) -> list[dict[str, Any]]:
    from repro.config.point import point_of
    from repro.references import of_point

    point = RbmPoint(**done["point"])
    ising_ring = point_of(model="tfim", lattice="ring", n_sites=point.n_sites, V=point.V, g=point.g)
    exact = of_point.stored_steady_state(ising_ring, runs)
    fixed = {
        "figure": "fig3",
        "panel": "",
        "point": point.label,
        "point_id": point.point_id,
        "profile": "paper",
        "method": "rbm",
        "lattice": f"{point.n_sites}-ring",
        "n_sites": point.n_sites,
        "layers": 1,
        "width": done["n_hidden"],
        "strings": "",
        "model": "tfim",
        "V": point.V,
        "g": point.g,
        "povm": "",
        **dict.fromkeys(("Jx", "Jy", "Jz", "B", "tau")),
        "n_samples": point.n_samples,
        "t": math.inf,
        "seed": point.seed,
        "seconds": done["seconds"],
        "commit": done["commit"],
        "device": done["device"],
    }
    return [
        {**fixed, "observable": name, "mean": done[name], "error": done[f"{name}_error"]}
        | {"exact": float(exact.at(math.inf, name)) if exact else None}
        for name in PAULI_AVERAGES
    ]

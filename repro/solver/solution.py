"""The result of `repro.solve`: a table, a summary, a plot, and a method that saves them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from repro.config.point import Point
from repro.solver import kept
from repro.solver.problem import Problem
from repro.utils.formatting import duration, short, significant

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from repro.states.state import State


@dataclass(frozen=True)
class Solution:
    """A solved problem.

    Attributes:
        problem: what was solved.
        table: one row per time and observable: t (t = inf: the steady state), observable, mean, error, exact (NaN
            where there is none), deviation = mean - exact, exact_error, how well the exact value is known. What `error`
            covers: `repro.solver.table`.
        folders: where every run's checkpoint, history and settings are.
        seconds: wall time of all runs together.
        notes: what a reader of the table has to know, such as a steady state that still moves.
        references: a line on every reference beyond density matrices: which, its largest error, what it cost.
        smallest_eigenvalue: of the density matrix of any state on the way, which is below 0 where the network's
            distribution is of no state; NaN beyond ten sites and for draws.
    """

    problem: Problem
    table: pd.DataFrame
    folders: tuple[Path, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    smallest_eigenvalue: float = math.nan
    references: tuple[str, ...] = ()
    _last: Point | None = field(default=None, repr=False)

    @property
    def state(self) -> State:
        """The trained state that the first seed's run ended with: of the steady state where that was asked for.

        A distribution to draw from, and any further observable (`repro.State`); its t is in the problem's own unit, as
        in the table, and inf after a search.

        Raises:
            InputError: the run's folder is gone, or its checkpoint cannot be read.
        """
        from repro.states.shipping import state_of_run
        from repro.utils.errors import InputError

        if self._last is None:
            raise InputError("this solution was not made by repro.solve: there is no run to take a state from")
        [folder] = [path for path in self.folders if path.name == self._last.point_id]
        if not folder.is_dir():
            raise InputError(f"the run '{folder}' is gone and its state with it: repro.solve computes it again")
        state = state_of_run(self._last, folder)
        return replace(state, t=significant(state.t / self.problem.unit), time_unit=self.problem.unit)

    def values(self, observable: str) -> pd.DataFrame:
        """Rows of one observable, time ascending, the steady state last.

        Raises:
            InputError: one that the problem does not measure.
        """
        from repro.utils.errors import unknown

        known = [each.name for each in self.problem.asked]
        if observable not in known:
            raise unknown("observable", observable, known)
        return self.table[self.table["observable"] == observable].reset_index(drop=True)

    def deviations(self) -> pd.DataFrame:
        """Per kind ("evolution", "steady state") and observable: last mean, largest error, largest |deviation|."""
        kind = np.where(np.isinf(self.table["t"]), "steady state", "evolution")
        grouped = self.table.assign(kind=kind, off=self.table["deviation"].abs()).groupby(
            ["kind", "observable"], sort=False
        )
        rows = grouped.agg(last=("mean", "last"), error=("error", "max"), deviation=("off", "max"))
        return rows.reset_index()

    @property
    def largest_deviation(self) -> float:
        """Largest |mean - exact| in the table, NaN without exact values."""
        return float(self.table["deviation"].abs().max())

    def summary(self) -> str:
        """A few lines: sizes, the largest deviation of every observable from exact, how positive rho is, the notes."""
        head = f"{self.problem.name}: {self.problem.n_sites} sites, {duration(self.seconds)}"
        deviations = self.deviations().to_string(index=False, float_format=short)
        off = self.largest_deviation
        exact = "no exact values" if math.isnan(off) else f"largest deviation from exact: {off:.4f}"
        smallest = self.smallest_eigenvalue
        of_rho = [] if math.isnan(smallest) else [f"smallest eigenvalue of rho: {smallest:.4f} (of a state: 0 or more)"]
        return "\n".join(
            [head, deviations, exact, *self.references, *of_rho, *(f"note: {note}" for note in self.notes)]
        )

    def figure(self, *, mean_field: bool = False) -> Figure:
        """The plot: evolutions with their exact curves, steady values beside the exact ones.

        Args:
            mean_field: draw evolutions without correlation between sites too, dotted (`repro.references.mean_field`).

        Raises:
            InputError: mean field of a problem in imaginary time.
        """
        return self._drawn(self.table, mean_field)

    def _drawn(self, table: pd.DataFrame, mean_field: bool) -> Figure:
        from repro.solver.drawing import draw
        from repro.solver.mean_field_curves import with_mean_field

        return draw(with_mean_field(table, self.problem) if mean_field else table, self.problem.name)

    def save(self, folder: Path | str, *, mean_field: bool = False) -> list[Path]:
        """Write `table.csv`, `solution.png` and `solution.pdf`, and `problem.json`, which says whose they are.

        Where the folder holds a table of the same problem, rows of the kind that this one lacks (evolution or steady
        state) stay in it; a table of another problem is replaced. `mean_field`: as in `figure`, in the plot alone.

        Raises:
            InputError: a folder that cannot be written, or mean field of a problem in imaginary time.
        """
        from repro.reporting.style import save

        folder = Path(folder)
        table = kept.with_kept(self.table, self.problem, folder)
        drawing = self._drawn(table, mean_field)
        return [kept.write(table, self.problem, folder), *save(drawing, folder, "solution", "")]

"""What a verdict may look at: the shipped tables, and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from repro.utils.result_table import read_table

if TYPE_CHECKING:
    import pandas as pd


class Missing(Exception):
    """What a claim needs and the tables do not have; its verdict is open."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error (0 where nothing is random)."""

    mean: float
    error: float

    def __str__(self) -> str:
        return f"{self.mean:.3f}" + (f" +- {self.error:.3f}" if self.error > 0 else "")


def estimate(values: np.ndarray) -> Estimate:
    """Mean and standard error of independent values; the error of a single one is infinite."""
    values = np.asarray(values, dtype=float)
    error = float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.inf
    return Estimate(float(values.mean()), error)


@dataclass(frozen=True)
class Tables:
    """Tables of a results folder, each read when it is first asked for.

    Args:
        folder: holds `<figure>.csv`, `<figure>_reference.csv`, `<figure>_losses.csv`, `fig3_rbm.csv`.
    """

    folder: Path
    _read: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    def rows(self, figure: str, **wanted: object) -> pd.DataFrame:
        """Rows of a figure's table whose columns have the wanted values.

        Raises:
            Missing: no such table or no such rows.
        """
        frame = self._table(figure)
        for name, value in wanted.items():
            frame = frame[frame[name] == value]
        if not len(frame):
            asked = ", ".join(f"{name} {value}" for name, value in wanted.items())
            raise Missing(f"{figure}: no rows with {asked}")
        return frame

    def steady(self, figure: str, observable: str = "sigma_z", **wanted: object) -> pd.DataFrame:
        """Steady-state rows with a column `off` = |mean - exact|.

        Raises:
            Missing: as `rows`, or an exact value is not there.
        """
        frame = self.rows(figure, t=math.inf, observable=observable, **wanted)
        if frame["exact"].isna().any():
            raise Missing(f"{figure}: exact values of {frame.loc[frame['exact'].isna(), 'point'].iloc[0]}")
        return frame.assign(off=(frame["mean"] - frame["exact"]).abs())

    def curves(self, figure: str, observable: str = "sigma_z", **wanted: object) -> dict[str, pd.DataFrame]:
        """Evolutions by point name, in the order of time, the start at t = 0 included."""
        frame = self.rows(figure, observable=observable, **wanted)
        frame = frame[frame["t"] < math.inf].sort_values("t")
        return {str(name): curve for name, curve in frame.groupby("point", sort=False)}

    def losses(self, figure: str) -> pd.DataFrame:
        """Loss of every iteration.

        Raises:
            Missing: no such table.
        """
        import pandas as pd

        path = self.folder / f"{figure}_losses.csv"
        if not path.exists():
            raise Missing(f"{figure}: the losses")
        return pd.read_csv(path)

    def _table(self, figure: str) -> pd.DataFrame:
        if figure not in self._read:
            path = self.folder / f"{figure}.csv"
            if not path.exists():
                raise Missing(f"{figure}: its table")
            self._read[figure] = read_table(path)
        return self._read[figure]


def at_least(frame: pd.DataFrame, column: str, number: int, what: str) -> None:
    """Insist on a number of different values of a column.

    Raises:
        Missing: there are fewer.
    """
    found = frame[column].nunique()
    if found < number:
        raise Missing(f"{what}: {found} of at least {number} ({column})")

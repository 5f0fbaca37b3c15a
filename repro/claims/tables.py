"""What a verdict may look at: the shipped tables, and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.claims.paper_settings import read_settings
from repro.config.listed import OTHERS, rank
from repro.utils.bounds import NO
from repro.utils.result_table import LOSS_COLUMNS, read_plain, read_table

if TYPE_CHECKING:
    import pandas as pd


class Missing(Exception):
    """What a claim needs and the tables do not have; its verdict is open."""


@dataclass(frozen=True)
class Tables:
    """Tables of a results folder, each read when it is first asked for; of every point the profile nearest the paper's.

    Args:
        folder: holds `<figure>.csv`, `<figure>_reference.csv`, `<figure>_losses.csv`, `fig3_rbm.csv`.
    """

    folder: Path
    _read: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    _nearest: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    _settings: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict, repr=False)

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

    def has(self, figure: str, **wanted: object) -> bool:
        """Whether there are such rows."""
        try:
            self.rows(figure, **wanted)
        except Missing:
            return False
        return True

    def every(self, figure: str, **wanted: object) -> pd.DataFrame:
        """Rows of all profiles, those that are shipped beside the figure's own too.

        Raises:
            Missing: no such table.
        """
        paths = [self.folder / f"{name}.csv" for name in (figure, f"{figure}_{OTHERS}")]
        names = [path.stem for path in paths if path.exists()]
        if not names:
            raise Missing(f"{figure}: its table")
        rows = together([self._whole(name) for name in names])
        for name, value in wanted.items():
            rows = rows[rows[name] == value]
        return rows

    def steady(self, figure: str, observable: str = "sigma_z", known: bool = False, **wanted: object) -> pd.DataFrame:
        """Steady-state rows of physical states with a column `off` = |mean - exact|.

        Args:
            figure: name of the table.
            observable: of the rows.
            known: leave out rows without an exact value.
            wanted: as for `rows`.

        Raises:
            Missing: as `rows`, or an exact value is not there.
        """
        frame = self.rows(figure, t=math.inf, observable=observable, **wanted)
        frame = frame[(frame["physical"] != NO) & (frame["exact"].notna() | (not known))]
        if frame["exact"].isna().any():
            raise Missing(f"{figure}: exact values of {frame.loc[frame['exact'].isna(), 'point'].iloc[0]}")
        return frame.assign(off=(frame["mean"] - frame["exact"]).abs())

    def unphysical(self, figure: str, **wanted: object) -> int:
        """How many points have a steady state whose means no state has."""
        frame = self.rows(figure, t=math.inf, **wanted)
        return int(frame.loc[frame["physical"] == NO, "point_id"].nunique())

    def curves(self, figure: str, observable: str = "sigma_z", **wanted: object) -> dict[str, pd.DataFrame]:
        """Evolutions by point name, in the order of time, the start at t = 0 included.

        Raises:
            Missing: as `rows`, or a curve ends before its settings say.
        """
        frame = self.rows(figure, observable=observable, **wanted)
        frame = frame[frame["t"] < math.inf].sort_values("t")
        self.check_ends(frame)
        return {str(name): curve for name, curve in frame.groupby("point", sort=False)}

    def check_ends(self, rows: pd.DataFrame) -> None:
        """Insist on evolutions that are whole, by their settings where these are there.

        Raises:
            Missing: names one that is not.
        """
        settings = self.settings(rows)
        for name, curve in rows.groupby("point_id"):
            end = settings.get(str(name), {}).get("t_end", -math.inf)
            if curve["t"].max() < 0.99 * float(end):
                of = curve.iloc[0]
                raise Missing(f"{of['figure']}: {of['point']} to t = {float(end):g}, there is t = {curve['t'].max():g}")

    def settings(self, rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
        """Resolved settings by id of the figures that some rows come from.

        Raises:
            InputError: a damaged file.
        """
        found: dict[str, dict[str, Any]] = {}
        for figure in sorted(set(rows["figure"])):
            for name in (str(figure), f"{figure}_{OTHERS}"):
                if name not in self._settings:
                    self._settings[name] = read_settings(self.folder, name)
                found |= self._settings[name]
        return found

    def losses(self, figure: str) -> pd.DataFrame:
        """Loss of every iteration.

        Raises:
            Missing: no such table.
            InputError: a damaged one.
        """
        path = self.folder / f"{figure}_losses.csv"
        if not path.exists():
            raise Missing(f"{figure}: the losses")
        return read_plain(path, LOSS_COLUMNS)

    def _table(self, figure: str) -> pd.DataFrame:
        if figure not in self._nearest:
            if not (self.folder / f"{figure}.csv").exists():
                raise Missing(f"{figure}: its table")
            self._nearest[figure] = _nearest_the_paper(self._whole(figure))
        return self._nearest[figure]

    def _whole(self, name: str) -> pd.DataFrame:
        """A table as it is on disk."""
        if name not in self._read:
            self._read[name] = read_table(self.folder / f"{name}.csv")
        return self._read[name]


def _nearest_the_paper(table: pd.DataFrame) -> pd.DataFrame:
    """Of points that were computed with several profiles the rows of the best one."""
    ranks = table["profile"].map(rank)
    best = ranks.groupby([table["panel"], table["point"]]).transform("min")
    return table[ranks == best]


def together(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Rows of several frames."""
    import pandas as pd

    return pd.concat(frames, ignore_index=True)


def once(frame: pd.DataFrame, columns: list[str], what: str) -> None:
    """Insist on one row of each: two runs of one seed are no two seeds.

    Raises:
        Missing: names what is there twice.
    """
    twice = frame[frame.duplicated(columns)]
    if len(twice):
        named = ", ".join(f"{name} {twice[name].iloc[0]}" for name in columns)
        raise Missing(f"{what}: one run of {named}, there are several")


def at_least(frame: pd.DataFrame, column: str, number: int, what: str) -> None:
    """Insist on a number of different values of a column.

    Raises:
        Missing: there are fewer.
    """
    found = frame[column].nunique()
    if found < number:
        raise Missing(f"{what}: {found} of at least {number} ({column})")

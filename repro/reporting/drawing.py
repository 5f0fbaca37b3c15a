"""Draw a figure from files: what a run has written, or what is shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repro.config.listed import CHANGED, OTHERS
from repro.reporting.mean_field_table import NAME as MEAN_FIELD
from repro.utils.errors import InputError
from repro.utils.paths import RESULTS, figures
from repro.utils.result_table import LOSS_COLUMNS, read_plain, read_table

if TYPE_CHECKING:
    import pandas as pd

REFERENCE = "reference"
NEEDED = {
    REFERENCE: ("observable", "mean"),
    MEAN_FIELD: ("lattice", "Jy", "g", "t", "observable", "mean"),
    "losses": LOSS_COLUMNS,
}
"""Columns of tables that are no records."""
NUMBERS = frozenset({"Jy", "g", "t", "mean", "error", "seed", "iteration", "loss"})


def draw(
    figure: str, table: Path, reference: Path, target: Path, further: Mapping[str, Path], changed: bool = False
) -> Sequence[Path]:
    """Draw a figure from its table and its exact line; it states every profile that the table has rows of.

    Args:
        figure: its name.
        table, reference: tidy rows, and the exact line.
        target: folder of the drawings.
        further: more tables by name, such as the losses; absent files are left out.
        changed: whether settings are others than the profile's, which the drawing says.

    Raises:
        InputError: a file that cannot be read, or a folder that cannot be written.
    """
    rows = read_table(table)
    extra = {name: _read(path, name) for name, path in further.items() if path.exists() and name != OTHERS}
    profiles = [*rows["profile"]]
    if OTHERS in further and further[OTHERS].exists():
        extra[OTHERS] = read_table(further[OTHERS])
        profiles += [*extra[OTHERS]["profile"]]
    stamp = " and ".join(dict.fromkeys(profiles)) + (", settings changed" if changed else "")
    return figures().plot(figure, rows, _read(reference, REFERENCE), stamp, target, extra)


def _read(path: Path, name: str) -> pd.DataFrame:
    """A plain table with the columns that drawings need."""
    import pandas as pd

    found = read_plain(path, NEEDED.get(name, ()))
    for column in NUMBERS.intersection(found.columns):
        if len(found) and not pd.api.types.is_numeric_dtype(found[column]):
            raise InputError(f"{path}: column '{column}' has something that is no number")
    return found


def draw_run(figure: str, folder: Path) -> Sequence[Path]:
    """Draw a run's table into its own folder, `runs/<figure>/<profile>`; one of changed settings says so."""
    further = {name: folder / f"{name}.csv" for name in ("losses", MEAN_FIELD)}
    further |= {"rbm": folder.parent.parent / "rbm" / "table.csv"}
    if not further["rbm"].exists():
        further["rbm"] = RESULTS / f"{figure}_rbm.csv"
    changed = folder.name.endswith(CHANGED)
    return draw(figure, folder / "table.csv", folder / "reference.csv", folder, further, changed)


def draw_shipped(figure: str, results: Path, target: Path) -> Sequence[Path]:
    """Draw a shipped table."""
    further = {name: results / f"{figure}_{name}.csv" for name in ("losses", "rbm", MEAN_FIELD, OTHERS)}
    return draw(figure, results / f"{figure}.csv", results / f"{figure}_reference.csv", target, further)

"""Draw a figure from files: what a run has written, or what is shipped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from repro.errors import InputError

DEFAULT_RESULTS = Path(__file__).resolve().parents[1] / "results"


def draw(figure: str, table: Path, reference: Path, target: Path) -> Sequence[Path]:
    """Draw a figure from its table and its exact line; it states every profile that the table has rows of.

    Raises:
        InputError: a file that cannot be read, or a folder that cannot be written.
    """
    import pandas as pd

    import figures
    from repro.results import read_table

    rows = read_table(table)
    try:
        exact = pd.read_csv(reference)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the exact values '{reference}': {str(error).splitlines()[0]}") from error
    return figures.plot(figure, rows, exact, " and ".join(dict.fromkeys(rows["profile"])), target)


def draw_run(figure: str, folder: Path) -> Sequence[Path]:
    """Draw a run's table into its own folder."""
    return draw(figure, folder / "table.csv", folder / "reference.csv", folder)


def draw_shipped(figure: str, results: Path, target: Path) -> Sequence[Path]:
    """Draw a shipped table."""
    return draw(figure, results / f"{figure}.csv", results / f"{figure}_reference.csv", target)

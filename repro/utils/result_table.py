"""The record: tidy tables with one row per figure, panel, point, t and observable.

Tables are CSV with a fixed column order. Floats are written by `repr`, so that reading gives back the same
bits and the same numbers always give the same bytes. What a table says is summed up in `repro.reporting.summary`.
"""

from __future__ import annotations

import io
import math
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.utils import table_parts
from repro.utils.bounds import NO, YES, physical
from repro.utils.csv_rows import whole_rows
from repro.utils.errors import InputError
from repro.utils.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: tuple[str, ...] = (
    *("figure", "panel", "point", "point_id", "profile", "method", "lattice", "n_sites", "layers", "width", "strings"),
    *("model", "Jx", "Jy", "Jz", "B", "V", "g", "povm", "tau", "n_samples", "t", "observable", "mean", "error"),
    *("exact", "seed", "commit", "device", "seconds", "smallest_eigenvalue", "physical", "exact_error"),
    "gamma",
)
"""Every column of a table, in the order of the file."""
LATER = frozenset({"smallest_eigenvalue", "physical", "exact_error", "gamma"})
"""Columns that earlier tables do not have: the smallest eigenvalue of the row's state rho, empty where it was not
computed; and whether its Pauli averages are within their bounds (`repro.utils.bounds.physical`), which is found anew
from the means whenever a table is made or read, so that it never contradicts them; how well the exact value is known,
where it is from matrix products or trajectories, else empty; the decay rate, empty where it is 1, the unit of all the
others: elsewhere couplings and times are in the model's own unit and not in gamma."""

INTEGERS = frozenset({"n_sites", "layers", "width", "seed"})
NUMERIC = frozenset({"t", "mean", "error", "seconds"})
OPTIONAL = frozenset({"Jx", "Jy", "Jz", "B", "V", "g", "tau", "exact", "smallest_eigenvalue", "exact_error", "gamma"})
"""Numbers that a row may leave empty (NaN in a frame): another model's couplings, an exact value out of reach."""
OPTIONAL_INTEGERS = frozenset({"n_samples"})

LOSS_COLUMNS = ("panel", "point", "point_id", "seed", "iteration", "loss")
"""Columns that a table of the loss of every iteration needs."""
CONTROL = ": control"
"""End of the name of a panel whose runs are controls of those of another."""
ROW = ("figure", "panel", "point", "point_id", "t", "observable")
"""What a row is known by."""
ROWS_PER_FILE = 4000
"""About a megabyte: what repositories and their viewers take."""


def without_controls(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the points themselves."""
    return rows[~rows["panel"].str.endswith(CONTROL)]


def without_seed(points: pd.Series[str]) -> pd.Series[str]:
    """Names of points without what a seed adds to them."""
    return points.str.replace(r"-seed\d+$", "", regex=True)


def tidy(rows: Iterable[Mapping[str, Any]] | pd.DataFrame, source: str = "table") -> pd.DataFrame:
    """Rows with any subset of Python, NumPy or text values -> a frame with exactly `COLUMNS` and fixed types.

    Args:
        rows: mappings with every column but `LATER` (optional numbers may be None, "" or NaN), or a frame.
        source: what an error message calls the rows, usually the file.

    Raises:
        InputError: for a missing or unknown column, or a cell that is not what is expected there.
    """
    return _judged(_typed(rows, source))


def _judged(frame: pd.DataFrame) -> pd.DataFrame:
    """All rows of a table, with the column `physical` from their means."""
    import pandas as pd

    return frame.assign(physical=pd.Series(physical(frame), index=frame.index, dtype="str"))


def _typed(rows: Iterable[Mapping[str, Any]] | pd.DataFrame, source: str) -> pd.DataFrame:
    import pandas as pd

    if isinstance(rows, pd.DataFrame):
        frame = rows
    else:
        rows = list(rows)
        frame = pd.DataFrame(rows, columns=None if rows else list(COLUMNS))
    frame = frame.assign(**{name: None for name in COLUMNS if name in LATER and name not in frame.columns})
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise InputError(f"{source}: column '{missing[0]}' is missing (expected: {', '.join(COLUMNS)})")
    extra = [str(name) for name in frame.columns if name not in COLUMNS]
    if extra:
        raise InputError(f"{source}: unknown column '{extra[0]}' (expected: {', '.join(COLUMNS)})")
    if frame.columns.has_duplicates:
        raise InputError(f"{source}: column '{frame.columns[frame.columns.duplicated()][0]}' occurs twice")
    return pd.DataFrame({name: _column(name, frame[name], source) for name in COLUMNS})


def _column(name: str, cells: pd.Series, source: str) -> pd.Series:
    import pandas as pd

    whole, optional = name in INTEGERS | OPTIONAL_INTEGERS, name in OPTIONAL | OPTIONAL_INTEGERS
    if not whole and name not in NUMERIC | OPTIONAL:
        # A cell that is absent becomes NaN in a frame of mappings; in a column of names that means "".
        texts = ["" if cell is None or cell != cell else str(cell) for cell in cells]
        for row, text in enumerate(texts if name == "physical" else (), start=1):
            if text not in ("", YES, NO):
                raise InputError(f"{source}, row {row}: column '{name}' is '{text}', expected {YES}, {NO} or nothing")
        return pd.Series(texts, dtype="str")
    values = [_number(name, cell, f"{source}, row {row}", whole, optional) for row, cell in enumerate(cells, start=1)]
    if whole:
        return pd.Series(values, dtype="Int64" if optional else "int64")
    return pd.Series([math.nan if value is None else value for value in values], dtype="float64")


def _number(name: str, cell: Any, where: str, whole: bool, optional: bool) -> float | int | None:
    text = "" if cell is None else str(cell).strip()
    if optional and text.lower() in {"", "nan", "<na>"}:
        return None
    try:
        if whole:
            # A frame turns whole numbers into floats where one of a column is absent.
            return int(cell) if isinstance(cell, float) and cell.is_integer() else int(text)
        return float(text)
    except ValueError:
        expected = "a whole number" if whole else "a number"
        raise InputError(f"{where}: column '{name}' is '{text}', expected {expected}") from None


def write_table(rows: Iterable[Mapping[str, Any]] | pd.DataFrame, path: Path | str) -> Path:
    """Write rows as CSV, atomically; the order of the rows is kept.

    Raises:
        InputError: as `tidy` does, or if `path` cannot be written.
    """
    return write_atomic(path, _to_csv(tidy(rows, source=str(path))))


def write_parts(table: pd.DataFrame, path: Path) -> list[Path]:
    """Write at most `ROWS_PER_FILE` rows to `<name>.csv`, and the rest to further parts (`repro.utils.table_parts`).

    Raises:
        InputError: as `write_table` does.
    """
    table = tidy(table, source=str(path))  # whole: a state's rows may lie in several parts
    starts = range(0, max(len(table), 1), ROWS_PER_FILE)
    return table_parts.write(path, [_to_csv(table[start : start + ROWS_PER_FILE]) for start in starts])


def _to_csv(frame: pd.DataFrame) -> str:
    # an absent optional number is an empty cell; in a column that must have numbers NaN is written as "nan"
    required = {name: frame[name].map(repr) for name in NUMERIC}
    return frame.assign(**required).to_csv(index=False, lineterminator="\n")


def read_table(path: Path | str) -> pd.DataFrame:
    """Read and check a table written by `write_table` or, all of its parts, by `write_parts`.

    Returns:
        A frame with the columns `COLUMNS`; empty optional numbers are NaN (`<NA>` in `n_samples`).

    Raises:
        InputError: one line naming file and column, if the file is absent, is no table, lacks a column, has a
            cell that is no number where one is expected, or a row twice; if a part is not the one that was written.
    """
    import pandas as pd

    parts = [_read_part(name, raw) for name, raw in table_parts.read(Path(path))]
    return _judged(_each_once(pd.concat(parts, ignore_index=True), str(path)))


def _each_once(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """A table in which no row is there twice."""
    twice = frame.duplicated([*ROW])
    if twice.any():
        row = frame[twice].iloc[0]
        raise InputError(
            f"{source}: {int(twice.sum())} rows are there twice, the first is <{row['observable']}> of "
            f"'{row['point']}' at t = {row['t']:g}; expected each once"
        )
    return frame


def _read_part(path: Path, raw: bytes) -> pd.DataFrame:
    import pandas as pd

    header, rows = whole_rows(path, raw)
    # Text until here: a point_id such as 12e456789012 is a name and not a number, and float() keeps every bit.
    frame = pd.DataFrame(rows, columns=header, dtype="str")
    return _typed(frame, source=str(path))


def read_plain(path: Path | str, needed: Collection[str]) -> pd.DataFrame:
    """A plain CSV with the columns that are needed, among others.

    Raises:
        InputError: no table, one that is cut short, or without one of them.
    """
    import pandas as pd

    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the table '{path}': {error.strerror or error}") from error
    whole_rows(path, raw)
    try:
        found = pd.read_csv(io.BytesIO(raw), dtype={"point_id": str})
    except ValueError as error:
        raise InputError(f"cannot read the table '{path}': {str(error).splitlines()[0]}") from error
    check_columns(found, needed, path)
    return found


def check_columns(frame: pd.DataFrame, needed: Collection[str], source: Path | str) -> None:
    """Refuse a table without one of the columns that are needed.

    Raises:
        InputError: the first of them.
    """
    for name in needed:
        if name not in frame.columns:
            raise InputError(f"{source}: column '{name}' is missing, expected {', '.join(needed)}")


def read_exactly(path: Path | str) -> pd.DataFrame:
    """A plain CSV whose numbers come back bit for bit, which pandas' fast parser does only from version 3 on.

    Names of points stay text: 12e456789012 is one, and no number.
    """
    import pandas as pd

    return pd.read_csv(path, engine="python", dtype={"point_id": str})

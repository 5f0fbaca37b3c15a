"""Rows of a CSV file, none of them cut short."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from repro.utils.errors import InputError


def whole_rows(path: Path | str, raw: bytes) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a CSV, each row whole.

    Raises:
        InputError: no CSV, a row of another length, or a file that ends within a row.
    """
    try:
        lines = list(csv.reader(io.StringIO(raw.decode(), newline=""), strict=True))
    except (csv.Error, ValueError) as error:
        raise InputError(f"{path}: not a table of results ({error})") from error
    header, rows = (lines[0], lines[1:]) if lines else ([], [])
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise InputError(f"{path}, row {number}: {len(row)} cells, expected one for each of {len(header)} columns")
    if raw and not raw.endswith(b"\n"):
        raise InputError(f"{path}: ends within row {len(rows)}, expected a whole line")
    return header, rows

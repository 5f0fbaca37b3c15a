"""Compare two folders of shipped results row by row: everything but ids of points and names of profiles.

    python tests/golden/tables.py ../before/results results

Exit code 0 where they agree, 1 with the first differences where they do not.
"""

from __future__ import annotations

import csv
import sys
from itertools import zip_longest
from pathlib import Path

FREE = ("point_id", "profile", "smallest_eigenvalue", "physical")
"""Columns that may differ, or that one of the folders lacks: the last two came later."""
SHOWN = 5


def rows(path: Path) -> list[dict[str, str]]:
    """Rows of a table without the columns that may differ."""
    with path.open(newline="") as opened:
        return [{name: value for name, value in row.items() if name not in FREE} for row in csv.DictReader(opened)]


def differences(before: Path, after: Path) -> list[str]:
    """A line for each table that is missing and each row that is not the same."""
    lines = []
    for name in sorted({path.name for folder in (before, after) for path in folder.glob("*.csv")}):
        if not (before / name).exists() or not (after / name).exists():
            lines.append(f"{name}: in one of the folders alone")
            continue
        pairs = zip_longest(rows(before / name), rows(after / name))
        lines += [f"{name}, row {n}:\n- {old}\n+ {new}" for n, (old, new) in enumerate(pairs, start=2) if old != new]
    return lines


def main(before: str, after: str) -> int:
    """Print what differs."""
    lines = differences(Path(before), Path(after))
    tables = sorted(Path(after).glob("*.csv"))
    total = sum(len(rows(path)) for path in tables)
    print("\n".join(lines[:SHOWN]) or f"{len(tables)} tables, {total} rows: the same but for {' and '.join(FREE)}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

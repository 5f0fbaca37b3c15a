"""Whose table a folder holds, so that one problem's table is never lost to another's, nor its evolution to a search.

table.csv     rows of `repro.solver.solution.Solution.table`
problem.json  the digest of the problem's text, and its name
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from repro.solver.problem import Problem
from repro.solver.table import COLUMNS
from repro.utils.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd

TABLE, HOLDER = "table.csv", "problem.json"
UNKNOWN = "unknown"
"""The holder of a table that no file names."""


def digest(problem: Problem) -> str:
    """A hash of everything that decides a problem's numbers."""
    return hashlib.sha256(problem.text.encode()).hexdigest()


def holder(folder: Path) -> str | None:
    """The digest of the problem whose table a folder holds, `UNKNOWN` where it does not say, None without a table."""
    if not (folder / TABLE).is_file():
        return None
    try:
        return str(json.loads((folder / HOLDER).read_text())["problem"])
    except (OSError, ValueError, KeyError, TypeError):
        return UNKNOWN


def folder_for(problem: Problem, folder: Path) -> Path:
    """A folder that is empty or the problem's: the one given, else one beside it whose name ends in its digest."""
    own = digest(problem)
    beside = (folder.with_name(f"{folder.name}-{own[:length]}") for length in (4, 8, 16))
    free = (each for each in (folder, *beside) if holder(each) in (None, own))
    return next(free, folder.with_name(f"{folder.name}-{own}"))


def with_kept(table: pd.DataFrame, problem: Problem, folder: Path) -> pd.DataFrame:
    """A table, and the rows of the kind that it lacks (evolution or steady state) from the same problem's before."""
    import pandas as pd

    if holder(folder) != digest(problem):
        return table
    try:
        empty = {name: [""] for name in COLUMNS}
        before = pd.read_csv(folder / TABLE, engine="python", keep_default_na=False, na_values=empty)
        if "exact_error" not in before:  # of a table from before there were errors: exact values were QuTiP's alone
            before["exact_error"] = np.where(before["exact"].isna(), math.nan, 0.0)
        before = before.loc[:, list(COLUMNS)].astype(dict.fromkeys(set(COLUMNS) - {"observable"}, float))
    except (OSError, ValueError, KeyError, csv.Error):  # not a table any more: nothing of it can be kept
        return table
    before["observable"] = before["observable"].astype(str)
    there = set(np.isinf(table["t"]))
    missing = before[[math.isinf(t) not in there for t in before["t"]]]
    both = pd.concat([table, missing], ignore_index=True) if len(missing) else table
    return both.sort_values("t", key=np.isinf, kind="stable", ignore_index=True)


def write(table: pd.DataFrame, problem: Problem, folder: Path) -> Path:
    """Write the table, and whose it is.

    Raises:
        InputError: a folder that cannot be written.
    """
    path = write_atomic(folder / TABLE, table.to_csv(index=False))
    write_atomic(folder / HOLDER, json.dumps({"problem": digest(problem), "name": problem.name}, indent=1))
    return path

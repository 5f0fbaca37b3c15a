"""Rows of the table: what was measured, how, and what was not run but follows by a rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from figures.crossing_text import BEYOND, EXTRAPOLATED, MOST_EXACT, RUN, USED
from repro.utils.files import write_atomic
from repro.utils.names import PAULI_AVERAGES
from repro.utils.provenance import provenance

TARGET = BEYOND
"""Error of a steady Pauli mean that every way is asked for."""
SEARCH = "search"
"""Rows of the comparison of settings; those that count are `USED`."""
COLUMNS = (
    *("panel", "problem", "lattice", "n_sites", "way", "use", "candidate", "kind", "settings", "rule"),
    *("seconds", "error"),
    *(*PAULI_AVERAGES, "device"),
)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Measured:
    """One way's answer to one problem.

    Attributes:
        seconds: CPU time of one core to the target.
        error: what the way itself says of its error, NaN where it says nothing.
        settings: its settings, in words.
        means: <sigma_x>, <sigma_y>, <sigma_z> by name; empty where nothing was run to its end.
        kind: "run"; "part": seconds follow from a part that was run; "missed": given up after so many;
            "extrapolated".
        rule: how they follow.
    """

    seconds: float
    error: float
    settings: str
    means: Mapping[str, float] = field(default_factory=dict)
    kind: str = RUN
    rule: str = ""


class Table:
    """The table on disk, written after every row."""

    def __init__(self, path: Path) -> None:
        self.path = path
        rows = pd.read_csv(path).to_dict("records") if path.exists() else []
        self.rows = [{str(name): value for name, value in row.items()} for row in rows]

    def of(self, problem: str, n_sites: int | None, way: str, use: str) -> list[dict[str, Any]]:
        """Measured rows of a way, of one size or of all."""
        return [
            row
            for row in self.rows
            if (row["problem"], row["way"], row["use"]) == (problem, way, use)
            and n_sites in (None, row["n_sites"])
            and row["kind"] != EXTRAPOLATED
        ]

    def has(self, problem: str, n_sites: int, way: str, use: str, candidate: str = "") -> bool:
        """Whether such a row was measured; of no candidate in particular: any."""
        return any(candidate in ("", row["candidate"]) for row in self.of(problem, n_sites, way, use))

    def best_known(self, problem: str, n_sites: int) -> dict[str, Any] | None:
        """A row of the most exact way that has means of a size, None without one."""
        for way in MOST_EXACT:
            for use in (USED, SEARCH):
                found = [row for row in self.of(problem, n_sites, way, use) if math.isfinite(row[PAULI_AVERAGES[0]])]
                if found:
                    return found[0]
        return None

    def measured(self) -> pd.DataFrame:
        """What was measured."""
        return self.frame()[self.frame()["kind"] != EXTRAPOLATED]

    def extrapolated(self) -> list[dict[str, Any]]:
        """What was not."""
        return [row for row in self.rows if row["kind"] == EXTRAPOLATED]

    def add(self, labels: Mapping[str, Any], measured: Measured) -> None:
        """Add a row and write."""
        values = asdict(measured)
        means = values.pop("means")
        nothing = dict.fromkeys(PAULI_AVERAGES, math.nan)
        self.rows.append({**labels, **values, **nothing, **means, "device": provenance("cpu")["device"]})
        self.write()

    def reuse(self, problem: str, n_sites: int, way: str, candidate: str) -> bool:
        """Take what the search measured of a candidate as the row that is used; False where it did not."""
        found = [row for row in self.of(problem, n_sites, way, SEARCH) if row["candidate"] == candidate]
        self.rows += [{**row, "use": USED} for row in found[:1]]
        self.write()
        return bool(found)

    def replace_extrapolated(self, rows: list[dict[str, Any]]) -> None:
        """Put these in the place of what was extrapolated before."""
        self.rows = [row for row in self.rows if row["kind"] != EXTRAPOLATED] + rows
        self.write()

    def write(self) -> None:
        """Write, sorted."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        order = ["panel", "problem", "way", "use", "n_sites", "seconds"]
        write_atomic(self.path, self.frame().sort_values(order, kind="stable").to_csv(index=False))

    def frame(self) -> pd.DataFrame:
        """The rows as a table."""
        return pd.DataFrame(self.rows, columns=list(COLUMNS))

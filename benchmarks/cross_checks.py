"""`python -m benchmarks.cross_checks`: what tells of lattices of the figure `frontier` without their exact values.

1. Rates of the last states: d<sigma>/dt = Tr(sigma L(rho)), which is zero at rest, beside the slope of the curve.
2. Early times, when a spin does not know yet how large its lattice is: <sigma_z> beside trajectories of 4x4.
3. Steady states beside what known ones of smaller lattices say of larger ones, by straight lines in 1/N.

Rates that the table has of a state are not computed again. docs/frontier.md is written anew.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import tyro

import repro
from experiments import frontier
from repro.references import trajectory_evolution
from repro.references.of_point import folders
from repro.states.shipped import ShippedPoint, shipped_points
from repro.utils.errors import InputError
from repro.utils.files import write_atomic
from repro.utils.names import PAULI_AVERAGES
from repro.utils.pages import between_marks, markdown_table
from repro.utils.paths import RESULTS
from repro.utils.result_table import CONTROL, read_table, without_controls

FIGURE, SHIPPED, PAGE = "frontier", Path("results/frontier_rates.csv"), Path("docs/frontier.md")
MARKS = ("<!-- cross-checks -->", "<!-- end -->")
COLUMNS = (
    *("point_id", "lattice", "Jy", "seed", "t", "samples", "slope"),
    *(name for axis in PAULI_AVERAGES for name in (axis, f"{axis}_error", f"{axis}_rate", f"{axis}_rate_error")),
)
LAST_FIFTH = 0.8
"""The slope of a curve is that of a straight line through its end."""
LATTICE, KNOWN = (4, 4), 2.0
"""Whose trajectories are compared with, and how long."""
WINDOWS = (0.0, 0.3, 0.6, 1.0, 2.0)
FEWEST = 3
"""Known lattices for an extrapolation."""


@dataclasses.dataclass
class Settings:
    """What is drawn."""

    samples: int = 100_000
    """draws of every state that cannot be enumerated"""
    table: Path = SHIPPED
    """table of rates, completed"""
    runs: Path = Path("runs")
    """folder of kept trajectories, beside the shipped ones"""


def rates(point: ShippedPoint, rows: pd.DataFrame, samples: int) -> dict[str, Any]:
    """A row of the table: means and rates of a shipped state, and the slope of <sigma_z> where its curve ends."""
    state = repro.load_state(FIGURE, point.point_id)
    letters = [axis[-1].upper() for axis in PAULI_AVERAGES]
    means, changes = state.values(letters, samples=samples), state.rates(letters, samples=samples, seed=1)
    row: dict[str, Any] = {"point_id": point.point_id, "lattice": rows["lattice"].iloc[0], "t": state.t}
    row |= {"Jy": rows["Jy"].iloc[0], "seed": rows["seed"].iloc[0], "samples": samples, "slope": slope(rows)}
    for axis, letter in zip(PAULI_AVERAGES, letters, strict=True):
        row |= {axis: means[letter][0], f"{axis}_error": means[letter][1]}
        row |= {f"{axis}_rate": changes[letter][0], f"{axis}_rate_error": changes[letter][1]}
    return row


def slope(rows: pd.DataFrame) -> float:
    """Of a straight line through the last fifth of an evolution's <sigma_z>."""
    curve = rows[(rows["observable"] == "sigma_z") & (rows["t"] < math.inf)]
    end = curve[curve["t"] >= LAST_FIFTH * curve["t"].max()]
    return float(np.polyfit(end["t"], end["mean"], 1)[0])


def early(table: pd.DataFrame, Jy: float, runs: Path) -> Iterator[tuple[str, list[float]]]:
    """The largest |<sigma_z> - trajectories of 4x4| in each window of time: of what is known of a smaller lattice,
    which says what the size makes, and of every curve of this one and of larger ones."""
    point = frontier.lattice("workstation", *LATTICE, Jy).point
    known = trajectory_evolution.stored(point.lindblad_model, point.system.initial, KNOWN, folders(runs))
    if known is None:
        return
    rows = table[(table["Jy"] == Jy) & (table["observable"] == "sigma_z") & (table["t"] <= KNOWN)]
    rows = without_controls(rows)
    for (lattice, seed), curve in rows.sort_values("n_sites", kind="stable").groupby(["lattice", "seed"], sort=False):
        shape = str(lattice).split()[0]
        if int(curve["n_sites"].iloc[0]) >= math.prod(LATTICE):
            yield f"{shape}, seed {seed}", _apart(curve["t"], curve["mean"], known)
        elif seed == 0 and curve["exact"].notna().all():
            how = "trajectories" if curve["exact_error"].max() > 0 else "exact"
            yield f"{shape}, {how}", _apart(curve["t"], curve["exact"], known)


def _apart(t: pd.Series, values: pd.Series, known: Any) -> list[float]:
    times = t.to_numpy()
    off = np.abs(values.to_numpy() - known.at(times, "sigma_z"))
    return [float(off[(times > low) & (times <= high)].max()) for low, high in itertools.pairwise(WINDOWS)]


def extrapolated(known: pd.Series[float], n_sites: int) -> tuple[float, float]:
    """A steady value of a larger lattice: the straight line in 1/N through the two largest known ones, and by how much
    the line through the smallest and the largest differs there.

    Args:
        known: at least three values by number of sites.
        n_sites: of the larger lattice.
    """
    known = known.sort_index()

    def line(*sizes: int) -> float:
        near, far = (1 / known.index[size] for size in sizes)
        slope = (known.iloc[sizes[0]] - known.iloc[sizes[1]]) / (near - far)
        return float(known.iloc[sizes[0]] + slope * (1 / n_sites - near))

    return line(-1, -2), abs(line(-1, -2) - line(-1, 0))


def sizes(table: pd.DataFrame) -> Iterator[list[str]]:
    """Of every coupling with three known lattices: larger ones, extrapolated and by this suite (mean over seeds)."""
    rows = table[(table["observable"] == "sigma_z") & (table["t"] == math.inf)]
    rows = without_controls(rows)
    for Jy, of_coupling in rows.groupby("Jy"):
        of_size = of_coupling.groupby("n_sites")
        known = of_size["exact"].first().dropna()
        for n_sites, ours in of_size["mean"].agg(["mean", "size"]).iterrows() if len(known) >= FEWEST else ():
            if n_sites not in known.index:
                value, apart = extrapolated(known, int(str(n_sites)))
                name = of_coupling.loc[of_coupling["n_sites"] == n_sites, "lattice"].iloc[0].split()[0]
                smaller = ", ".join(f"{each:.3f}" for each in known)
                yield [
                    f"{Jy:g}",
                    smaller,
                    name,
                    f"{value:.3f} ± {apart:.3f}",
                    f"{ours['mean']:.3f}",
                    f"{ours['size']:g}",
                ]


def markdown(found: pd.DataFrame, table: pd.DataFrame, runs: Path) -> str:
    """The three tables."""
    head = ("lattice", "J_y", "seed", "d⟨σ_z⟩/dt", "slope of the curve", "⟨σ_x⟩", "d⟨σ_x⟩/dt", "⟨σ_y⟩", "d⟨σ_y⟩/dt")
    lines = [_of_rates(row) for row in found.to_dict("records")]
    windows = [f"t = {low:g} to {high:g}" for low, high in itertools.pairwise(WINDOWS)]
    first = markdown_table(head, lines)
    apart = [
        [f"{Jy:g}", name, *(f"{value:.3f}" for value in off)]
        for Jy in sorted(table["Jy"].unique())
        for name, off in early(table, Jy, runs)
    ]
    larger = ("J_y", "known, smaller lattices", "lattice", "extrapolated", "this suite, t = 4 to 5", "seeds")
    return "\n\n".join([first, markdown_table(("J_y", "curve", *windows), apart), markdown_table(larger, sizes(table))])


def _of_rates(row: dict[Any, Any]) -> list[str]:
    def told(name: str) -> str:
        error = row[f"{name}_error"]
        return f"{row[name]:.3f}" + (f" ± {error:.3f}" if error else "")

    others = [told(name) for axis in PAULI_AVERAGES[:2] for name in (axis, f"{axis}_rate")]
    where = (str(row["lattice"]).split()[0], f"{row['Jy']:g}", str(row["seed"]))
    return [*where, told("sigma_z_rate"), f"{row['slope']:.3f}", *others]


def complete(known: pd.DataFrame, table: pd.DataFrame, samples: int) -> pd.DataFrame:
    """The table of rates with those of every shipped state that is no control."""
    rows: list[Any] = known.to_dict("records")
    there = {row["point_id"] for row in rows}
    for point in shipped_points(FIGURE):
        if point.has_state and not point.panel.endswith(CONTROL) and point.point_id not in there:
            rows.append(rates(point, table[table["point_id"] == point.point_id], samples))
            print(f"{point.name}: d<sigma_z>/dt = {rows[-1]['sigma_z_rate']:+.4f}", flush=True)
    return _sorted(pd.DataFrame(rows, columns=list(COLUMNS)))


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    """The smallest lattices first."""
    return rows.sort_values(["lattice", "Jy", "seed"], kind="stable").reset_index(drop=True)


def main(settings: Settings) -> None:
    """Complete the table; of the shipped one the page is written too."""
    torch.set_num_threads(1)
    table = read_table(RESULTS / f"{FIGURE}.csv")
    there = settings.table.exists()
    known = pd.read_csv(settings.table, dtype={"point_id": str}) if there else pd.DataFrame(columns=list(COLUMNS))
    found = complete(known, table, settings.samples)
    write_atomic(settings.table, found.to_csv(index=False, float_format="%.6g"))
    if settings.table == SHIPPED:
        write_atomic(PAGE, between_marks(PAGE.read_text(), MARKS, markdown(found, table, settings.runs)))


if __name__ == "__main__":
    try:
        main(tyro.cli(Settings, description=__doc__))
    except InputError as error:
        print(f"cross-checks: {error}", file=sys.stderr)
        sys.exit(2)

"""From the histories of finished points to the tidy table of a figure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.claims.evolution import last
from repro.config.listed import Listed
from repro.config.point import Point
from repro.config.systems import COUPLINGS
from repro.methods.exact_distance import RELATIVE_ENTROPY
from repro.physics.density import SMALLEST_EIGENVALUE
from repro.references.of_point import ExactValues, exact_of, stored_steady_state
from repro.reporting import mean_field_table
from repro.reporting.last_state import smallest_eigenvalues
from repro.running import events
from repro.running.folders import DONE, HISTORY, LOSSES, finished, point_folder
from repro.utils.files import write_atomic
from repro.utils.formatting import significant
from repro.utils.names import PAULI_AVERAGES, SCORED
from repro.utils.result_table import LOSS_COLUMNS, read_exactly, tidy, write_table

if TYPE_CHECKING:
    import pandas as pd

FAILURE_COLUMNS = ("panel", "point", "point_id", "reason", "time")


def figure_table(points: Sequence[Listed], runs: Path, compute: bool = True) -> pd.DataFrame:
    """Tidy table of all finished points, in the order given; unfinished ones are left out.

    Exact values that are not stored are computed, or left out.
    """
    return tidy([row for point in points if finished(runs, point) for row in _rows(point, runs, compute)])


def steady_reference(points: Sequence[Point], runs: Path, compute: bool = True) -> pd.DataFrame:
    """Exact steady values for the figure's lines: columns Jy, g, observable, mean, error, one row per coupling."""
    import pandas as pd

    rows: dict[tuple[float | None, float | None, str], tuple[float, float]] = {}
    for point in points:
        if reference := stored_steady_state(point, runs, compute):
            couplings = point.system.model.couplings
            for name in PAULI_AVERAGES:
                key = (couplings.get("Jy"), couplings.get("g"), name)
                rows[key] = (float(reference.at(math.inf, name)), reference.error(name))
    data = [(*key, *value) for key, value in rows.items()]
    return pd.DataFrame(data, columns=["Jy", "g", "observable", "mean", "error"])


def loss_table(points: Sequence[Listed], runs: Path) -> pd.DataFrame:
    """Loss of every iteration of the finished variational points: panel, point, point_id, seed, iteration, loss."""
    import pandas as pd

    parts = []
    for point in points:
        path = point_folder(runs, point) / LOSSES
        if finished(runs, point) and path.exists():
            losses = read_exactly(path)
            losses[["panel", "point", "point_id", "seed"]] = point.panel, point.label, point.point_id, point.point.seed
            parts.append(losses[[*LOSS_COLUMNS]])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*LOSS_COLUMNS])


def failure_table(points: Sequence[Listed], runs: Path) -> pd.DataFrame:
    """Points that were given up and have not been finished since: panel, point, point_id, reason, time (UTC)."""
    import pandas as pd

    rows = [
        (point.panel, point.label, point.point_id, failure["reason"], failure["time"])
        for point in points
        if (failure := events.failure(point_folder(runs, point)))
    ]
    return pd.DataFrame(rows, columns=[*FAILURE_COLUMNS])


def write_figure(
    figure: str,
    points: Sequence[Listed],
    exact_line: Sequence[Point],
    runs: Path,
    folder: Path,
    losses: bool = False,
    compute: bool = True,
) -> pd.DataFrame:
    """Write a figure's table.csv, failures.csv, reference.csv and settings.json into a folder; returns the table.

    Of figures that show it mean_field.csv too.

    Args:
        figure: its name.
        points: the figure's points; unfinished ones are listed in the settings and missing in the table.
        exact_line: points whose exact steady states go into reference.csv.
        runs: folder of computed points.
        folder: where the files go.
        losses: also write losses.csv, the loss of every iteration.
        compute: compute exact values that are not stored; else they are left out.
    """
    table = figure_table(points, runs, compute)
    write_table(table, folder / "table.csv")
    write_atomic(folder / "failures.csv", failure_table(points, runs).to_csv(index=False))
    write_atomic(folder / "reference.csv", steady_reference(exact_line, runs, compute).to_csv(index=False))
    if losses:
        write_atomic(folder / LOSSES, loss_table(points, runs).to_csv(index=False))
    if figure in mean_field_table.FIGURES:
        of_points = mean_field_table.mean_field_table([*(listed.point for listed in points), *exact_line])
        write_atomic(folder / f"{mean_field_table.NAME}.csv", of_points.to_csv(index=False))
    described = [_described(listed) for listed in points]
    write_atomic(folder / "settings.json", json.dumps({"figure": figure, "points": described}, indent=1))
    return table


def _rows(listed: Listed, runs: Path, compute: bool) -> Iterable[dict[str, Any]]:
    point = listed.point
    folder = point_folder(runs, point)
    history = read_exactly(folder / HISTORY)
    fixed = {**_settings(listed), **_provenance(folder)}
    exact = exact_of(point, runs, compute)
    history[SMALLEST_EIGENVALUE] = smallest_eigenvalues(point, history, folder)
    curve = history if "t" in history else history.iloc[:0].assign(t=math.nan)
    of_state = ["seconds", SMALLEST_EIGENVALUE]
    for name in _measured(history):
        measured = list(curve[["t", name, f"{name}_error", *of_state]].itertuples(index=False, name=None))
        if point.settles:
            measured.append((math.inf, *_steady_estimate(history, name), *history[of_state].iloc[-1]))
        for t, mean, error, seconds, eigenvalue in measured:
            value = _exact_value(exact, t, name)
            yield {
                **fixed,
                "t": significant(t),
                "observable": name,
                "mean": mean,
                "error": error,
                "exact": None if value is None else round(value, 10),
                "seconds": round(seconds, 2),
                SMALLEST_EIGENVALUE: eigenvalue,
                "exact_error": _exact_error(exact, t, name),
            }


def _exact_value(exact: ExactValues | None, t: float, name: str) -> float | None:
    if name == RELATIVE_ENTROPY:
        return 0.0
    return exact(t, name.removeprefix(SCORED)) if exact else None


def _exact_error(exact: ExactValues | None, t: float, name: str) -> float | None:
    """How well an exact value is known, to four digits; empty where it is exact to all that are shown."""
    known = exact.error(t, name.removeprefix(SCORED)) if exact and name != RELATIVE_ENTROPY else 0.0
    return significant(known, 4) if known > 0 else None


def _measured(history: pd.DataFrame) -> list[str]:
    """Observables of a history: every column that has an error beside it."""
    return [str(column).removesuffix("_error") for column in history.columns if str(column).endswith("_error")]


def _steady_estimate(history: pd.DataFrame, name: str) -> tuple[float, float]:
    """(mean, error): the last state of a variational search, or an evolution's average over its last fifth and scatter.

    Where a few long steps hardly show that, its error is what the draws of every row leave in the average.
    """
    if "t" not in history:
        return float(history[name].iloc[-1]), float(history[f"{name}_error"].iloc[-1])
    window = last(history)
    drawn = math.sqrt((window[f"{name}_error"] ** 2).mean() / len(window))
    return float(window[name].mean()), max(float(window[name].std(ddof=0)), drawn)


def _described(listed: Listed) -> dict[str, Any]:
    """Labels and resolved settings of a point."""
    labels = {"figure": listed.figure, "panel": listed.panel, "profile": listed.profile}
    return {"point_id": listed.point_id, "label": listed.label, **labels, **listed.settings}


def _settings(listed: Listed) -> dict[str, Any]:
    """The columns that say what was computed; settings that the point does not have stay empty."""
    flat, lattice = listed.settings, listed.point.lattice
    couplings = (name for names in COUPLINGS.values() for name in names)
    return {
        **{name: getattr(listed, name) for name in ("figure", "panel", "profile", "point_id")},
        **{name: flat[name] for name in ("method", "layers", "width", "strings", "model", "povm", "seed")},
        **{name: flat.get(name) for name in (*couplings, "tau", "n_samples")},
        "gamma": None if flat.get("gamma") == 1 else flat.get("gamma"),
        "point": listed.label,
        "lattice": lattice.name,
        "n_sites": lattice.n_sites,
    }


def _provenance(folder: Path) -> dict[str, str]:
    made = json.loads((folder / DONE).read_text()).get("provenance", {})
    return {name: made.get(name, "unknown") for name in ("commit", "device")}

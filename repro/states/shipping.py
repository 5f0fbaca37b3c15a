"""From checkpoints to shipped states: the last weights of the points of a shipped table.

A state is shipped where it gives the means that the table has of it, so that table and weights cannot come apart.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.config.listed import OTHERS
from repro.config.point import Point, point_of
from repro.running.folders import CHECKPOINT, DONE, finished, point_folder
from repro.states.shipped import ENDING, FOLDER, ShippedPoint, figures, shipped_points
from repro.states.state import State
from repro.utils.errors import InputError
from repro.utils.files import write_atomic
from repro.utils.names import PAULI_AVERAGES, SCORED

if TYPE_CHECKING:
    import pandas as pd

ROUNDING = 1e-6
"""How far means of enumerated weights may be from the table's."""
ERRORS = 6.0
"""How many standard errors means of draws may be."""
NOT_DRAWN = ("ledger", f"ledger_{OTHERS}")
"""Tables that no figure draws: their states are shipped where a figure shows the same point."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shipment:
    """States on their way to the shipped results: everything is read and checked before anything is written.

    Attributes:
        contents: what is written where.
        outdated: shipped states that contradict their table, which go.
        refused: a line for each state that is not shipped: a checkpoint that cannot be read or gives other means.
    """

    contents: Mapping[Path, bytes]
    outdated: tuple[Path, ...]
    refused: tuple[str, ...]

    def write(self) -> list[Path]:
        """Write every state, each whole or not at all, and remove those that are outdated; returns what was written."""
        for line in self.refused:
            log.warning("%s", line)
        for path in self.outdated:
            path.unlink(missing_ok=True)
        return [write_atomic(path, content) for path, content in self.contents.items()]


def state_of_run(point: Point, folder: Path) -> State:
    """The state that a finished run ended with.

    Args:
        point: what was computed.
        folder: the point's.

    Raises:
        InputError: no checkpoint, or one that cannot be read.
    """
    from repro.running import checkpoints
    from repro.states.state_file import model_of

    checkpoint = checkpoints.load(folder / CHECKPOINT, point)
    of_model = (name for name in checkpoint["state_dict"] if name.startswith("model."))
    weights = {name.removeprefix("model."): checkpoint["state_dict"][name] for name in of_model}
    try:
        commit = str(json.loads((folder / DONE).read_bytes())["provenance"]["commit"])
    except (OSError, ValueError, KeyError, TypeError):
        commit = "unknown"
    last = checkpoint["history"][-1]
    return State(point, model_of(point, weights), float(last.get("t", math.inf)), commit)


def shipment(points: Iterable[ShippedPoint], table: pd.DataFrame, runs: Path) -> Shipment:
    """The states of a table's points: of the run that is there, else the one that is shipped already.

    Args:
        points: of the table.
        table: what is shipped of them.
        runs: folder of computed points.
    """
    from repro.states.state_file import to_bytes

    contents, outdated, refused = {}, [], []
    for each in {point.point_id: point for point in points}.values():
        if each.figure in NOT_DRAWN and not each.has_state:
            continue
        rows = table[table["point_id"] == each.point_id]
        fits = False
        for get in (lambda: _of_run(each, runs), lambda: _of_file(each)):  # noqa: B023
            try:
                state = get()
                off = "" if state is None else _disagreement(state, rows)
            except InputError as error:
                state, off = None, str(error)
            if off:
                refused.append(f"state of {each.name} ({each.figure}) is not shipped: {off}")
            elif state is not None:
                contents[each.path] = to_bytes(state)
                fits = True
                break
        if each.has_state and not fits:
            outdated.append(each.path)
    return Shipment(contents, tuple(outdated), tuple(refused))


def ship_states(figure: str, runs: Path, results: Path) -> list[Path]:
    """Ship the states of points whose table is shipped already, that of other settings too; returns what was written.

    Raises:
        InputError: no such table, or a damaged one.
    """
    from repro.utils.result_table import read_table

    written = []
    for name in (figure, f"{figure}_{OTHERS}"):
        if name == figure or (results / f"{name}.json").exists():
            points = shipped_points(name, results)
            written += shipment(points, read_table(results / f"{name}.csv"), runs).write()
    warn_of_contradictions(figure, {path.stem for path in written}, results)
    return written


def warn_of_contradictions(figure: str, point_ids: Container[str], results: Path) -> None:
    """Log a line for every other shipped table that has other means of these points than their shipped states.

    A point computed again may end elsewhere, and its state is one file, whichever figures show it.
    """
    from repro.states.state_file import read_state
    from repro.utils.result_table import read_table

    for name in figures(results):
        shared = [each for each in shipped_points(name, results) if each.point_id in point_ids and each.has_state]
        if not shared or name.removesuffix(f"_{OTHERS}") == figure:
            continue
        table = read_table(results / f"{name}.csv")
        for each in shared:
            if off := _disagreement(read_state(each.path), table[table["point_id"] == each.point_id]):
                log.warning("state of %s: %s (%s); publish %s from the same runs too", each.name, off, name, name)


def remove_left_over(results: Path) -> list[Path]:
    """Remove states of points that no drawn table has any more; returns their paths."""
    drawn = [figure for figure in figures(results) if figure not in NOT_DRAWN]
    named = {each.point_id for figure in drawn for each in shipped_points(figure, results)}
    left = [path for path in sorted((results / FOLDER).glob(f"*{ENDING}")) if path.stem not in named]
    for path in left:
        path.unlink()
    return left


def _of_run(each: ShippedPoint, runs: Path) -> State | None:
    """The state of a point that is finished in a folder of runs, if its settings are still those of its id."""
    try:
        point = point_of(**each.settings)
    except InputError:
        return None
    folder = point_folder(runs, point)
    there = point.point_id == each.point_id and finished(runs, point) and (folder / CHECKPOINT).is_file()
    return state_of_run(point, folder) if there else None


def _of_file(each: ShippedPoint) -> State | None:
    from repro.states.state_file import read_state

    return read_state(each.path) if each.has_state else None


def last_rows(table: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """What a table has of a point's last state: observable -> (mean, error).

    An evolution's rows at t = inf average its last fifth and are left out; of unmasked draws those of p count.
    """
    evolution = table[table["t"] < math.inf]
    last = evolution[evolution["t"] == evolution["t"].max()] if len(evolution) else table
    rows = {name: (mean, error) for name, mean, error in _triples(last)}
    scored = {name: rows[f"{SCORED}{name}"] for name in PAULI_AVERAGES if f"{SCORED}{name}" in rows}
    return scored or {name: value for name, value in rows.items() if name in PAULI_AVERAGES}


def _triples(table: pd.DataFrame) -> Iterable[tuple[str, float, float]]:
    return table[["observable", "mean", "error"]].drop_duplicates("observable").itertuples(index=False, name=None)


def _disagreement(state: State, rows: pd.DataFrame) -> str:
    """How weights contradict their table, empty where they do not."""
    expected = last_rows(rows)
    if not expected:
        return "the table has no means of its last state"
    found = state.values(["X", "Y", "Z"])
    for name, (mean, error) in expected.items():
        value, own_error = found[name.removeprefix("sigma_").upper()]
        allowed = ROUNDING + ERRORS * math.hypot(error, own_error)
        if not abs(value - mean) <= allowed:
            return f"its weights give {name} = {value:.8f}, the table has {mean:.8f}"
    return ""

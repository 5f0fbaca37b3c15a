"""Points of one source, a run's folder or the shipped results: what publishing chooses from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.config.listed import BEST_FIRST, OLD_PROFILES
from repro.utils.errors import InputError
from repro.utils.point_settings import damaged, read_points
from repro.utils.result_table import LOSS_COLUMNS, check_columns, read_exactly, read_table

if TYPE_CHECKING:
    import pandas as pd

PointName = tuple[str, str]
"""(panel, label)."""


@dataclass(frozen=True)
class ResultSet:
    """Points of one source.

    Attributes:
        table: tidy table.
        settings: finished points by (panel, label).
        reference: bytes of the exact line's CSV.
        losses: loss of every iteration, where a figure has it.
    """

    table: pd.DataFrame
    settings: dict[PointName, dict[str, Any]]
    reference: bytes
    losses: pd.DataFrame | None = None


def read_result_set(table: Path, settings: Path, reference: Path, losses: Path) -> ResultSet:
    """Read one source; points without rows in the table are not finished and left out.

    Raises:
        InputError: a file that is missing or damaged.
    """

    frame = read_table(table).replace({"profile": OLD_PROFILES})
    finished = set(frame["point_id"])
    try:
        points = read_points(settings)
        named = {(p["panel"], p["label"]): p for p in points if p["point_id"] in finished}
        for settings_of_point in points:
            settings_of_point["profile"] = OLD_PROFILES.get(settings_of_point["profile"], settings_of_point["profile"])
        if any(p["profile"] not in BEST_FIRST for p in points):
            raise InputError(f"{settings}: only the profiles {', '.join(BEST_FIRST)} are published")
        kept = _losses_of(losses) if losses.exists() else None
        return ResultSet(frame, named, reference.read_bytes(), kept)
    except OSError as error:
        raise InputError(f"cannot read '{error.filename}': {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise damaged(settings) from error


def _losses_of(path: Path) -> pd.DataFrame:
    found = read_exactly(path)
    check_columns(found, LOSS_COLUMNS, path)
    return found


def result_sets(figure: str, runs: Path, names: Sequence[Path], further: Sequence[Path]) -> list[ResultSet]:
    """Of the runs, best profile first, then what is shipped."""
    found = [
        read_result_set(*(folder / name for name in ("table.csv", "settings.json", "reference.csv", "losses.csv")))
        for folder in _folders(runs)
        if (folder / "table.csv").exists()
    ]
    if names[0].exists():
        found.append(read_result_set(*names))
    if not found:
        raise InputError(f"figure '{figure}': nothing is computed in '{runs}'; run it first")
    if all(name.exists() for name in (*further, names[2])):
        found.append(read_result_set(*further, *names[2:]))
    return found


def _folders(runs: Path) -> list[Path]:
    """Folders of a figure's runs, best profile first, those of old names too."""
    old = {new: name for name, new in OLD_PROFILES.items()}
    names = [name for profile in BEST_FIRST for name in (profile, old.get(profile)) if name]
    return [runs / name for name in names]

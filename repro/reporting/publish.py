"""From runs to the shipped results: for every point of a figure the best profile that has been computed.

`results/<figure>.csv` is the table (a long one goes on in `<figure>.part2.csv`), `<figure>_reference.csv` the exact
line, `<figure>_<name>.csv` a further table such as the losses, `<figure>.json` the resolved settings.
`states/<point id>.safetensors` are the last weights of the points whose checkpoints are there (`repro.states`).
`<figure>_others.csv` and `.json` keep evolutions at other settings of points that are there at the paper's.
What is shipped already counts as a run: a later run adds to it, and a worse profile never replaces a better one.
Without a run what is shipped is written again, with the exact values that have become known since.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.config.listed import BEST_FIRST, LABELS, OLD_PROFILES, OTHERS, rank
from repro.reporting.late_exact import filled
from repro.states.shipped import described_points
from repro.states.shipping import Shipment, remove_left_over, shipment, warn_of_contradictions
from repro.utils.errors import InputError
from repro.utils.files import SHIPPED_DIGITS, write_atomic
from repro.utils.point_settings import damaged, read_points
from repro.utils.result_table import read_exactly, read_table, tidy, write_parts

if TYPE_CHECKING:
    import pandas as pd

PAPER = BEST_FIRST[0]
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
        kept = read_exactly(losses) if losses.exists() else None
        return ResultSet(frame, named, reference.read_bytes(), kept)
    except OSError as error:
        raise InputError(f"cannot read '{error.filename}': {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise damaged(settings) from error


def publish(figure: str, required: Iterable[PointName], runs: Path, results: Path) -> tuple[Path, ...]:
    """Write the best finished version of every point of a figure to the shipped results, to `SHIPPED_DIGITS`.

    Args:
        figure: its name, such as "fig4".
        required: (panel, label) of the points without which the figure is incomplete.
        runs: folder of the figure's runs, with a subfolder per profile.
        results: folder of the shipped results.

    Returns:
        The paths of `<figure>.csv` and its further parts, `<figure>.json`, `<figure>_reference.csv`, and
        `<figure>_losses.csv`, `<figure>_others.csv` and `<figure>_others.json` if any, and of states.

    Raises:
        InputError: nothing computed, a required point not finished, a damaged file. Nothing is written then.
    """
    result_sets = [
        read_result_set(*(folder / name for name in ("table.csv", "settings.json", "reference.csv", "losses.csv")))
        for folder in _folders(runs)
        if (folder / "table.csv").exists()
    ]
    names = [results / f"{figure}{ending}" for ending in (".csv", ".json", "_reference.csv", "_losses.csv")]
    if names[0].exists():
        result_sets.append(read_result_set(*names))
    if not result_sets:
        raise InputError(f"figure '{figure}': nothing is computed in '{runs}'; run it first")
    further = [results / f"{figure}_{OTHERS}{ending}" for ending in (".csv", ".json")]
    if all(name.exists() for name in (*further, names[2])):
        result_sets.append(read_result_set(*further, *names[2:]))
    best = _best(result_sets)
    missing = [f"{panel}-{label}" for panel, label in required if (panel, label) not in best]
    if missing:
        raise InputError(
            f"figure '{figure}': {len(missing)} points are not finished (first: {missing[0]}); run it to its end first"
        )
    others = _others(result_sets, best)
    states = [
        *_states(figure, best, runs.parent, results),
        *_states(f"{figure}_{OTHERS}", others, runs.parent, results),
    ]
    written = [
        *_written(figure, best, names[0], names[1], runs.parent),
        write_atomic(names[2], _exact_line(result_sets)),
    ]
    if losses := _losses(best):
        written.append(write_atomic(names[3], losses))
    if others:
        written += _written(figure, others, further[0], further[1], runs.parent)
    written += [path for shipped in states for path in shipped.write()]
    remove_left_over(results)
    warn_of_contradictions(figure, {path.stem for shipped in states for path in shipped.contents}, results)
    return tuple(written)


def _states(name: str, best: dict[PointName, ResultSet], runs: Path, results: Path) -> list[Shipment]:
    """The last weights of a table's points, read and checked."""
    if not best:
        return []
    described = [result_set.settings[key] for key, result_set in best.items()]
    return [shipment(described_points(name, described, results), _rows(best), runs)]


def _written(figure: str, best: dict[PointName, ResultSet], table: Path, settings: Path, runs: Path) -> list[Path]:
    chosen = [result_set.settings[name] for name, result_set in best.items()]
    described = json.dumps({"figure": figure, "points": chosen}, indent=1)
    return [*write_parts(filled(_rows(best), chosen, runs), table), write_atomic(settings, described)]


def _folders(runs: Path) -> list[Path]:
    """Folders of a figure's runs, best profile first, those of old names too."""
    old = {new: name for name, new in OLD_PROFILES.items()}
    names = [name for profile in BEST_FIRST for name in (profile, old.get(profile)) if name]
    return [runs / name for name in names]


def _best(result_sets: Sequence[ResultSet]) -> dict[PointName, ResultSet]:
    """The result set to take each point from; among equal profiles the earlier set, that is the newer computation."""
    best: dict[PointName, ResultSet] = {}
    for result_set in result_sets:
        for name, settings in result_set.settings.items():
            known = best.get(name)
            if known is None or rank(settings["profile"]) < rank(known.settings[name]["profile"]):
                best[name] = result_set
    return dict(sorted(best.items()))


def _exact_line(result_sets: Sequence[ResultSet]) -> bytes:
    """The one of the best profile, among equal ones of the newer computation: that of a worse one may be shorter."""

    def best_rank(result_set: ResultSet) -> int:
        ranks = (rank(settings["profile"]) for settings in result_set.settings.values())
        return min(ranks, default=len(BEST_FIRST))

    return min(result_sets, key=best_rank).reference


def _others(result_sets: Sequence[ResultSet], best: dict[PointName, ResultSet]) -> dict[PointName, ResultSet]:
    """Of evolutions that are there at the paper's settings the best one at others."""

    def other(name: PointName, settings: dict[str, Any]) -> bool:
        known = best[name].settings[name]
        return "tau" in settings and known["profile"] == PAPER and _computation(settings) != _computation(known)

    return _best(
        [replace(each, settings={k: v for k, v in each.settings.items() if other(k, v)}) for each in result_sets]
    )


def _computation(settings: dict[str, Any]) -> dict[str, Any]:
    """What is computed, however far in time."""
    return {name: value for name, value in settings.items() if name not in (*LABELS, "label", "point_id", "t_end")}


def _rows(best: dict[PointName, ResultSet]) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for (panel, label), result_set in best.items():
        table = result_set.table
        wanted = result_set.settings[panel, label]["point_id"]
        parts.append(table[(table["panel"] == panel) & (table["point"] == label) & (table["point_id"] == wanted)])
    return _shortened(tidy(pd.concat(parts, ignore_index=True) if parts else []))


def _shortened(table: pd.DataFrame) -> pd.DataFrame:
    """The table with measured numbers rounded to `SHIPPED_DIGITS`."""
    measured = ("mean", "error", "exact", "seconds", "smallest_eigenvalue")
    return table.assign(**{name: [float(f"{x:.{SHIPPED_DIGITS}g}") for x in table[name]] for name in measured})


def _losses(best: dict[PointName, ResultSet]) -> str:
    import pandas as pd

    parts = [
        result_set.losses[(result_set.losses["panel"].fillna("") == panel) & (result_set.losses["point"] == label)]
        for (panel, label), result_set in best.items()
        if result_set.losses is not None
    ]
    return pd.concat(parts, ignore_index=True).to_csv(index=False) if parts else ""

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
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.config.listed import BEST_FIRST, LABELS, OTHERS, rank
from repro.reporting.late_exact import filled
from repro.reporting.places import Place, everywhere
from repro.reporting.result_sets import PointName, ResultSet, result_sets
from repro.states.shipped import described_points
from repro.states.shipping import Shipment, remove_left_over, shipment, warn_of_contradictions
from repro.utils.errors import InputError
from repro.utils.files import SHIPPED_DIGITS, write_atomic
from repro.utils.result_table import tidy, write_parts

if TYPE_CHECKING:
    import pandas as pd

PAPER = BEST_FIRST[0]


@dataclass(frozen=True)
class Publication:
    """What is written of a figure, all of it known.

    Attributes:
        figure: its name.
        described: resolved settings of the points of its table.
        tables: tidy tables by their first files.
        texts: further files.
        states: weights of the points.
        results: folder of shipped results.
    """

    figure: str
    described: list[dict[str, Any]]
    tables: dict[Path, pd.DataFrame]
    texts: dict[Path, bytes | str]
    states: list[Shipment]
    results: Path

    def write(self) -> tuple[Path, ...]:
        """Write everything; returns the paths."""
        written = [path for name, table in self.tables.items() for path in write_parts(table, name)]
        written += [write_atomic(path, text) for path, text in self.texts.items()]
        written += [path for shipped in self.states for path in shipped.write()]
        remove_left_over(self.results)
        computed = {path.stem for shipped in self.states for path in shipped.contents}
        warn_of_contradictions(self.figure, computed, self.results)
        return tuple(written)


def publish(figure: str, required: Iterable[PointName], runs: Path, results: Path) -> tuple[Path, ...]:
    """Write the best finished version of every point of a figure to the shipped results: `publication`, written.

    Returns:
        The paths of `<figure>.csv` and its further parts, `<figure>_others.csv` if any, of `<figure>.json`,
        `<figure>_reference.csv` and, if any, `<figure>_losses.csv` and `<figure>_others.json`, and of states.
    """
    return publication(figure, required, runs, results).write()


def publication(
    figure: str, required: Iterable[PointName], runs: Path, results: Path, listed: Sequence[Place] = ()
) -> Publication:
    """The best finished version of every point of a figure, to `SHIPPED_DIGITS`; nothing is written.

    Args:
        figure: its name, such as "fig4".
        required: (panel, label) of the points without which the figure is incomplete.
        runs: folder of the figure's runs, with a subfolder per profile.
        results: folder of the shipped results.
        listed: the figure's points as it defines them now: they are shipped in every panel that has them and under the
            best profile, and of equal profiles they come first.

    Raises:
        InputError: nothing computed, a required point not finished, a damaged file.
    """
    names = [results / f"{figure}{ending}" for ending in (".csv", ".json", "_reference.csv", "_losses.csv")]
    further = [results / f"{figure}_{OTHERS}{ending}" for ending in (".csv", ".json")]
    found = [copy for each in result_sets(figure, runs, names, further) for copy in everywhere(each, listed)]
    now = {place.point_id for place in listed}
    best = _best(found, now)
    _check_finished(figure, required, best)
    others = _others(found, best, now)
    tables: dict[Path, pd.DataFrame] = {}
    texts: dict[Path, bytes | str] = {}
    for chosen, (table, settings) in ((best, names[:2]), (others, further)):
        if chosen or chosen is best:
            described = [result_set.settings[name] for name, result_set in chosen.items()]
            tables[table] = filled(_rows(chosen), described, runs.parent)
            texts[settings] = json.dumps({"figure": figure, "points": described}, indent=1)
    texts[names[2]] = _exact_line(found)
    if losses := _losses(best):
        texts[names[3]] = losses
    states = [
        *_states(figure, best, runs.parent, results),
        *_states(f"{figure}_{OTHERS}", others, runs.parent, results),
    ]
    return Publication(figure, [best[name].settings[name] for name in best], tables, texts, states, results)


def _check_finished(figure: str, required: Iterable[PointName], best: dict[PointName, ResultSet]) -> None:
    missing = [f"{panel}-{label}" for panel, label in required if (panel, label) not in best]
    if missing:
        raise InputError(
            f"figure '{figure}': {len(missing)} points are not finished (first: {missing[0]}); run it to its end first"
        )


def _states(name: str, best: dict[PointName, ResultSet], runs: Path, results: Path) -> list[Shipment]:
    """The last weights of a table's points, read and checked."""
    if not best:
        return []
    described = [result_set.settings[key] for key, result_set in best.items()]
    return [shipment(described_points(name, described, results), _rows(best), runs)]


def _best(result_sets: Sequence[ResultSet], listed: Container[str]) -> dict[PointName, ResultSet]:
    """The result set to take each point from; among equal profiles one whose settings are listed, among those the
    earlier set, that is the newer computation."""

    def order(settings: dict[str, Any]) -> tuple[int, bool]:
        return rank(settings["profile"]), settings["point_id"] not in listed

    best: dict[PointName, ResultSet] = {}
    for result_set in result_sets:
        for name, settings in result_set.settings.items():
            known = best.get(name)
            if known is None or order(settings) < order(known.settings[name]):
                best[name] = result_set
    return dict(sorted(best.items()))


def _exact_line(result_sets: Sequence[ResultSet]) -> bytes:
    """The one of the best profile, among equal ones of the newer computation: that of a worse one may be shorter."""

    def best_rank(result_set: ResultSet) -> int:
        ranks = (rank(settings["profile"]) for settings in result_set.settings.values())
        return min(ranks, default=len(BEST_FIRST))

    return min(result_sets, key=best_rank).reference


def _others(
    result_sets: Sequence[ResultSet], best: dict[PointName, ResultSet], listed: Container[str]
) -> dict[PointName, ResultSet]:
    """Of evolutions that are there at the paper's settings the best one at others."""

    def other(name: PointName, settings: dict[str, Any]) -> bool:
        known = best[name].settings[name]
        return "tau" in settings and known["profile"] == PAPER and _computation(settings) != _computation(known)

    return _best(
        [replace(each, settings={k: v for k, v in each.settings.items() if other(k, v)}) for each in result_sets],
        listed,
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

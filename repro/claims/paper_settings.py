"""The paper's settings beside ours: of every group of rows that a claim rests on.

The paper's text gives N_s = 12000, the time steps and the sizes; iterations are those of its public code (500 for a
search, 120 for a time step). What it does not give is empty here and compared with nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.utils.point_settings import damaged, read_points
from repro.utils.result_table import without_seed

if TYPE_CHECKING:
    import pandas as pd

N_SAMPLES, SEARCH, STEP = 12000, 500, 120
BATCH, EVERY_DRAW = 100, 10
"""The public code's mini-batch, 120 of which are 12000 draws a time step, and the sites beyond which it is taken."""
BY_BATCHES = "100 draws an iteration, "


@dataclass(frozen=True)
class PaperSettings:
    """What the paper says about some of its points; None where it is silent.

    Attributes:
        where: name of the figure.
        n_sites: of the points that can be compared with an exact value; none asked where seeds are added to them.
        tau: half the time step (1/gamma).
        t_end: last time (1/gamma).
        iterations: of a search or of a time step.
    """

    where: str
    n_sites: tuple[int, ...]
    tau: float | None = None
    t_end: float | None = None
    iterations: int = SEARCH
    n_samples: int = N_SAMPLES


SEARCHES = {"fig3": ("Fig. 3", 16), "fig4": ("Fig. 4", 9), "figS5": ("Fig. S5", 16), "ledger": ("3x3 seeds", 9)}
EVOLUTIONS = {
    ("fig2", "a"): PaperSettings("Fig. 2a", (10,), 0.005, 4.0, STEP),
    ("fig2", "b"): PaperSettings("Fig. 2b", (9,), 0.008, 5.0, STEP),
    ("fig4", "a"): PaperSettings("Fig. 4a", (9,), 0.008, None, STEP),
    ("ledger", "seeds"): PaperSettings("3x3 seeds", (9,), 0.008, None, STEP),
    ("figS1", ""): PaperSettings("Fig. S1", (9,), 0.008, 4.0, STEP),
    ("figS3", ""): PaperSettings("Fig. S3", (4, 6, 8, 10), 0.0005, None, STEP),
    ("figS4", ""): PaperSettings("Fig. S4", (4, 6, 8, 10), 0.0075, 4.0, STEP),
}
EVOLUTIONS |= {
    ("ledger", panel): replace(EVOLUTIONS[shown], where=f"{EVOLUTIONS[shown].where}, other seeds", n_sites=())
    for panel, shown in {"2a": ("fig2", "a"), "2b": ("fig2", "b"), "S4": ("figS4", "")}.items()
}
LOSSES = {"a": PaperSettings("Fig. S2a", (16,)), "b": PaperSettings("Fig. S2b", (9,))}


def of_rows(figure: str, panel: str, method: str, by_batches: bool = False) -> PaperSettings | None:
    """The paper's settings for rows of a figure, of all draws an iteration or a mini-batch; None where it has none."""
    if by_batches:
        found = EVOLUTIONS.get((figure, panel))
        return found and replace(found, where=BY_BATCHES + found.where, n_sites=(20,), n_samples=BATCH)
    if figure == "figS2":
        return LOSSES.get(panel)
    if method == "variational" and figure in SEARCHES:
        where, n_sites = SEARCHES[figure]
        return PaperSettings(where + ", searches", (n_sites,))
    return EVOLUTIONS.get((figure, panel))


def in_batches(rows: pd.DataFrame) -> pd.Series[bool]:
    """Which rows are of evolutions of long rings by mini-batches."""
    draws = rows["n_samples"].fillna(0)
    return (rows["n_sites"] > EVERY_DRAW) & rows["tau"].notna() & (draws == BATCH).astype(bool)


def read_settings(folder: Path, figure: str) -> dict[str, dict[str, Any]]:
    """Resolved settings of a figure's points by id, from `<figure>.json`; empty without that file.

    Raises:
        InputError: a damaged file.
    """
    path = folder / f"{figure}.json"
    if not path.exists():
        return {}
    try:
        return {str(point["point_id"]): point for point in read_points(path)}
    except KeyError as error:
        raise damaged(path) from error


def compared(rows: pd.DataFrame, settings: Mapping[str, dict[str, Any]]) -> tuple[list[str], list[tuple[str, str]]]:
    """Our settings beside the paper's, one line for each group of rows, and (name, where) of those that differ.

    Args:
        rows: rows of tables that a claim rests on.
        settings: resolved settings by id.
    """
    lines, differing = [], []
    by_panel = rows.groupby(["figure", "panel", "method", in_batches(rows)], sort=True)
    for (figure, panel, method, by_batches), group in by_panel:
        paper = of_rows(str(figure), str(panel), str(method), bool(by_batches))
        if paper is None:
            continue
        told = []
        for name, ours, theirs, same in _each(group, settings, paper):
            told.append(f"{name} {ours}" + ("" if same else f" (paper: {theirs})"))
            if not same:
                differing.append((name, paper.where))
        lines.append(f"{paper.where}: " + ", ".join([*told, f"seeds {_seeds(group)}"]))
    return list(dict.fromkeys(lines)), list(dict.fromkeys(differing))


def _each(
    group: pd.DataFrame, settings: Mapping[str, dict[str, Any]], paper: PaperSettings
) -> list[tuple[str, str, str, bool]]:
    """(name, ours, the paper's, whether they agree)."""
    draws = sorted({int(n) for n in group["n_samples"].fillna(0)})
    sites = sorted(set(group["n_sites"]))
    told = "/".join(str(n) if n else "exact sums" for n in draws)
    found = [
        ("N_s", told, str(paper.n_samples), draws == [paper.n_samples]),
        ("N", _listed(sites), _listed(paper.n_sites), set(paper.n_sites) <= set(sites)),
    ]
    if paper.tau is not None:
        taus = sorted(set(group["tau"].dropna()))
        found.append(("tau", _listed(taus), f"{paper.tau:g}", taus == [paper.tau]))
    if paper.t_end is not None:
        for reached in _reached(group, settings):
            found.append(("t_end", f"{reached:.3g}", f"{paper.t_end:g}", reached >= 0.99 * paper.t_end))
    name = "iterations" if paper.tau is None else "step_iterations"
    counts = sorted({settings[i][name] for i in set(group["point_id"]) if name in settings.get(i, {})})
    if counts:
        found.append(("iterations", _listed(counts), f"public code {paper.iterations}", counts == [paper.iterations]))
    return found


def _reached(group: pd.DataFrame, settings: Mapping[str, dict[str, Any]]) -> list[float]:
    """The last time of the shortest evolution, by its rows or, of steady states alone, by its settings if any."""
    finite = group[group["t"] < float("inf")]
    if len(finite):
        return [float(finite.groupby("point_id")["t"].max().min())]
    ends = [float(settings[i]["t_end"]) for i in set(group["point_id"]) if "t_end" in settings.get(i, {})]
    return [min(ends)] if ends else []


def _seeds(group: pd.DataFrame) -> str:
    """How many, from the fewest to the most of anything but the seed."""
    count = group.groupby([without_seed(group["point"]), "n_sites"])["seed"].nunique()
    return f"{count.min()}" + (f" to {count.max()}" if count.max() > count.min() else "")


def _listed(values: list[Any] | tuple[Any, ...]) -> str:
    return "/".join(f"{value:g}" for value in values)

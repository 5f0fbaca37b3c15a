"""What `repro publish` ships of a figure: everything is read and computed before anything is written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repro.config.listed import BEST_FIRST, Listed
from repro.config.point import Point
from repro.references.cache import load
from repro.references.of_point import stored
from repro.reporting import mean_field_table
from repro.reporting.places import places
from repro.reporting.publish import publication
from repro.utils.errors import InputError
from repro.utils.files import write_atomic
from repro.utils.paths import experiments
from repro.utils.result_table import read_table, write_table

if TYPE_CHECKING:
    import pandas as pd

COMPETITOR = "fig3"
"""The figure with an RBM beside it."""


def ship(figure: str, partial: bool, runs: Path, results: Path) -> list[Path]:
    """Write tables, trained states, exact curves, mean field and the RBM's rows of a figure; returns what was written.

    Args:
        figure: its name.
        partial: whether points of the quick profile may be missing.
        runs: folder of computed points.
        results: folder of shipped results.

    Raises:
        InputError: as `repro.reporting.publish.publication`, or a table of the RBM that is damaged. Nothing is written
            then.
    """
    module = experiments().load(figure)
    points = [listed for profile in BEST_FIRST for listed in module.points(profile)]
    required = [] if partial else [(p.panel, p.label) for p in module.points("quick")]
    tables = publication(figure, required, runs / figure, results, places(points))
    lines = [point for profile in BEST_FIRST for point in module.exact_line(profile)]
    references = new_references([*(listed.point for listed in points), *lines], runs, results)
    rbm = with_competitor(points, runs, results) if figure == COMPETITOR else None
    mean_field = mean_field_table.shipped_text(figure, tables.described, module.exact_line("paper"))
    written = [*tables.write()]
    if rbm is not None:
        written.append(write_table(rbm, results / f"{figure}_rbm.csv"))
    if mean_field:
        written.append(write_atomic(results / f"{figure}_{mean_field_table.NAME}.csv", mean_field))
    return [*written, *(write_atomic(results / "reference" / name, data) for name, data in references.items())]


def new_references(points: Sequence[Point], runs: Path, results: Path) -> dict[str, bytes]:
    """Files of exact curves that these runs have and the shipped results have not, or have damaged."""
    computed, shipped = runs / "reference", results / "reference"
    new = [key for key in stored(points, runs) if load(computed, key) and not _whole(shipped, key)]
    names = [f"{key}{ending}" for key in new for ending in (".csv", ".json")]
    return {name: (computed / name).read_bytes() for name in names}


def _whole(folder: Path, key: str) -> bool:
    with contextlib.suppress(InputError):
        return load(folder, key) is not None
    return False


def with_competitor(points: Iterable[Listed], runs: Path, results: Path) -> pd.DataFrame | None:
    """The shipped rows of the RBM with those computed here, of the figure's ring alone; None without new ones.

    A search at a field and with a seed that are shipped already takes their place; no other is lost.
    """
    import pandas as pd

    computed, shipped = runs / "rbm" / "table.csv", results / f"{COMPETITOR}_rbm.csv"
    if not computed.exists():
        return None
    rings = {(p.point.lattice.n_sites, p.settings["V"]) for p in points if p.profile == BEST_FIRST[0]}
    found = read_table(computed)
    found = found[pd.MultiIndex.from_frame(found[["n_sites", "V"]]).isin(rings)]
    if not len(found):
        return None
    kept = read_table(shipped) if shipped.exists() else found.iloc[:0]
    search = ["g", "seed"]
    kept = kept[~pd.MultiIndex.from_frame(kept[search]).isin(pd.MultiIndex.from_frame(found[search]))]
    return pd.concat([kept, found]).sort_values(search, kind="stable").reset_index(drop=True)

"""The contents of the report, from the shipped files alone: no training, no QuTiP call."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.reporting.summary import deviations, headline, observables_of, off_by
from repro.reporting.whose_settings import whose_settings
from repro.utils.errors import InputError
from repro.utils.formatting import duration
from repro.utils.paths import experiments
from repro.utils.point_settings import read_points
from repro.utils.result_table import read_table

if TYPE_CHECKING:
    import pandas as pd

PACKAGES = ("torch", "pytorch-lightning", "qutip", "numpy", "pandas", "matplotlib", "wandb")
SEARCH = ("lattice", "layers", "width", "strings", "povm", "n_samples", "seed", "Jx", "Jy", "Jz", "B", "V", "g")
"""What a second stage and the search that it starts from have in common."""
OVERVIEW = ("figure", "profile", "physical", "largest deviation", "of", "seconds", "device", "settings")
DEVIATIONS = ("panel", "point", "profile", "steady", "error", "exact", "off by", "largest", "at t", "wall time")


@dataclass(frozen=True)
class FigureReport:
    """One figure of the report.

    Attributes:
        name, title, text: the figure, and the docstring of its experiment.
        drawings: (file name, PNG as a data URI).
        deviations: rows of the table `DEVIATIONS`, as text.
        facts: profiles, seeds, devices, commits, samples, time steps and total wall time, as text.
        settings: the resolved settings of every point, as JSON (`shared_settings`).
    """

    name: str
    title: str
    text: str
    drawings: list[tuple[str, str]]
    deviations: list[list[str]]
    facts: dict[str, str]
    settings: str


def figure_names() -> list[str]:
    """All figures, the main text's first."""
    known = experiments().names()
    return sorted(known, key=lambda name: (not name.startswith("fig"), name.startswith("figS"), name))


def gather(results: Path) -> list[FigureReport]:
    """Every figure's part of the report; those without a shipped table have no drawings and no rows."""
    return [_figure(name, results) for name in figure_names()]


def overview(results: Path) -> pd.DataFrame:
    """One row per figure: figure, profile, physical ("23 of 24"), largest deviation from exact, its point, wall time
    (seconds), device, settings; see `repro.reporting.summary.headline` and `repro.reporting.whose_settings`."""
    import pandas as pd

    rows = []
    for name in figure_names():
        path = results / f"{name}.csv"
        if not path.exists() or not len(table := read_table(path)):
            continue
        found = headline(table)
        rows.append(
            {
                "figure": name,
                "profile": " and ".join(dict.fromkeys(table["profile"])),
                "physical": found.counted,
                "largest deviation": found.largest,
                "of": found.of,
                "seconds": _wall_time(table),
                "device": ", ".join(dict.fromkeys(table["device"])),
                "settings": whose_settings(name, table),
            }
        )
    return pd.DataFrame(rows, columns=[*OVERVIEW])


def _wall_time(table: pd.DataFrame) -> float:
    """Seconds of all points, one after the other; a search that a second stage starts from counts once."""
    of_point = table.groupby("point_id").agg(
        **{name: (name, "first") for name in ("method", *SEARCH)}, first=("seconds", "min"), last=("seconds", "max")
    )
    of_point["search"] = [str(values) for values in of_point[[*SEARCH]].itertuples(index=False, name=None)]
    searched = of_point.loc[of_point["method"] == "variational", "search"]
    again = (of_point["method"] == "variational+dynamics") & of_point["search"].isin(searched)
    return float(of_point["last"].sum() - of_point.loc[again, "first"].sum())


def _figure(name: str, results: Path) -> FigureReport:
    title, _, text = (experiments().load(name).__doc__ or name).partition("\n")
    path = results / f"{name}.csv"
    empty = FigureReport(name, title, text.strip(), _drawings(name, results), [], {}, "")
    if not path.exists() or not len(table := read_table(path)):
        return empty
    shown = _settings(results / f"{name}.json")
    return FigureReport(name, title, text.strip(), empty.drawings, _deviation_rows(table), _facts(table), shown)


def _settings(path: Path) -> str:
    return shared_settings(read_points(path)) if path.exists() else ""


def shared_settings(points: Sequence[Mapping[str, Any]]) -> str:
    """Settings as JSON: those that all points share once, then a line for each point with the others."""
    first, *others = points or [{}]
    shared = {k: v for k, v in first.items() if all(k in point and point[k] == v for point in others)}
    own = [json.dumps({k: v for k, v in point.items() if k not in shared}) for point in points]
    return f'{{"of every point": {json.dumps(shared, indent=1)},\n"points": [\n' + ",\n".join(own) + "\n]}"


def _drawings(name: str, results: Path) -> list[tuple[str, str]]:
    pictures = sorted((results / "figures").glob(f"{name}.png")) + sorted((results / "figures").glob(f"{name}_*.png"))
    return [(p.stem, "data:image/png;base64," + base64.b64encode(_smaller(p)).decode()) for p in pictures]


def _smaller(picture: Path) -> bytes:
    """The same picture with a palette of 128 colours, a quarter of the bytes; lines and letters need no more."""
    from PIL import Image

    stream = io.BytesIO()
    with Image.open(picture) as image:
        image.convert("RGB").quantize(128).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _deviation_rows(table: pd.DataFrame) -> list[list[str]]:
    profile = table.drop_duplicates("point_id").set_index("point_id")["profile"]
    out = []
    for observable in observables_of(table):
        for row in deviations(table, observable).to_dict("records"):
            label = row["point"] + (f" {observable}" if observable != "sigma_z" else "")
            forms = {"steady": "+.4f", "error": ".4f", "exact": "+.4f"}
            steady = [_text(row[name], form) for name, form in forms.items()]
            largest = [_text(row["largest"], ".4f"), _text(row["largest_t"], ".2f")]
            numbers = [*steady, off_by(row), *largest]
            out.append([row["panel"], label, profile[row["point_id"]], *numbers, duration(row["seconds"])])
    return out


def _text(value: float, form: str) -> str:
    return "" if value != value else format(value, form)


def _facts(table: pd.DataFrame) -> dict[str, str]:
    def listed(column: str) -> str:
        return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in table[column].dropna().unique())

    facts = {
        "profile": listed("profile"),
        "physical points": headline(table).counted,
        "lattices": listed("lattice"),
        "draws per iteration": listed("n_samples") or "none (exact sums)",
        "tau": listed("tau"),
        "seeds": listed("seed"),
        "wall time, all points": duration(_wall_time(table)),
        "device": listed("device"),
        "commits": listed("commit"),
    }
    return {name: text for name, text in facts.items() if text}


def references(results: Path) -> list[list[str]]:
    """Label, kind, solver, quality, QuTiP version of every shipped reference.

    Raises:
        InputError: a damaged description of a reference.
    """
    return sorted(_reference(path) for path in (results / "reference").glob("*.json"))


def _quality(info: dict[str, Any]) -> str:
    """How well a reference is known: its residual, bond dimension or number of trajectories."""
    if "residual" in info:
        return f"|L rho| {info['residual']:.0e}"
    if "bond_dimension" in info:
        return f"bond dimension {info['bond_dimension']}, error {max(info['errors'].values()):.0e}"
    return f"{info['trajectories']} trajectories"


def _reference(path: Path) -> list[str]:
    try:
        info: dict[str, Any] = json.loads(path.read_bytes())
        return [info.get("label", ""), info["kind"], info["solver"], _quality(info), info["versions"]["qutip"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not the description of an exact reference") from error


def versions() -> list[list[str]]:
    """Installed versions of the packages behind the numbers."""
    rows = []
    for package in PACKAGES:
        try:
            rows.append([package, metadata.version(package)])
        except metadata.PackageNotFoundError:
            rows.append([package, "not installed"])
    return rows

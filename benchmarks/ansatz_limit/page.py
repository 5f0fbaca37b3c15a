"""The tables of docs/methods.md, from the shipped table: nothing typed in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from repro.utils.errors import InputError
from repro.utils.pages import between_marks, markdown_table

PAGE = Path("docs/methods.md")
BEGIN, END = "<!-- ansatz limit -->", "<!-- end -->"
KNOWN = ("state", "ansatz", "relative entropy", "-log p held out", "entropy", "⟨σ_z⟩", "of the samples", "CPU s")
SAMPLED = (
    *("state", "ansatz", "-log p held out", "below the product", "below one string", "-log p of fitted ones"),
    *("⟨σ_z⟩", "of the samples", "CPU s"),
)


def markdown(table: pd.DataFrame) -> str:
    """Two tables: states whose p is known, and states that are sampled by trajectories."""
    rows = table.sort_values(["n_sites", "lattice", "Jy", "t", "povm"], kind="stable").to_dict("records")
    known = [_known(row) for row in rows if not math.isnan(row["entropy"])]
    sampled = [_sampled(row) for row in rows if math.isnan(row["entropy"])]
    return "\n\n".join(markdown_table(names, cells) for names, cells in ((KNOWN, known), (SAMPLED, sampled)) if cells)


def _known(row: dict[Any, Any]) -> list[str]:
    held = f"{_with_error(row, 'nll')}"
    entropy = f"{row['entropy']:.4f}"
    return [_state(row), str(row["variant"]), f"{row['relative_entropy']:.4f}", held, entropy, *_means(row)]


def _sampled(row: dict[Any, Any]) -> list[str]:
    over = "" if math.isnan(row["over_one"]) else _with_error(row, "over_one")
    gain = "" if not row["iterations"] else _with_error(row, "gain")
    return [
        *(_state(row), str(row["variant"]), _with_error(row, "nll"), gain, over),
        *(f"{row['train_nll']:.4f}", *_means(row)),
    ]


def _state(row: dict[Any, Any]) -> str:
    when = "steady" if math.isinf(row["t"]) else f"t = {row['t']:g}"
    return f"{row['lattice']}, {when}"


def _with_error(row: dict[Any, Any], name: str) -> str:
    return f"{row[name]:.4f} ± {row[f'{name}_error']:.4f}"


def _means(row: dict[Any, Any]) -> list[str]:
    samples = f"{row['sigma_z_samples']:.3f} ± {row['sigma_z_samples_error']:.3f}"
    return [f"{row['sigma_z']:.3f}", samples, f"{row['seconds']:.0f}"]


def read(page: Path) -> str:
    """A page that has the place of the tables.

    Raises:
        InputError: there is none, or none with the marks.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"page {page}: {error.strerror or error}, expected to run in a checkout") from error
    with_tables(text, pd.DataFrame(columns=["n_sites", "lattice", "Jy", "t", "povm"]))
    return text


def with_tables(page: str, table: pd.DataFrame) -> str:
    """A page with the tables between its marks written anew.

    Raises:
        InputError: a page without the marks.
    """
    return between_marks(page, (BEGIN, END), markdown(table))

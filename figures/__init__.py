"""Figures: drawn from tables alone, never trained.

A figure is a module of this package with a function `figures(table, reference, profile, extra)` that returns the
drawings by file name. Adding a module adds a figure.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from repro.utils.errors import unknown

if TYPE_CHECKING:
    import pandas as pd


def registry() -> dict[str, ModuleType]:
    """Every figure's name and module, sorted by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "figures")}


def plot(
    name: str,
    table: pd.DataFrame,
    reference: pd.DataFrame,
    profile: str,
    folder: Path | str,
    extra: Mapping[str, pd.DataFrame] | None = None,
) -> list[Path]:
    """Draw a figure and save each of its drawings as PNG and PDF.

    Args:
        name: the figure, such as "fig4".
        table: rows as `repro.utils.result_table.read_table` gives them.
        reference: exact steady values: columns Jy, g, observable, mean, error.
        profile: stated on the figure.
        folder: where the files go.
        extra: further tables by name: "losses", "rbm".

    Raises:
        repro.utils.errors.InputError: for an unknown figure or a folder that cannot be written.
    """
    from repro.reporting import style

    known = registry()
    if name not in known:
        raise unknown("figure", name, known)
    drawings = known[name].figures(table, reference, profile, extra or {})
    return [path for title, drawing in drawings.items() for path in style.save(drawing, folder, title, profile)]

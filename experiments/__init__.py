"""Experiments: one module per figure, each a function that lists the figure's points.

A module has `points(profile) -> tuple[Point, ...]` and a docstring whose first line is shown by `repro list`. Adding a
module adds a figure.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from repro.utils.errors import unknown


def names() -> tuple[str, ...]:
    """Names of all figures."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load(figure: str) -> ModuleType:
    """The module of a figure.

    Raises:
        repro.utils.errors.InputError: no such figure.
    """
    if figure not in names():
        raise unknown("figure", figure, names())
    return importlib.import_module(f"{__name__}.{figure}")

"""Where things are: the one place that knows where this package's files lie.

In a checkout the packages `experiments` and `figures` and the folder `results` stand beside `repro`; a wheel holds
`repro` alone. They are loaded from their folders, under names of their own: a folder `figures` beside a user's script
is no figure of the paper.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from repro.utils.errors import InputError

SOURCE = Path(__file__).resolve().parents[2]
"""The checkout, or the folder that the package is installed in."""
RESULTS = SOURCE / "results"
SHIPPED_REFERENCES = RESULTS / "reference"


def in_checkout() -> bool:
    """Whether the package runs from a checkout of the project."""
    return all((SOURCE / name).is_file() for name in ("pyproject.toml", "experiments/__init__.py"))


def experiments() -> ModuleType:
    """The package that lists the figures' points; see `_beside`."""
    return _beside("experiments")


def figures() -> ModuleType:
    """The package that draws figures; see `_beside`."""
    return _beside("figures")


def _beside(name: str) -> ModuleType:
    """A package of the checkout.

    Raises:
        InputError: there is no checkout.
    """
    alias = f"repro_{name}"
    if alias in sys.modules:
        return sys.modules[alias]
    if not in_checkout():
        raise InputError(
            "the paper's figures are in a checkout of the project, not in the installed package: clone it and run "
            "`make setup` there; `repro solve` works anywhere"
        )
    folder = SOURCE / name
    spec = importlib.util.spec_from_file_location(
        alias, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = sys.modules[alias] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

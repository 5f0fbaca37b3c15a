"""Packages that a GPU machine may lack, hidden from a Python that has them: the rehearsal of `make gpu-dry`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

THERE = ("torch", "pytorch-lightning", "numpy", "pandas", "matplotlib", "scipy")
"""What a GPU machine has, with all that these need."""
MISSING = {"filelock", "psutil"}
"""Modules that are hidden although some of those need them for something else."""
OURS = {"repro", "tests", "benchmarks"}
VARIABLE = "REPRO_GPU_HIDE"
"""Environment variable that tells the processes of the parts to hide as well."""


class Hiding:
    """Python's own search for modules and for installed packages, blind for some.

    Args:
        modules: top-level modules that are not found.
        kept: packages that are found.
    """

    invalidate_caches = staticmethod(PathFinder.invalidate_caches)

    def __init__(self, modules: set[str], kept: set[str]) -> None:
        self.modules, self.kept = modules, kept

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """As Python's own, None for what is hidden."""
        if name.partition(".")[0] in self.modules:
            return None
        return PathFinder.find_spec(name, path, target)

    def find_distributions(self, context: Any = None) -> Iterator[metadata.Distribution]:
        """As Python's own, without what is hidden: Lightning looks there for what it may use."""
        context = context or metadata.DistributionFinder.Context()
        return (found for found in PathFinder.find_distributions(context) if _plain(found.name) in self.kept)


def install() -> None:
    """Hide, in this process, every installed module but those of `THERE` and of what these need."""
    kept = _needed(THERE)
    hidden = {
        module
        for module, owners in metadata.packages_distributions().items()
        if not {_plain(owner) for owner in owners} & kept
    }
    found = Hiding((hidden | MISSING) - OURS, kept - MISSING)
    sys.meta_path = [found if finder is PathFinder else finder for finder in sys.meta_path]
    for name in [name for name in sys.modules if name.partition(".")[0] in found.modules]:
        del sys.modules[name]


def install_if_asked() -> None:
    """Hide where the environment says so."""
    if os.environ.get(VARIABLE):
        install()


def _needed(names: tuple[str, ...]) -> set[str]:
    """Distributions that some need, these included; extras are not."""
    from packaging.requirements import Requirement

    found, left = set[str](), [_plain(name) for name in names]
    while left:
        name = left.pop()
        if name in found:
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another platform
        found.add(name)
        wanted = [Requirement(text) for text in needs]
        left += [_plain(each.name) for each in wanted if not each.marker or each.marker.evaluate({"extra": ""})]
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

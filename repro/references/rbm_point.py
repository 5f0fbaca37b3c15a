"""Settings of one search of the competitor, and the searches that are finished in a folder of runs; no NetKet here."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any

from repro.physics.lattice import MAX_LATTICE_SITES
from repro.utils.errors import InputError
from repro.utils.validation import check_int

EVERY = 10
"""Iterations between measurements and between checkpoints."""

ANSATZ = ("n_sites", "V", "alpha", "beta")
"""Settings that say what is searched for and with what; the others say how."""


@dataclasses.dataclass(frozen=True)
class RbmPoint:
    """One steady-state search of the competitor; all of it decides the numbers."""

    g: float
    n_sites: int = 16
    V: float = 2.0
    alpha: float = 1.0
    beta: float = 1.0
    n_samples: int = 1024
    n_diagonal: int = 512
    learning_rate: float = 0.02
    largest_step: float = 0.25
    diag_shift: float = 0.001
    width_of_start: float = 0.01
    iterations: int = 800
    seed: int = 0
    start_g: float | None = None

    def __post_init__(self) -> None:
        check_int("n_sites", self.n_sites, 2, MAX_LATTICE_SITES)
        check_int("seed", self.seed, 0, 2**31 - 1)
        check_int("iterations", self.iterations)
        check_int("n_samples", self.n_samples)
        positive = ("alpha", "beta", "n_samples", "n_diagonal", "learning_rate", "largest_step", "diag_shift")
        for name in (*positive, "width_of_start"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise InputError(f"{name} = {value}: expected a number above 0")
        if self.iterations < 6 * EVERY:
            raise InputError(f"iterations = {self.iterations}: expected at least {6 * EVERY}")
        if not all(math.isfinite(x) for x in (self.g, self.V, self.start_g or 0.0)):
            raise InputError(f"g = {self.g}, V = {self.V}, start_g = {self.start_g}: expected finite numbers")

    @property
    def point_id(self) -> str:
        """Twelve hexadecimal digits of the hash of all settings."""
        settings = dataclasses.asdict(self)
        if self.start_g is None:
            del settings["start_g"]
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def label(self) -> str:
        """Short readable name."""
        return f"rbm-g{self.g!r}" + (f"-seed{self.seed}" if self.seed else "")


def point_folder(runs: Path, point: RbmPoint) -> Path:
    """The folder of a search."""
    return runs / "rbm" / point.point_id


def finished(runs: Path, like: RbmPoint) -> list[dict[str, Any]]:
    """Contents of `done.json` of every search for the same ansatz on the same ring, at any g and by any optimiser."""
    searches = [json.loads(path.read_text()) for path in sorted((runs / "rbm").glob("*/done.json"))]
    return [done for done in searches if all(done["point"][name] == getattr(like, name) for name in ANSATZ)]


def lowest(searches: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The search that reached the lowest cost: the principle is variational."""
    return min(searches, key=lambda done: done["ldagl"], default=None)

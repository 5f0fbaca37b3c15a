"""Which states are fitted: a lattice, a coupling, a time."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from repro.config.point import Point, point_of
from repro.references.density_matrix import MAX_DENSITY_MATRIX_SITES
from repro.references.trajectory_steady_state import MAX_TRAJECTORY_SITES
from repro.utils.errors import InputError
from repro.utils.validation import check_float, shorten

EXACT_SITES = 9
"""Up to so many sites p is known; beyond it is sampled from trajectories."""
LATTICE = re.compile(r"(\d{1,3})x(\d{1,3})|(\d{1,3})-ring")
assert EXACT_SITES <= MAX_DENSITY_MATRIX_SITES


@dataclass(frozen=True)
class Problem:
    """The Heisenberg model of Fig. 4 (J_x = 0.9, J_z = 1, gamma = 1) from all spins up.

    Args:
        lattice: "3x3" for a periodic rectangle, "12-ring" for a ring.
        Jy: coupling.
        t: time (1/gamma); inf for the steady state.

    Raises:
        InputError: no such lattice, more sites than state vectors hold, a coupling or a time that is none.
    """

    lattice: str
    Jy: float
    t: float

    def __post_init__(self) -> None:
        found = LATTICE.fullmatch(self.lattice)
        if not found:
            raise InputError(f"lattice {shorten(self.lattice)}: expected such as '4x4' or '12-ring'")
        check_float("J_y", self.Jy)
        if math.isnan(self.t) or self.t <= 0:
            raise InputError(f"time {self.t:g}: expected a number above 0, inf for the steady state")
        if not 1 < self.n_sites <= MAX_TRAJECTORY_SITES:
            raise InputError(f"lattice '{self.lattice}': expected 2 to {MAX_TRAJECTORY_SITES} sites")

    @property
    def geometry(self) -> dict[str, Any]:
        """Settings of the lattice."""
        if self.lattice.endswith("-ring"):
            return {"lattice": "ring", "n_sites": int(self.lattice.removesuffix("-ring"))}
        rows, cols = self.lattice.split("x")
        return {"lattice": "rectangle", "rows": int(rows), "cols": int(cols)}

    @property
    def n_sites(self) -> int:
        """Number of spins."""
        sides = self.geometry
        return int(sides.get("n_sites") or sides["rows"] * sides["cols"])

    @property
    def is_exact(self) -> bool:
        """Whether p is known, not its samples alone."""
        return self.n_sites <= EXACT_SITES

    @property
    def label(self) -> str:
        """For people."""
        when = "steady" if math.isinf(self.t) else f"t = {self.t:g}"
        return f"{self.lattice}, J_y = {self.Jy:g}, {when}"

    def point(self, povm: str, seed: int = 0, **ansatz: Any) -> Point:
        """The point with a POVM, a seed and settings of the ansatz (`repro/config/ansatz.py`).

        Raises:
            InputError: settings that do not exist or do not go together.
        """
        return point_of(**self.geometry, Jy=self.Jy, povm=povm, seed=seed, initial="up", **ansatz)


SHIPPED = (
    *(Problem("3x3", 1.8, t) for t in (0.2, 0.6, 1.4, math.inf)),
    *(Problem("4x4", 1.8, t) for t in (0.6, 1.4)),
)
"""What `make ansatz-limit` completes."""

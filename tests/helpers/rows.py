"""Small made-up tables for the tests of tables and figures: no physics, every number told apart from every other."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import pandas as pd

from repro.utils.result_table import tidy

SIZES = ((1, 32), (1, 64), (2, 32), (2, 64))


def row(**changes: Any) -> dict[str, Any]:
    """One row of a table; point and point_id follow from the settings unless given."""
    base: dict[str, Any] = {
        "figure": "fig4",
        "panel": "a",
        "profile": "smoke",
        "method": "variational",
        "lattice": "3x3 periodic",
        "n_sites": 9,
        "layers": 1,
        "width": 32,
        "strings": "0s",
        "model": "heisenberg",
        "Jx": 0.9,
        "Jy": 1.8,
        "Jz": 1.0,
        "B": 0.0,
        "V": None,
        "g": None,
        "povm": "tetrahedral",
        "tau": None,
        "n_samples": None,
        "t": math.inf,
        "observable": "sigma_z",
        "mean": -0.1,
        "error": 0.0,
        "exact": -0.25,
        "seed": 1,
        "commit": "0123abc",
        "device": "cpu",
        "seconds": 1.5,
    } | changes
    name = "{method}-{layers}x{width}-{strings}-Jy{Jy}".format(**base)
    return {"point": name, "point_id": hashlib.sha256(name.encode()).hexdigest()[:12]} | base


def variational() -> list[dict[str, Any]]:
    """Every size at two J_y for panel (a), every other mixture for panel (b)."""
    rows = []
    for k, (layers, width) in enumerate(SIZES):
        size = {"layers": layers, "width": width, "error": 0.003 * k}
        rows += [row(**size, Jy=Jy, exact=Jy - 2, mean=Jy - 1.9 - 0.01 * k) for Jy in (1.0, 1.8)]
        rows += [
            row(**size, panel="b", strings=strings, mean=-0.15 - 0.01 * k - 0.02 * j)
            for j, strings in enumerate(("1s", "2s", "4s", "8s"))
        ]
    return rows


def evolution(method: str = "dynamics", **changes: Any) -> list[dict[str, Any]]:
    """A curve at t = 0, 0.5, 1 and its steady estimate."""
    settings = {"method": method, "tau": 0.008, **changes}
    curve = [(0.0, 1.0, 1.0), (0.5, 0.32, 0.4), (1.0, -0.19, -0.2)]
    rows = [row(**settings, t=t, mean=mean, exact=exact, seconds=10 * t) for t, mean, exact in curve]
    return [*rows, row(**settings, mean=-0.24, error=0.01, exact=-0.25, seconds=12.0)]


def table() -> pd.DataFrame:
    """All of the above in one table."""
    return tidy([*variational(), *evolution(), *evolution("variational+dynamics")])


def reference() -> pd.DataFrame:
    """Exact steady values at three J_y, with another observable that no figure may mistake for sigma_z."""
    rows = [{"Jy": Jy, "observable": "sigma_z", "mean": Jy - 2 - 0.05} for Jy in (1.8, 1.0, 1.4)]
    return pd.DataFrame([*rows, {"Jy": 1.0, "observable": "sigma_x", "mean": 0.9}])

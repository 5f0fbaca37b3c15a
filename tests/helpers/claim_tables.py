"""Made-up tables at the paper's settings on which every claim holds, to be changed one number at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from repro.utils.result_table import tidy, write_table
from tests.helpers import rows

EXACT = -0.25
SIZES = ((1, 32), (1, 64), (2, 32), (2, 64))
OFF = {(1, 32): 0.20, (1, 64): 0.19, (2, 32): 0.18, (2, 64): 0.10}
FACTOR = {"0s": 1.0, "1s": 0.9, "2s": 0.8, "4s": 0.65, "8s": 0.5}
TFIM = {"model": "tfim", "Jx": None, "Jy": None, "Jz": None, "B": None, "V": 2.0, "lattice": "16-ring", "n_sites": 16}

Rows = list[dict[str, Any]]


def one_row(**settings: Any) -> dict[str, Any]:
    """With an id for each figure, panel and point."""
    of = "/".join(str(settings.get(name, "")) for name in ("figure", "panel", "point"))
    return rows.row(**{"n_samples": 12000, "point_id": of} | settings)


def steady(mean: float, exact: float = EXACT, **settings: Any) -> dict[str, Any]:
    return one_row(mean=mean, exact=exact, t=math.inf, **settings)


def evolution(
    deviation: Callable[[float], float], seconds: float, exact_end: float = EXACT, t_end: float = 4.0, **settings: Any
) -> Rows:
    """A decaying curve with a deviation that depends on time / whole time, and its steady row."""
    t = np.linspace(0, t_end, 81)
    exact = exact_end + np.exp(-2 * t)
    settings = {"tau": 0.008} | settings
    curve = [
        one_row(mean=e + deviation(s / t_end), exact=e, t=float(s), seconds=seconds * s, **settings)
        for s, e in zip(t, exact, strict=True)
    ]
    last = steady(exact_end + deviation(0.9), exact_end, seconds=t_end * seconds, **settings)
    return [*curve, last]


def bump(height: float) -> Callable[[float], float]:
    """Off in the middle; small ripples at the end that never stop."""
    return lambda part: height * math.exp(-((part - 0.5) ** 2) / 0.02) + 1e-3 * math.sin(40 * part)


def fig2() -> Rows:
    ring = {"figure": "fig2", "method": "dynamics", "lattice": "10-ring", "n_sites": 10, "tau": 0.005}
    out = evolution(bump(0.02), 1.0, **ring, panel="a", Jy=0.0, point="dyn-N10")
    lattice = {"figure": "fig2", "panel": "b", "method": "dynamics", "t_end": 5.0}
    for Jy in (1.0, 1.8):
        out += evolution(bump(0.02), 1.0, **lattice, Jy=Jy, point=f"dyn-{Jy}")
    return out


def fig3(off: float = 0.01, method: str = "variational", values: tuple[float, ...] | None = None) -> Rows:
    grid = values or tuple(float(g) for g in np.linspace(0, 4.8, 23))
    settings = {"figure": "fig3", "panel": "", "method": method, **TFIM}
    exact = {g: 0.3 + 0.2 * math.sin(g) for g in grid}
    return [
        steady(exact[g] + off * (1 + 0.1 * g), exact[g], g=g, observable=name, point=f"{method}-{g}", **settings)
        for g in grid
        for name in ("sigma_x", "sigma_y", "sigma_z")
    ]


def fig3_rbm() -> Rows:
    return fig3(0.1, "rbm", (0.5, 1.0, 1.4, 1.8, 2.2, 2.8, 3.4))


def figS5() -> Rows:
    settings = {"figure": "figS5", "panel": "", "g": 2.0, **TFIM}
    return [
        steady(0.3 + shift, 0.3, seed=seed, observable=name, point=f"run-{seed}", **settings)
        for seed, shift in enumerate((0.01, -0.012, 0.011, -0.01))
        for name in ("sigma_x", "sigma_y")
    ]


def fig4() -> Rows:
    out: Rows = []
    for Jy in (1.0, 1.2, 1.4, 1.6, 1.8):
        for size in SIZES:
            where = {"panel": "a", "Jy": Jy, "layers": size[0], "width": size[1], "point": f"var-{size}-{Jy}"}
            off = OFF[size] * (1 + 0.02 * Jy)
            out.append(steady(EXACT + off, figure="fig4", **where))
            out += [steady(0.001, 0.0, figure="fig4", observable=name, **where) for name in ("sigma_x", "sigma_y")]
    for Jy in (1.0, 1.4, 1.8):
        where = {"figure": "fig4", "panel": "a", "Jy": Jy}
        out += evolution(bump(0.02), 10.0, **where, method="dynamics", point=f"dyn-{Jy}")
        out += evolution(bump(0.02), 2.0, **where, method="variational+dynamics", point=f"var+dyn-{Jy}")
    return out


def figS1() -> Rows:
    return evolution(bump(0.0), 1.0, figure="figS1", panel="", method="variational+dynamics", point="var+dyn")


def _rings(figure: str, deviation: Callable[[int], float]) -> Rows:
    out: Rows = []
    for n in (4, 6, 8, 10):
        settings = {"figure": figure, "panel": "", "method": "dynamics", "n_sites": n, "lattice": f"{n}-ring"}
        settings["tau"] = {"figS3": 0.0005, "figS4": 0.0075}[figure]
        out += evolution(lambda part, n=n: deviation(n), 1.0, **settings, point=f"dyn-N{n}")
    return out


def figS3() -> Rows:
    return [row for row in _rings("figS3", lambda n: 0.01) if row["t"] < math.inf]


def figS4() -> Rows:
    return _rings("figS4", lambda n: 0.4 / n)


def ledger() -> Rows:
    out: Rows = []
    for seed in range(3):
        for size in SIZES:
            for strings, factor in FACTOR.items():
                off = OFF[size] * factor + 0.002 * seed
                where = {"layers": size[0], "width": size[1], "strings": strings, "seed": seed}
                point = f"var-{size[0]}x{size[1]}-{strings}-seed{seed}"
                out.append(steady(EXACT + off, figure="ledger", panel="seeds", point=point, **where))
        for mixing, off in {"": 0.2 + 0.001 * seed, "-sign0.9": 0.05 + 0.02 * seed}.items():
            name = f"var-1x32-0s-Jy1.8{mixing}-seed{seed}"
            out.append(steady(EXACT + off, figure="ledger", panel="sign", point=name, seed=seed))
        for layers, width in SIZES[2:]:
            for how in ("", "-unmasked"):
                name = f"var-{layers}x{width}-0s-Jy1.8{how}-seed{seed}"
                shift = 0.003 * (seed - 1) * (1 if how else -1)
                size_of = {"layers": layers, "width": width, "seed": seed}
                out.append(steady(-0.1 + shift, figure="ledger", panel="sampling", point=name, **size_of))
    return out


def losses() -> pd.DataFrame:
    iteration = np.arange(1, 501)
    parts = [
        pd.DataFrame({"panel": panel, "point": "p", "point_id": panel, "seed": 0, "iteration": iteration})
        for panel in ("a", "b")
    ]
    return pd.concat([part.assign(loss=0.5 + np.exp(-iteration / 40)) for part in parts], ignore_index=True)


TABLES: dict[str, Callable[[], Rows]] = {
    "fig2": fig2,
    "fig3": fig3,
    "fig3_rbm": fig3_rbm,
    "fig4": fig4,
    "figS1": figS1,
    "figS3": figS3,
    "figS4": figS4,
    "figS5": figS5,
    "ledger": ledger,
}


def write(folder: Path) -> None:
    """All tables on which every claim holds."""
    for name, make in TABLES.items():
        write_table(tidy(make()), folder / f"{name}.csv")
    losses().to_csv(folder / "figS2_losses.csv", index=False)

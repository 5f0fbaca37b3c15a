"""The competitor of Fig. 3: a neural density matrix as a restricted Boltzmann machine, by NetKet.

The ansatz of Vicentini, Biella, Regnault and Ciuti (Phys. Rev. Lett. 122, 250503), Metropolis sampling of |rho|^2 and
stochastic reconfiguration of |L rho|^2 / |rho|^2, for the dissipative transverse-field Ising ring.

runs/rbm/<id>/  parameters.msgpack  the ansatz, replaced every few iterations
                history.csv         iteration, cost, <sigma>, seconds
                done.json           settings, result, whether it has settled
"""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from repro.references.cache import Say
from repro.references.rbm_netket import Search, versions
from repro.references.rbm_point import EVERY, RbmPoint, finished, lowest, point_folder
from repro.utils.errors import InputError
from repro.utils.files import write_atomic
from repro.utils.names import PAULI_AVERAGES

FLAT = 0.2
"""|change of log |L rho|^2| over the last third of the iterations below which the cost has settled."""
DRIFT = 0.02
"""Largest change of a Pauli mean between the halves of the last third."""
LOST = 2.0
"""How far the last third's cost may lie above the lowest reached before, as a factor: a collapsed state is flat too."""


def run_rbm(point: RbmPoint, runs: Path, say: Say = lambda text: None) -> dict[str, Any]:
    """Search for the steady state, or continue, or return what is finished.

    Returns:
        What `done.json` holds: settings, Pauli means and errors, cost, slope, settled, seconds.

    Raises:
        InputError: NetKet is not installed, the folder cannot be written, or the search diverged.
    """
    import pandas as pd

    folder = point_folder(runs, point)
    if (folder / "done.json").exists():
        return dict(json.loads((folder / "done.json").read_text()))
    search = Search(point)
    history = _resume(search, folder) or _begin(search, point, runs)
    if history:
        say(f"{point.label} continues at iteration {len(history) * EVERY}")
    started, before = time.perf_counter(), history[-1]["seconds"] if history else 0.0
    while len(history) * EVERY < point.iterations:
        row = search.advance()
        seconds = before + time.perf_counter() - started
        history.append({"iteration": (len(history) + 1) * EVERY, **row, "seconds": seconds})
        write_atomic(folder / "parameters.msgpack", search.parameters())
        write_atomic(folder / "history.csv", pd.DataFrame(history).to_csv(index=False))
        rest = seconds / len(history) * (point.iterations / EVERY - len(history))
        say(f"{point.label} iteration {len(history) * EVERY}  |L rho|^2 {row['ldagl']:.3f}  {rest / 60:.0f} min left")
    done = {"point": dataclasses.asdict(point), **conclude(history), "seconds": history[-1]["seconds"]}
    done |= {"n_hidden": round(point.alpha * point.n_sites), "versions": versions(), **_provenance()}
    write_atomic(folder / "done.json", json.dumps(done, indent=1))
    return done


def conclude(history: list[dict[str, float]]) -> dict[str, Any]:
    """Result and settledness from the last third of a history.

    Returns:
        For each Pauli its mean and its standard error (four blocks), and ldagl, ldagl_slope (change of its logarithm
        over that third), drift (largest change of a Pauli mean between its halves), settled (which is not: optimal).
    """
    from scipy.stats import linregress, sem

    tail = history[-(len(history) // 3) :]
    out: dict[str, Any] = {}
    drift = 0.0
    for name in PAULI_AVERAGES:
        values = np.array([row[name] for row in tail])
        halves = [half.mean() for half in np.array_split(values, 2)]
        drift = max(drift, abs(halves[1] - halves[0]))
        out[name] = float(values.mean())
        out[f"{name}_error"] = float(sem([block.mean() for block in np.array_split(values, 4)]))
    cost = np.log([row["ldagl"] for row in tail])
    slope = float(linregress(np.linspace(0, 1, len(cost)), cost).slope)
    lowest = min(row["ldagl"] for row in history)
    settled = bool(abs(slope) <= FLAT and drift <= DRIFT and np.exp(np.median(cost)) <= LOST * lowest)
    return {**out, "ldagl": float(np.exp(cost).mean()), "ldagl_slope": slope, "drift": float(drift), "settled": settled}


def _resume(search: Search, folder: Path) -> list[dict[str, float]]:
    """The history so far, with the search at its end; empty where nothing usable is kept."""
    import pandas as pd

    try:
        # the history first: without it the ansatz must stay at its start
        rows = pd.read_csv(folder / "history.csv", dtype=str).to_dict("records")
        search.load((folder / "parameters.msgpack").read_bytes())
    except (OSError, ValueError):
        return []
    return [{str(name): float(value) for name, value in row.items()} for row in rows]


def _begin(search: Search, point: RbmPoint, runs: Path) -> list[dict[str, float]]:
    """Continue a finished search of fewer iterations, or start from another field's, or from random weights.

    Raises:
        InputError: no search at `start_g` is finished.
    """
    searches = finished(runs, point)
    shorter = [d for d in searches if dataclasses.replace(RbmPoint(**d["point"]), iterations=point.iterations) == point]
    shorter = [d for d in shorter if d["point"]["iterations"] < point.iterations]
    if shorter:
        longest = max(shorter, key=lambda done: done["point"]["iterations"])
        return _resume(search, point_folder(runs, RbmPoint(**longest["point"])))
    if point.start_g is not None:
        start = lowest([d for d in searches if (d["point"]["g"], d["point"]["seed"]) == (point.start_g, point.seed)])
        if start is None:
            raise InputError(f"start_g = {point.start_g}: no search of this ansatz is finished at that g")
        search.load((point_folder(runs, RbmPoint(**start["point"])) / "parameters.msgpack").read_bytes())
    return []


def _provenance() -> dict[str, str]:
    from repro.utils.provenance import commit, device_name

    return {"commit": commit(), "device": device_name()}

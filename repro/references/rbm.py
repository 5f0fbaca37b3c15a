"""The competitor of Fig. 3: a neural density matrix as a restricted Boltzmann machine, by NetKet.

The ansatz of Vicentini, Biella, Regnault and Ciuti (Phys. Rev. Lett. 122, 250503), Metropolis sampling of |rho|^2 and
stochastic reconfiguration of |L rho|^2 / |rho|^2, for the dissipative transverse-field Ising ring. NetKet and JAX are
imported inside functions: they are the optional extra `rbm`.

runs/rbm/<id>/  parameters.msgpack  the ansatz, replaced every few iterations
                history.csv         iteration, cost, <sigma>, seconds
                done.json           settings, result, whether it has settled
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import time
from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np

from repro.physics.lattice import MAX_SITES
from repro.references.cache import OBSERVABLES
from repro.utils.errors import InputError
from repro.utils.files import write_atomic
from repro.utils.validation import check_int

EVERY = 10
"""Iterations between measurements and between checkpoints."""
FLAT = 0.2
"""|change of log |L rho|^2| over the last third of the iterations below which the cost has settled."""
DRIFT = 0.02
"""Largest change of a Pauli mean between the halves of the last third."""
LOST = 2.0
"""How far the last third's cost may lie above the lowest reached before, as a factor: a collapsed state is flat too."""

ANSATZ = ("n_sites", "V", "alpha", "beta")
"""Settings that say what is searched for and with what; the others say how."""

Say = Callable[[str], None]


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
        check_int("n_sites", self.n_sites, 2, MAX_SITES)
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
    """Where a search lives."""
    return runs / "rbm" / point.point_id


def finished(runs: Path, like: RbmPoint) -> list[dict[str, Any]]:
    """What `done.json` holds of the searches for the same ansatz on the same ring, at any g and by any optimiser."""
    found = [json.loads(path.read_text()) for path in sorted((runs / "rbm").glob("*/done.json"))]
    return [done for done in found if all(done["point"][name] == getattr(like, name) for name in ANSATZ)]


def lowest(found: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The search that reached the lowest cost: the principle is variational."""
    return min(found, key=lambda done: done["ldagl"], default=None)


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
    search = _Search(point)
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
        left = seconds / len(history) * (point.iterations / EVERY - len(history))
        say(f"{point.label} iteration {len(history) * EVERY}  |L rho|^2 {row['ldagl']:.3f}  {left / 60:.0f} min left")
    done = {"point": dataclasses.asdict(point), **conclude(history), "seconds": history[-1]["seconds"]}
    done |= {"n_hidden": round(point.alpha * point.n_sites), "versions": _versions(), **_provenance()}
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
    for name in OBSERVABLES:
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


class _Search:
    """NetKet's objects of one search."""

    def __init__(self, point: RbmPoint) -> None:
        nk, jax = _netket()
        import optax

        self.point = point
        liouvillian, self.observables = build_operators(point.n_sites, point.V, point.g)
        start = jax.nn.initializers.normal(point.width_of_start)
        ansatz = nk.models.NDM(
            alpha=point.alpha, beta=point.beta, kernel_init=start, bias_init=start, visible_bias_init=start
        )
        self.state = nk.vqs.MCMixedState(
            nk.sampler.MetropolisLocal(liouvillian.hilbert, n_chains=16),
            ansatz,
            n_samples=point.n_samples,
            n_samples_diag=point.n_diagonal,
            seed=point.seed,
            sampler_seed=point.seed + 1,
        )
        # a whole step of stochastic reconfiguration collapses the state of a long ring at the start
        clipped = optax.clip_by_global_norm(point.largest_step / point.learning_rate)
        self.driver = nk.SteadyState(
            liouvillian,
            optax.chain(clipped, optax.sgd(point.learning_rate)),
            variational_state=self.state,
            preconditioner=nk.optimizer.SR(diag_shift=point.diag_shift),
        )

    def advance(self) -> dict[str, float]:
        """EVERY iterations; the cost at the last and the Pauli means after it."""
        self.driver.run(EVERY, out=(), show_progress=False)
        row = {"ldagl": float(self.driver.ldagl.mean.real), "ldagl_error": float(self.driver.ldagl.error_of_mean)}
        means = {name: float(self.state.expect(op).mean.real) for name, op in self.observables.items()}
        if not all(math.isfinite(value) for value in (*row.values(), *means.values())):
            raise InputError(
                f"{self.point.label} diverged: smaller --learning-rate, larger --diag-shift or --n-samples"
            )
        return row | means

    def parameters(self) -> bytes:
        """The ansatz, serialised."""
        from flax import serialization

        return bytes(serialization.to_bytes(self.state.parameters))

    def load(self, data: bytes) -> None:
        """Take up the ansatz."""
        from flax import serialization

        self.state.parameters = serialization.from_bytes(self.state.parameters, data)


def build_operators(n_sites: int, V: float, g: float) -> tuple[Any, dict[str, Any]]:
    """NetKet's Liouvillian of the Ising ring, H = V/4 sum ZZ + g/2 sum X with jumps sigma^-, and the site averages."""
    nk, _ = _netket()
    from repro.physics.lattice import ring

    hilbert = nk.hilbert.Spin(0.5, N=n_sites)
    x, y, z = nk.operator.spin.sigmax, nk.operator.spin.sigmay, nk.operator.spin.sigmaz
    zero = nk.operator.LocalOperator(hilbert, dtype=complex)
    hamiltonian = sum((g / 2 * x(hilbert, k) for k in range(n_sites)), zero)
    for i, j in ring(n_sites).bonds:
        hamiltonian += V / 4 * z(hilbert, i) @ z(hilbert, j)
    averages = {
        name: sum((pauli(hilbert, k) / n_sites for k in range(n_sites)), zero)
        for name, pauli in zip(OBSERVABLES, (x, y, z), strict=True)
    }
    jumps = [nk.operator.spin.sigmam(hilbert, k) for k in range(n_sites)]
    return nk.operator.LocalLiouvillian(hamiltonian, jumps), averages


def _netket() -> tuple[Any, Any]:
    try:
        import jax
        import netket
    except ImportError as error:
        raise _absent(str(error)) from error
    return netket, jax


def check_installed() -> None:
    """Refuse to start without NetKet.

    Raises:
        InputError: it is not installed.
    """
    if not util.find_spec("netket"):
        raise _absent("No module named 'netket'")


def _absent(reason: str) -> InputError:
    return InputError(f"the RBM needs NetKet ({reason}): pip install 'repro-povm[rbm]'")


def _resume(search: _Search, folder: Path) -> list[dict[str, float]]:
    """The history so far, with the search at its end; empty where nothing usable is kept."""
    import pandas as pd

    try:
        # the history first: without it the ansatz must stay at its start
        rows = pd.read_csv(folder / "history.csv", dtype=str).to_dict("records")
        search.load((folder / "parameters.msgpack").read_bytes())
    except (OSError, ValueError):
        return []
    return [{str(name): float(value) for name, value in row.items()} for row in rows]


def _begin(search: _Search, point: RbmPoint, runs: Path) -> list[dict[str, float]]:
    """Take up a finished search of fewer iterations, or start from another field's, or from random weights.

    Raises:
        InputError: no search at `start_g` is finished.
    """
    found = finished(runs, point)
    shorter = [d for d in found if dataclasses.replace(RbmPoint(**d["point"]), iterations=point.iterations) == point]
    shorter = [d for d in shorter if d["point"]["iterations"] < point.iterations]
    if shorter:
        longest = max(shorter, key=lambda done: done["point"]["iterations"])
        return _resume(search, point_folder(runs, RbmPoint(**longest["point"])))
    if point.start_g is not None:
        start = lowest([d for d in found if (d["point"]["g"], d["point"]["seed"]) == (point.start_g, point.seed)])
        if start is None:
            raise InputError(f"start_g = {point.start_g}: no search of this ansatz is finished at that g")
        search.load((point_folder(runs, RbmPoint(**start["point"])) / "parameters.msgpack").read_bytes())
    return []


def _versions() -> dict[str, str]:
    nk, jax = _netket()
    return {"netket": nk.__version__, "jax": jax.__version__}


def _provenance() -> dict[str, str]:
    from repro.utils.provenance import commit, device_name

    return {"commit": commit(), "device": device_name()}

"""The tensor jump method: quantum trajectories as matrix products of bounded bond dimension, by mqt-yaqs.

Lattices are laid along the order of their sites. Means are averages over time after a burn-in, over sites and over
trajectories; their spread over trajectories is the error.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
import time
from typing import Any

import numpy as np

from benchmarks.crossing.rows import TARGET, Measured, Say
from figures.crossing_text import PART, RUN
from repro.physics.lindblad import IDENTITY, PAULIS, LindbladModel
from repro.references.trajectory_steady_state import BURN_IN, LENGTH
from repro.utils.names import PAULI_AVERAGES

LETTERS = {"I": IDENTITY, **{axis.upper(): pauli for axis, pauli in PAULIS.items()}}
LEAST = 4
"""Trajectories that an error is taken from."""
MISSING = "tensor jumps: no package mqt-yaqs, left out (pip install '.[rivals]')"


def installed() -> bool:
    """Whether mqt-yaqs is there."""
    return importlib.util.find_spec("mqt") is not None and importlib.util.find_spec("mqt.yaqs") is not None


def pauli_terms(model: LindbladModel) -> dict[str, float]:
    """H as a sum of Pauli strings, such as {"Z0 Z1": 0.5}, without the identity."""
    found: dict[str, float] = {}
    for term in model.hamiltonian_terms:
        for letters in itertools.product(LETTERS, repeat=len(term.sites)):
            product = LETTERS[letters[0]] if len(letters) == 1 else np.kron(*(LETTERS[letter] for letter in letters))
            weight = float(np.trace(product @ term.operator).real) / 2 ** len(letters)
            pairs = sorted((site, letter) for site, letter in zip(term.sites, letters, strict=True) if letter != "I")
            if weight and pairs:
                name = " ".join(f"{letter}{site}" for site, letter in pairs)
                found[name] = found.get(name, 0.0) + weight
    return found


def tensor_jumps(model: LindbladModel, bond_dimension: int, dt: float, most: float, say: Say) -> Measured:
    """CPU seconds of as many trajectories as the target asks for; those that `most` seconds allow are run.

    Raises:
        ImportError: mqt-yaqs is not installed.
    """
    averages: list[np.ndarray] = []
    taken: list[float] = []
    while len(averages) < LEAST or (sum(taken) < most and _error(averages) > TARGET):
        began = time.process_time()
        averages.append(_trajectory(model, bond_dimension, dt, seed=len(averages) + 1))
        taken.append(time.process_time() - began)
        if len(averages) >= LEAST:
            say(f"{len(averages)} trajectories, standard error {_error(averages):.4f}, {sum(taken):.0f} s")
    error, count = _error(averages), len(averages)
    needed = max(LEAST, math.ceil(count * (error / TARGET) ** 2))
    means = dict(zip(PAULI_AVERAGES, map(float, np.mean(averages, axis=0)), strict=True))
    settings = f"mqt-yaqs, bond dimension {bond_dimension}, dt {dt:g}"
    rule = f"{count} trajectories" + (f", {needed} needed" if needed != count else "")
    return Measured(float(np.mean(taken)) * needed, error, settings, means, PART if needed > count else RUN, rule)


def _error(averages: list[np.ndarray]) -> float:
    from scipy.stats import sem

    return float(np.max(sem(np.array(averages), axis=0)))


def _trajectory(model: LindbladModel, bond_dimension: int, dt: float, seed: int) -> np.ndarray:
    """<sigma_x>, <sigma_y>, <sigma_z> of one trajectory over its sites and its time after the burn-in."""
    from mqt.yaqs import Simulator
    from mqt.yaqs.core.data_structures.observable import Observable
    from mqt.yaqs.core.data_structures.simulation_parameters import AnalogSimParams
    from mqt.yaqs.core.data_structures.state import State

    N = model.lattice.n_sites
    asked = [Observable(axis, site) for axis in PAULIS for site in range(N)]
    parameters = AnalogSimParams(
        asked,
        elapsed_time=LENGTH,
        dt=dt,
        num_traj=1,
        max_bond_dim=bond_dimension,
        svd_threshold=1e-6,
        order=2,
        random_seed=seed,
    )
    simulator = Simulator(parallel=False, show_progress=False)
    result = simulator.run(State(N, initial="ones"), _hamiltonian(model), parameters, _noise(model))
    late = np.array(result.expectation_values)[:, round(BURN_IN / dt) :]
    return late.reshape(len(PAULIS), -1).mean(1)


def _hamiltonian(model: LindbladModel) -> Any:
    from mqt.yaqs.core.data_structures.hamiltonian import Hamiltonian
    from mqt.yaqs.core.data_structures.mpo import MPO

    operator = MPO()
    terms = [(weight, name) for name, weight in pauli_terms(model).items()]
    operator.from_pauli_sum(terms=terms, length=model.lattice.n_sites)
    return Hamiltonian.from_mpo(operator)


def _noise(model: LindbladModel) -> Any:
    from mqt.yaqs.core.data_structures.noise_model import NoiseModel

    return NoiseModel(
        [
            {"name": "jump", "sites": list(jump.sites), "strength": jump.rate, "matrix": jump.operator}
            for jump in model.jumps
        ]
    )

"""A classical master equation: the contact process on a ring, given by its rates.

An infected site recovers with rate 1, and infects each healthy neighbour with rate `INFECTION`. All start infected.
The network's answer stands beside two others: the 2^N probabilities propagated exactly, and Gillespie's simulation.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import tyro
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import expm_multiply

import repro
from repro.physics.classical_rates import master_equation

INFECTION = 2.0
RECOVERY = np.array([[0.0, 1.0], [0.0, 0.0]])  # W[after, before]; 0 healthy, 1 infected
SPREAD = np.zeros((4, 4))  # pairs are numbered 2 s_i + s_j
SPREAD[3, 1] = SPREAD[3, 2] = INFECTION


def build(n_sites: int) -> repro.Problem:
    """The rates as a model; the density of infected sites is (1 - <Z>) / 2."""
    ring = repro.ring(n_sites)
    model = master_equation(ring, [(site, RECOVERY) for site in ring.sites], [(bond, SPREAD) for bond in ring.bonds])
    density = {"density": [(0.5, "I"), *((-0.5 / n_sites, f"Z{site}") for site in ring.sites)]}
    return repro.Problem(model, initial="down", observables=density, name="contact process")


def exact(n_sites: int, times: np.ndarray) -> np.ndarray:
    """Density of infected sites from all 2^N probabilities."""
    states = np.array(list(product((0, 1), repeat=n_sites)))
    number = {tuple(state): k for k, state in enumerate(states)}
    R = lil_matrix((len(states), len(states)))
    for k, state in enumerate(states):
        for site, rate in enumerate(_rates(state)):
            if rate:
                after = state.copy()
                after[site] ^= 1
                R[number[tuple(after)], k] += rate
                R[k, k] -= rate
    start = (states.sum(1) == n_sites).astype(float)
    return expm_multiply(R.tocsc(), start, start=0, stop=times[-1], num=len(times)) @ states.mean(1)


def gillespie(n_sites: int, times: np.ndarray, runs: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mean density and its standard error from simulated histories."""
    random = np.random.default_rng(seed)
    densities = np.zeros((runs, len(times)))
    for run in range(runs):
        state, t, k = np.ones(n_sites, dtype=int), 0.0, 0
        while k < len(times):
            rates = _rates(state)
            waiting = random.exponential(1 / rates.sum()) if rates.any() else np.inf
            later = k + int(np.searchsorted(times[k:], t + waiting))
            densities[run, k:later] = state.mean()
            t, k = t + waiting, later
            if k < len(times):
                state[random.choice(n_sites, p=rates / rates.sum())] ^= 1
    return densities.mean(0), densities.std(0, ddof=1) / np.sqrt(runs)


def _rates(state: np.ndarray) -> np.ndarray:
    """The rate at which every site changes."""
    neighbours = np.roll(state, 1) + np.roll(state, -1)
    return np.where(state == 1, 1.0, INFECTION * neighbours)


def main(small: bool = False, out: Path = Path(), runs: Path = Path("runs")) -> float:
    """Solve it three ways, draw them, and return the largest deviation from the exact density.

    Args:
        small: four sites to t = 1 in fewer iterations, in place of six to t = 3.
        out: folder of the drawing.
        runs: folder for everything computed.
    """
    n_sites, t_end, iterations = (4, 1.0, 200) if small else (6, 3.0, None)
    solution = repro.solve(build(n_sites), t_end=t_end, iterations=iterations, runs=runs, exact=False)
    rows = solution.values("density")
    times = np.linspace(0, t_end, 81)
    curve = exact(n_sites, times)
    mean, error = gillespie(n_sites, times[::8], 200 if small else 2000)
    off = float(np.abs(rows["mean"] - np.interp(rows["t"], times, curve)).max())
    print(solution.summary(), f"largest deviation from the exact density: {off:.4f}", sep="\n")
    figure, axis = plt.subplots(figsize=(4.5, 3.2), constrained_layout=True)
    axis.plot(times, curve, "k-", lw=1, label="exact, $2^N$ probabilities")
    axis.errorbar(times[::8], mean, error, fmt="s", ms=4, mfc="none", label="Gillespie")
    axis.plot(rows["t"], rows["mean"], "o", ms=4, mfc="none", label="network")
    axis.set(xlabel="t", ylabel="density of infected sites")
    axis.legend(frameon=False)
    figure.savefig(out / "contact_process.png", dpi=150)
    return off


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)

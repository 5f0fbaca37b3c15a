"""Models whose answers are known in closed form, and random ones.

A closed form gives <sigma_x>, <sigma_y>, <sigma_z> of every site, shape (N, 3), from a product state of equal spins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from repro.physics.lattice import Lattice, chain, rectangle, ring
from repro.physics.lindblad import IDENTITY, SIGMA_MINUS, SIGMA_X, SIGMA_Z, LindbladModel, heisenberg, tfim

P_UP = (IDENTITY + SIGMA_Z) / 2


@dataclass(frozen=True)
class ClosedForm:
    """A model, the product state that it starts from, and its exact Bloch vectors over time."""

    name: str
    model: LindbladModel
    state: str
    bloch: Callable[[float], np.ndarray]


def _same(n_sites: int, x: float, y: float, z: float) -> np.ndarray:
    return np.tile([x, y, z], (n_sites, 1))


def _decay(gamma: float) -> ClosedForm:
    """Excited population e^(-gamma t)."""
    model = LindbladModel(ring(1), jumps=[(0, SIGMA_MINUS, gamma)])
    return ClosedForm("decay", model, "up", lambda t: _same(1, 0, 0, 2 * np.exp(-gamma * t) - 1))


def _coherence_decay(gamma: float) -> ClosedForm:
    """Coherence e^(-gamma t / 2) while the population relaxes."""
    model = LindbladModel(ring(1), jumps=[(0, SIGMA_MINUS, gamma)])
    return ClosedForm(
        "coherence decay", model, "left", lambda t: _same(1, 0, -np.exp(-gamma * t / 2), np.exp(-gamma * t) - 1)
    )


def _dephasing(gamma: float) -> ClosedForm:
    """Jump sigma_z: coherence e^(-2 gamma t)."""
    model = LindbladModel(ring(2), jumps=[(site, SIGMA_Z, gamma) for site in range(2)])
    return ClosedForm("dephasing", model, "right", lambda t: _same(2, 0, np.exp(-2 * gamma * t), 0))


def _field(B: float) -> ClosedForm:
    """H = B Z turns the spin about z with angular frequency 2B."""
    model = LindbladModel(ring(1), one_site=[(0, B * SIGMA_Z)])
    return ClosedForm("field", model, "plus", lambda t: _same(1, np.cos(2 * B * t), np.sin(2 * B * t), 0))


def _rabi(g: float) -> ClosedForm:
    """H = g/2 X turns the spin about x with angular frequency g."""
    model = LindbladModel(ring(1), one_site=[(0, g / 2 * SIGMA_X)])
    return ClosedForm("rabi", model, "up", lambda t: _same(1, 0, -np.sin(g * t), np.cos(g * t)))


def _ising(J: float) -> ClosedForm:
    """H = J sum ZZ from |+>: <sigma_x> of a spin with k neighbours is cos(2 J t)^k."""
    lattice = chain(3)
    model = LindbladModel(lattice, two_site=[(bond, J * np.kron(SIGMA_Z, SIGMA_Z)) for bond in lattice.bonds])
    powers = np.array([1, 2, 1])
    return ClosedForm("ising", model, "plus", lambda t: np.outer(np.cos(2 * J * t) ** powers, [1, 0, 0]))


def _correlated_dephasing(gamma: float) -> ClosedForm:
    """Jump Z_2 Z_0 flips the sign of sigma_x at both ends; the spin between is left alone."""
    model = LindbladModel(chain(3), jumps=[((2, 0), np.kron(SIGMA_Z, SIGMA_Z), gamma)])
    signal = lambda t: np.array([np.exp(-2 * gamma * t), 1, np.exp(-2 * gamma * t)])  # noqa: E731
    return ClosedForm("correlated dephasing", model, "plus", lambda t: np.outer(signal(t), [1, 0, 0]))


def _conditional_decay(gamma: float) -> ClosedForm:
    """Site 2 decays while site 0 is up; tells kron(site 2, site 0) from kron(site 0, site 2)."""
    model = LindbladModel(chain(3), jumps=[((2, 0), np.kron(SIGMA_MINUS, P_UP), gamma)])
    return ClosedForm(
        "conditional decay", model, "up", lambda t: np.outer([1, 1, 2 * np.exp(-gamma * t) - 1], [0, 0, 1])
    )


CLOSED_FORMS = [
    _decay(1.0),
    _decay(0.3),
    _coherence_decay(1.4),
    _dephasing(0.7),
    _field(0.9),
    _rabi(1.7),
    _ising(0.6),
    _correlated_dephasing(0.8),
    _conditional_decay(1.2),
]


def optical_bloch_steady_state(g: float, gamma: float) -> tuple[LindbladModel, np.ndarray]:
    """A spin driven by g/2 X that decays with gamma, and its steady Bloch vector.

    y = 2 g gamma / (gamma^2 + 2 g^2), z = -gamma^2 / (gamma^2 + 2 g^2).
    """
    model = tfim(ring(1), V=0.0, g=g, gamma=gamma)
    return model, np.array([0, 2 * g * gamma, -(gamma**2)]) / (gamma**2 + 2 * g**2)


def _random_complex(rng: np.random.Generator, dim: int) -> np.ndarray:
    return rng.normal(size=(dim, dim)) + 1j * rng.normal(size=(dim, dim))


def _random_hermitian(rng: np.random.Generator, dim: int) -> np.ndarray:
    matrix = _random_complex(rng, dim)
    return (matrix + matrix.conj().T) / 2


RANDOM_LATTICES = [
    ring(1),
    ring(2),
    chain(3),
    ring(4),
    rectangle(2, 2),
    rectangle(1, 3, periodic=False),
    rectangle(2, 2, periodic=False),
    Lattice(4, ((3, 0), (1, 3), (2, 1)), name="a graph"),
]


def random_model(seed: int, lattice: Lattice) -> LindbladModel:
    """Random Hermitian terms and jumps on sites, on bonds either way round, and on a pair that may be no bond."""
    rng = np.random.default_rng(seed)
    pairs = [bond if rng.random() < 0.5 else bond[::-1] for bond in lattice.bonds]
    if lattice.n_sites > 1:
        pairs.append(tuple(rng.choice(lattice.n_sites, 2, replace=False).tolist()))
    sites = list(lattice.sites)
    return LindbladModel(
        lattice,
        one_site=[(site, _random_hermitian(rng, 2)) for site in sites],
        two_site=[(pair, _random_hermitian(rng, 4)) for pair in pairs],
        jumps=[(site, _random_complex(rng, 2), rng.random()) for site in sites]
        + [(pair, _random_complex(rng, 4), rng.random()) for pair in pairs],
    )


def paper_heisenberg(size: int, Jy: float) -> LindbladModel:
    """The paper's two-dimensional model: J = (0.9, Jy, 1), B = 0, on a periodic square of size x size."""
    return heisenberg(rectangle(size, size), J=(0.9, Jy, 1.0), B=0.0)

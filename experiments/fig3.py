"""Fig. 3: variational steady states of the 16-site dissipative transverse-field Ising ring, over the field g.

V = 2 (gamma = 1), 4-Pauli POVM, one layer, width 32, 500 iterations from all spins up. <sigma_x>, <sigma_y>, <sigma_z>
beside quantum trajectories and a density matrix as a restricted Boltzmann machine (`repro rbm`).
"""

from __future__ import annotations

from repro.config.listed import Listed, listed_of
from repro.config.point import Point

ALL_G = (
    *(0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8),
    *(3.1, 3.4, 3.7, 4.0, 4.8),
)
QUICK_G = (0.5, 1.0, 1.6, 2.0)
RING = listed_of(
    figure="fig3",
    lattice="ring",
    n_sites=16,
    model="tfim",
    V=2.0,
    povm="pauli4",
    estimator="sampled",
    n_samples=1000,
)


def points(profile: str) -> tuple[Listed, ...]:
    """One variational search for each g."""
    return {"smoke": _smoke, "quick": _quick, "workstation": _workstation, "paper": _paper}[profile]()


def exact_line(profile: str) -> tuple[Point, ...]:
    """Points whose steady states make the black line: every g of the paper on the profile's ring."""
    base = points(profile)[0]
    return tuple(base.change(g=g).point for g in ALL_G)


def _over_g(base: Listed, values: tuple[float, ...]) -> tuple[Listed, ...]:
    return tuple(base.change(g=g) for g in values)


def _smoke() -> tuple[Listed, ...]:
    base = RING.change(profile="smoke", n_sites=4, estimator="enumeration", n_samples=None, iterations=60)
    return _over_g(base, (0.5, 1.6, 2.8))


def _quick() -> tuple[Listed, ...]:
    """A twenty-fourth of the paper's batch at a few fields."""
    return _over_g(RING.change(profile="quick", n_samples=500), QUICK_G)


def _workstation() -> tuple[Listed, ...]:
    """The whole grid: a twelfth of the paper's batch where correlations are strong, half of that elsewhere.

    At g = 0.9 500 and 1000 draws left <sigma_y> 0.032 and 0.033 off, 2000 draws 0.025.
    """
    base = RING.change(profile="workstation")
    return tuple(base.change(g=g, n_samples=_draws(g)) for g in ALL_G)


def _draws(g: float) -> int:
    if g == 0.9:
        return 2000
    return 1000 if g in QUICK_G or 1.0 <= g <= 2.8 else 500


def _paper() -> tuple[Listed, ...]:
    return _over_g(RING.change(profile="paper", n_samples=12000), ALL_G)

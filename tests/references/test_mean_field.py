"""Mean field: against QuTiP without couplings, equations written by hand, and a dense superoperator traced over."""

from __future__ import annotations

import math

import numpy as np
import pytest
import qutip
import scipy.integrate

from repro.physics import lattice, lindblad
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Y, SIGMA_Z, LindbladModel
from repro.references import density_matrix, mean_field, qutip_solvers
from repro.utils.errors import InputError
from repro.utils.names import PAULI_AVERAGES
from tests.helpers.exact_values import averages

PAULIS = (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz())


def random_model(seed: int, n_sites: int = 3) -> LindbladModel:
    """Every pair coupled, sites in either order; jumps of one and of two sites, two terms on the same pair."""
    rng = np.random.default_rng(seed)

    def matrix(size: int) -> np.ndarray:
        return rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))

    def hermitian(size: int) -> np.ndarray:
        return (m := matrix(size)) + m.conj().T

    sites = range(n_sites)
    pairs = [(i, j) for i in sites for j in sites if i < j or (i, j) == (2, 0)]
    jumps = [(k, matrix(2), 0.3) for k in sites] + [((1, 0), matrix(4), 0.2), ((1, 2), matrix(4), 0.1)]
    return LindbladModel(
        lattice.chain(n_sites), [(k, hermitian(2)) for k in sites], [(pair, hermitian(4)) for pair in pairs], jumps
    )


def product(r_NA: np.ndarray) -> qutip.Qobj:
    return qutip.tensor([(qutip.qeye(2) + sum(x * P for x, P in zip(r, PAULIS, strict=True))) / 2 for r in r_NA])


@pytest.mark.parametrize("seed", range(4))
def test_the_rate_is_the_superoperators_traced_over_the_other_sites(seed: int) -> None:
    """Tr[sigma_i L(rho_1 x rho_2 x rho_3)] by QuTiP's dense superoperator."""
    model = random_model(seed)
    r_NA = np.random.default_rng(10 + seed).uniform(-0.5, 0.5, (3, 3))
    hamiltonian, jumps = qutip_solvers.qutip_operators(model)
    L = qutip.liouvillian(hamiltonian, jumps).full()
    rho = product(r_NA)
    moved = qutip.Qobj((L @ rho.full().ravel(order="F")).reshape(8, 8, order="F"), dims=rho.dims)
    expected = [[(moved.ptrace(site) * P).tr().real for P in PAULIS] for site in range(3)]
    found = mean_field.MeanField(model).rate(np.concatenate([np.ones((3, 1)), r_NA], axis=1))
    np.testing.assert_allclose(found, np.concatenate([np.zeros((3, 1)), expected], axis=1), atol=1e-11)


def test_without_couplings_it_is_exact(tmp_path) -> None:
    """Three different spins, from "plus", against QuTiP; a steady state too."""
    rng = np.random.default_rng(3)
    m = rng.normal(size=(3, 2, 2)) + 1j * rng.normal(size=(3, 2, 2))
    model = LindbladModel(
        lattice.chain(3),
        one_site=[(k, (m[k] + m[k].conj().T)) for k in range(3)],
        jumps=[(k, SIGMA_MINUS + 0.3 * m[k], 2.0) for k in range(3)],
    )
    times = np.linspace(0, 1.5, 16)
    exact = density_matrix.dynamics(model, "plus", 1.5, (tmp_path,), dt=0.1)
    found = mean_field.evolution(model, "plus", times)
    for name in PAULI_AVERAGES:
        np.testing.assert_allclose(found.at(times, name), exact.at(times, name), atol=1e-6)
    steady = mean_field.steady_state(model)
    assert averages(steady) == pytest.approx(averages(density_matrix.steady_state(model, (tmp_path,))), abs=1e-6)
    assert steady.info["note"] == ""


def heisenberg_by_hand(J: tuple[float, float, float], B: float, n: int):
    """dr/dt = 2 h x r - decay, h = n J r + B z: from -i [H, rho] of H = sum J sigma sigma + B Z, with n neighbours."""

    def rate(t: float, r: np.ndarray) -> list[float]:
        x, y, z = r
        hx, hy, hz = n * J[0] * x, n * J[1] * y, n * J[2] * z + B
        return [2 * (hy * z - hz * y) - x / 2, 2 * (hz * x - hx * z) - y / 2, 2 * (hx * y - hy * x) - (z + 1)]

    return rate


def ising_by_hand(V: float, g: float, n: int):
    """H = V/4 sum ZZ + g/2 sum X: every spin turns about (g, 0, n V z / 2)."""

    def rate(t: float, r: np.ndarray) -> list[float]:
        x, y, z = r
        field = n * V / 2 * z
        return [-field * y - x / 2, field * x - g * z - y / 2, g * y - (z + 1)]

    return rate


@pytest.mark.parametrize(
    ("model", "by_hand"),
    [
        (lindblad.heisenberg(lattice.ring(40), (2.0, 0.0, 1.0), B=1.0), heisenberg_by_hand((2.0, 0.0, 1.0), 1.0, 2)),
        (lindblad.heisenberg(lattice.rectangle(6, 6), (0.9, 1.8, 1.0)), heisenberg_by_hand((0.9, 1.8, 1.0), 0.0, 4)),
        (lindblad.tfim(lattice.ring(16), 2.0, 1.4), ising_by_hand(2.0, 1.4, 2)),
    ],
    ids=["ring of 40", "6x6", "Ising"],
)
def test_the_papers_models_by_hand(model: LindbladModel, by_hand) -> None:
    """Another integrator, and an equation of three numbers; from a vector that no symmetry keeps."""
    start, times = np.array([0.3, -0.8, 0.4]), np.linspace(0, 2, 21)
    expected = scipy.integrate.odeint(by_hand, start, times, tfirst=True, rtol=1e-10, atol=1e-12)
    found = mean_field.evolution(model, np.tile(start, (model.lattice.n_sites, 1)), times)
    for k, name in enumerate(PAULI_AVERAGES):
        np.testing.assert_allclose(found.at(times, name), expected[:, k], atol=1e-7)


def test_a_site_that_is_not_like_the_others() -> None:
    """Ising pair: spin 0 along z is constant, and turns spin 1 about z with its own rate J z_0."""
    J = 0.7
    model = LindbladModel(lattice.chain(3), two_site=[((1, 0), J * np.kron(SIGMA_Z, SIGMA_Z))])
    times = np.linspace(0, 1, 11)
    found = mean_field.evolution(model, [(0, 0, 0.5), (1, 0, 0), (0, 1, 0)], times)
    np.testing.assert_allclose(3 * found.at(times, "sigma_x"), np.cos(2 * J * 0.5 * times), atol=1e-8)
    np.testing.assert_allclose(3 * found.at(times, "sigma_y"), 1 + np.sin(2 * J * 0.5 * times), atol=1e-8)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_unit_of_time_does_not_matter(unit: float) -> None:
    """Decay in a field along x, closed form of the steady state: z = -1 / (1 + 2 g^2), y = -2 g z."""
    g, ring = 0.7, lattice.ring(40)
    model = LindbladModel(
        ring, [(k, unit * g / 2 * SIGMA_X) for k in ring.sites], jumps=[(k, SIGMA_MINUS, unit) for k in ring.sites]
    )
    z = -1 / (1 + 2 * g**2)
    assert averages(mean_field.steady_state(model)) == pytest.approx([0, -2 * g * z, z], abs=1e-7)
    times = np.array([0, 0.5, 1.0])
    same = lindblad.tfim(ring, 0.0, g)
    found, expected = mean_field.evolution(model, "up", times / unit), mean_field.evolution(same, "up", times)
    np.testing.assert_allclose(found.table["mean"], expected.table["mean"], atol=1e-9)


def test_at_rest_it_leaves_a_state_that_is_unstable() -> None:
    """XYZ lattice of four neighbours: all spins down are at rest, and stable if 16 n^2 (Jy - Jz) (Jz - Jx) < 1.

    By hand: x = 4 n (Jy - Jz) z y and y = 4 n (Jz - Jx) z x, so that else z = -1 / (4 n sqrt((Jy - Jz) (Jz - Jx))).
    """
    model = lindblad.heisenberg(lattice.rectangle(6, 6), (0.9, 1.8, 1.0))
    steady = mean_field.steady_state(model)
    z = -1 / (16 * math.sqrt((1.0 - 0.9) * (1.8 - 1.0)))
    assert float(steady.at(math.inf, "sigma_z")) == pytest.approx(z, abs=1e-6)
    assert math.isnan(float(steady.at(math.inf, "sigma_x"))) and "sigma_x, sigma_y: depends" in steady.info["note"]
    stable = mean_field.steady_state(lindblad.heisenberg(lattice.rectangle(3, 3), (0.9, 1.0, 1.0)))
    assert averages(stable) == pytest.approx([0, 0, -1], abs=1e-7) and stable.info["note"] == ""


def test_what_never_rests_and_what_depends_on_the_start_has_no_steady_value() -> None:
    ring = lattice.ring(4)
    turning = LindbladModel(ring, [(k, SIGMA_Z) for k in ring.sites])
    found = mean_field.steady_state(turning, "plus")
    assert np.isnan(averages(found)).all() and found.info["note"].startswith("not at rest from its own")
    dephased = LindbladModel(ring, jumps=[(k, SIGMA_Z, 1.0) for k in ring.sites])
    found = mean_field.steady_state(dephased, "up")
    np.testing.assert_array_equal(np.isnan(averages(found)), [False, False, True])
    assert found.info["note"] == "sigma_z: depends on the start"
    assert found.info["limits"]["down"][2] == pytest.approx(-1, abs=5e-3)


@pytest.mark.parametrize(
    ("start", "times", "said"),
    [
        ("sideways", [0, 1], "unknown product state 'sideways'"),
        ([(0, 0, 1)], [0, 1], "start of 1 Bloch vectors, expected 2"),
        ([(0, 0, 1), (0, 1, 1)], [0, 1], "expected a length of at most 1"),
        ("up", [0], "expected two or more"),
        ("up", [0, 1, 1], "do not ascend"),
        ("up", [0, math.inf], "do not ascend"),
    ],
)
def test_what_cannot_be_followed_is_refused(start, times, said: str) -> None:
    model = LindbladModel(lattice.chain(2), [(0, SIGMA_Y)])
    with pytest.raises(InputError, match=said) as error:
        mean_field.evolution(model, start, times)
    assert "\n" not in str(error.value)

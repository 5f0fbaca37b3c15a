"""Matrix products of chains and rings: against QuTiP's density matrix and closed forms; errors; refusals."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import qutip

from repro.physics import lattice, lindblad
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Y, SIGMA_Z, LindbladModel
from repro.references import chain, density_matrix, qutip_solvers
from repro.references.matrix_product import MatrixProduct, evolve
from repro.references.pauli_generators import bond_generators, is_line, pauli_vector, shortened, uniform_generator
from repro.utils.errors import InputError
from repro.utils.names import PAULI_AVERAGES
from tests.helpers.exact_values import SHIPPED


def exact_means(model: LindbladModel, vectors: list[tuple[float, float, float]], times: list[float]) -> np.ndarray:
    """Site-averaged Paulis by QuTiP, (times, 3)."""
    hamiltonian, jumps = qutip_solvers.qutip_operators(model)
    paulis = (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz())
    spins = [(qutip.qeye(2) + sum(x * P for x, P in zip(v, paulis, strict=True))) / 2 for v in vectors]
    e_ops = qutip_solvers.site_averaged_paulis(model.lattice.n_sites)
    result = qutip_solvers.evolve(hamiltonian, jumps, qutip.tensor(spins).to("Dense"), times, e_ops=e_ops)
    return np.stack([np.real(result.e_data[name]) for name in PAULI_AVERAGES], axis=1)


def random_chain(seed: int, n_sites: int) -> LindbladModel:
    """Every term different, pairs in either order, jumps of one and of two sites."""
    rng = np.random.default_rng(seed)

    def matrix(size: int) -> np.ndarray:
        return rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))

    def hermitian(size: int) -> np.ndarray:
        m = matrix(size)
        return (m + m.conj().T) / 4

    line = lattice.chain(n_sites)
    pairs = [(k, k + 1) if k % 2 else (k + 1, k) for k in range(n_sites - 1)]
    jumps = [(k, matrix(2), 0.2) for k in range(n_sites)] + [(pairs[0], matrix(4), 0.05), (pairs[1], matrix(4), 0.05)]
    return LindbladModel(line, [(k, hermitian(2)) for k in line.sites], [(p, hermitian(4)) for p in pairs], jumps)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_generators_of_the_bonds_sum_to_the_superoperator(seed: int) -> None:
    """On three sites, in the Pauli basis, from QuTiP's superoperator."""
    model = random_chain(seed, 3)
    hamiltonian, jumps = qutip_solvers.qutip_operators(model)
    superoperator = qutip.liouvillian(hamiltonian, jumps).full()
    paulis = [np.eye(2), SIGMA_X, SIGMA_Y, SIGMA_Z]
    basis = np.stack(
        [np.kron(np.kron(a, b), c).ravel(order="F") for a in paulis for b in paulis for c in paulis], axis=1
    )
    expected = (basis.conj().T @ superoperator @ basis).real / 8
    first, second = (bond_generators(model)[bond] for bond in ((0, 1), (1, 2)))
    found = np.kron(first, np.eye(4)) + np.kron(np.eye(4), second)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("n_sites", [3, 4, 5])
def test_a_chain_with_room_for_everything_is_qutips(n_sites: int) -> None:
    model, times = random_chain(2, n_sites), [0.0, 0.3, 0.7]
    vectors = [(0.3, -0.5, 0.7), (0.0, 0.6, -0.2), (-0.9, 0.1, 0.0), (0.2, 0.2, 0.9), (0.0, 0.0, -1.0)][:n_sites]
    state = MatrixProduct([pauli_vector(v) for v in vectors], 64)
    found = evolve(state, {left: L for (left, _), L in bond_generators(model).items()}, times, 0.0025)
    np.testing.assert_allclose(found, exact_means(model, vectors, times), atol=3e-5)
    assert state.trace() == pytest.approx(1, abs=1e-9)


def test_strings_of_paulis_of_a_chain() -> None:
    """A product state: the mean of a string is the product of the means."""
    vectors = [(0.3, -0.5, 0.7), (0.0, 0.6, -0.2), (-0.9, 0.1, 0.0)]
    state = MatrixProduct([pauli_vector(v) for v in vectors], 4)
    assert state.mean({0: 3, 2: 1}) == pytest.approx(0.7 * -0.9)
    assert state.mean({1: 2}) == pytest.approx(0.6) and state.mean({}) == 1


def test_the_time_step_is_of_second_order() -> None:
    model, vectors = random_chain(3, 4), [(0.0, 0.0, 1.0)] * 4
    exact = exact_means(model, vectors, [0.0, 0.4])[-1]
    generators = {left: L for (left, _), L in bond_generators(model).items()}
    off = []
    for dt in (0.1, 0.05):
        state = MatrixProduct([pauli_vector(v) for v in vectors], 64)
        off.append(np.abs(evolve(state, generators, [0, 0.4], dt)[-1] - exact).max())
    assert 3 < off[0] / off[1] < 5


def test_the_infinite_chain_is_the_ring_before_a_signal_is_around_it(tmp_path: Path) -> None:
    """Fig. 2(a) against QuTiP's ring of ten up to t = 0.5."""
    twenty, forty, ten = (lindblad.heisenberg(lattice.ring(n), (2.0, 0.0, 1.0), B=1.0) for n in (20, 40, 10))
    ring = density_matrix.dynamics(ten, "left", 4.0, (SHIPPED,))
    for ending in (".csv", ".json"):  # the shipped ring alone, not the shipped chain
        shutil.copy(SHIPPED / f"{ring.info['key']}{ending}", tmp_path)
    found = chain.evolution(twenty, "left", 0.5, (tmp_path,))
    for name in PAULI_AVERAGES:
        rows = found.table[found.table["observable"] == name]
        off = np.abs(rows["mean"].to_numpy() - ring.at(rows["t"].to_numpy(), name))
        assert off.max() <= 1e-3
        assert (off <= rows["error"].to_numpy() + 1e-9).all() and rows["error"].max() <= chain.TARGET
    assert found.info["trace"] == pytest.approx(1, abs=0.01)
    shorter = chain.stored(forty, "left", 0.4, (tmp_path,))
    assert shorter is not None and shorter.table.equals(found.table)


@pytest.mark.parametrize("unit", [1.0, 1e6])
def test_decay_without_couplings(unit: float, tmp_path: Path) -> None:
    """<sigma_z> = 2 exp(-gamma t) - 1, <sigma_x> of a spin in a field as a damped rotation."""
    model = LindbladModel(lattice.chain(12), jumps=[(k, SIGMA_MINUS, unit) for k in range(12)])
    found = chain.evolution(model, "up", 1.5 / unit, (tmp_path,), dt=0.05 / unit)
    for t in (0.0, 0.4, 1.5):
        assert float(found.at(t / unit, "sigma_z")) == pytest.approx(2 * math.exp(-t) - 1, abs=1e-6)


def test_pure_dephasing_of_interacting_spins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ising ring, J Z Z and rate g of Z: <sigma_x> = exp(-2 g t) cos(2 J t)^2 from all spins along x."""
    monkeypatch.setattr(chain, "RING", 6)
    J, g = 0.7, 0.2
    ring = lattice.ring(12)
    ZZ = np.kron(SIGMA_Z, SIGMA_Z)
    model = LindbladModel(
        ring, two_site=[(bond, J * ZZ) for bond in ring.bonds], jumps=[(k, SIGMA_Z, g) for k in ring.sites]
    )
    found = chain.evolution(model, "plus", 1.0, (tmp_path,), dt=0.05)
    for t in (0.2, 0.55, 1.0):
        expected = math.exp(-2 * g * t) * math.cos(2 * J * t) ** 2
        assert float(found.at(t, "sigma_x")) == pytest.approx(expected, abs=2e-4)


def test_a_bond_dimension_that_is_too_small_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BOND_DIMENSIONS", (4, 6))
    model = lindblad.heisenberg(lattice.chain(12), (2.0, 0.0, 1.0), B=1.0)
    with pytest.raises(InputError, match=r"error .* at bond dimension 6 \(cut .*\), expected at most 0.01") as error:
        chain.evolution(model, "left", 1.0, (tmp_path,))
    assert "\n" not in str(error.value) and not list(tmp_path.glob("*.csv"))


def test_errors_cover_what_a_chain_of_eight_is_off(tmp_path: Path) -> None:
    """An open chain that QuTiP reaches, at a bond dimension that cuts."""
    model = lindblad.heisenberg(lattice.chain(8), (2.0, 0.0, 1.0), B=1.0)
    found = chain.evolution(model, "left", 1.5, (tmp_path,), target=0.03)
    exact = density_matrix.dynamics(model, "left", 1.5, (tmp_path,))
    for name in PAULI_AVERAGES:
        rows = found.table[found.table["observable"] == name]
        off = np.abs(rows["mean"].to_numpy() - exact.at(rows["t"].to_numpy(), name))
        assert (off <= rows["error"].to_numpy() + 1e-6).all() and off.max() > 1e-7


def test_the_part_that_meets_the_target_is_kept_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a bond dimension that is too small an open chain of eight is QuTiP's to some time, and unknown after it."""
    monkeypatch.setattr(chain, "BOND_DIMENSIONS", (4, 6))
    model = lindblad.heisenberg(lattice.chain(8), (2.0, 0.0, 1.0), B=1.0)
    found = chain.evolution(model, "left", 1.0, (tmp_path,), partly=True)
    exact = density_matrix.dynamics(model, "left", 1.0, (tmp_path,))
    end = found.t_end
    assert 0.1 < end < 0.9 and found.info["known_to"] == end
    times = np.arange(0, end + 1e-9, 0.02)
    for name in PAULI_AVERAGES:
        off = np.abs(found.at(times, name) - exact.at(times, name))
        assert off.max() <= chain.TARGET and found.error(name, end) <= chain.TARGET
        np.testing.assert_array_equal(np.isnan(found.at([0.0, end, end + 0.02, 1.0], name)), [False, False, True, True])
        assert math.isnan(found.error(name, end + 0.02))
    for again in (
        chain.stored(model, "left", 3.0, (tmp_path,)),
        chain.evolution(model, "left", 2, (tmp_path,), partly=True),
    ):
        assert again is not None and again.table.equals(found.table)
    with pytest.raises(chain.MissedTargetError):  # whole, it is not there
        chain.evolution(model, "left", 1.0, (tmp_path,))


def test_a_curve_that_is_whole_has_no_values_beyond_its_end(tmp_path: Path) -> None:
    model = LindbladModel(lattice.chain(11), jumps=[(k, SIGMA_MINUS, 1.0) for k in range(11)])
    found = chain.evolution(model, "up", 0.5, (tmp_path,), dt=0.05, partly=True)
    assert "known_to" not in found.info
    with pytest.raises(InputError, match=r"it covers 0 to 0\.5"):
        found.at(0.6, "sigma_z")


def test_a_shorter_ring_is_the_same_model() -> None:
    long, short = (lindblad.heisenberg(lattice.ring(n), (0.9, 1.8, 1.0), B=0.3) for n in (14, 6))
    made = shortened(long, 6)
    ours, theirs = (qutip_solvers.qutip_operators(each)[0] for each in (made, short))
    assert (ours - theirs).norm() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(uniform_generator(long), uniform_generator(made))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lindblad.tfim(lattice.rectangle(3, 4), 2.0, 1.0), "expected a chain or a ring"),
        (lindblad.tfim(lattice.ring(8), 2.0, 1.0), "expected more than 10 sites"),
        (LindbladModel(lattice.chain(12), two_site=[((0, 2), np.eye(4))]), "expected neighbours"),
        (LindbladModel(lattice.ring(12), one_site=[(3, SIGMA_X)]), "the sites differ"),
    ],
)
def test_what_is_no_uniform_line_is_refused(model: LindbladModel, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        chain.evolution(model, "up", 1.0, (tmp_path,))
    assert not list(tmp_path.glob("*.csv"))


def test_lines() -> None:
    assert is_line(lattice.chain(5)) and is_line(lattice.ring(5))
    assert not is_line(lattice.rectangle(3, 3)) and not is_line(lattice.chain(2))
    model = lindblad.heisenberg(lattice.ring(12), (1.0, 0.2, 0.5), B=0.4)
    assert np.abs(uniform_generator(model)[0]).max() == pytest.approx(0)  # the trace is kept


def test_the_shipped_curve_is_that_of_another_program() -> None:
    """Values of an independent one (bond dimension 100, dt 0.02), which took another basis and other libraries."""
    model = lindblad.heisenberg(lattice.ring(20), (2.0, 0.0, 1.0), B=1.0)
    shipped = chain.stored(model, "left", 4.0, (SHIPPED,))
    assert shipped is not None
    expected = {0.4: -0.3953, 0.8: -0.2622, 1.2: -0.2872, 1.6: -0.2683, 2.0: -0.2720, 4.0: -0.2740}
    for t, value in expected.items():
        assert float(shipped.at(t, "sigma_z")) == pytest.approx(value, abs=0.002), t

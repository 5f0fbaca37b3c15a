"""Exact references: closed forms, the two routes against each other, and the cache on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import qutip

from repro.physics.lattice import chain, rectangle, ring
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, LindbladModel, tfim
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import POVMS, Povm, tetrahedral
from repro.references import density_matrix, qutip_solvers
from repro.utils.errors import InputError
from tests.helpers.exact_values import SHIPPED, averages
from tests.helpers.paths import ROOT
from tests.helpers.povm_steady_state import povm_steady_state, site_averages
from tests.helpers.systems import CLOSED_FORMS, ClosedForm, optical_bloch_steady_state, paper_heisenberg, random_model

FIG4_JY = [round(1 + step / 10, 1) for step in range(9)]
BOTH = pytest.mark.parametrize("povm", [make() for make in POVMS.values()], ids=list(POVMS))


# --- what QuTiP gives -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", CLOSED_FORMS, ids=lambda system: system.name)
def test_dynamics_follows_the_closed_forms(system: ClosedForm, reference_folder: Path) -> None:
    reference = density_matrix.dynamics(system.model, system.state, 2.0, [reference_folder])
    for t in (0.0, 0.4, 0.411, 1.337, 2.0):
        np.testing.assert_allclose(averages(reference, t), system.bloch(t).mean(axis=0), atol=1e-6)
    assert reference.info["trace"] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("g", "gamma"), [(1.0, 1.0), (0.3, 2.0), (4.0, 0.5)])
def test_steady_state_of_a_driven_spin(g: float, gamma: float, reference_folder: Path) -> None:
    model, bloch = optical_bloch_steady_state(g, gamma)
    np.testing.assert_allclose(averages(density_matrix.steady_state(model, [reference_folder])), bloch, atol=1e-8)


def test_operators_sit_on_their_sites() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 2, 2))
    expanded = qutip_solvers.expand(np.kron(first, second), (2, 0), 3).full()
    np.testing.assert_allclose(expanded, np.kron(np.kron(second, np.eye(2)), first), atol=1e-14)


def test_lindblad_rhs_is_qutips_liouvillian() -> None:
    hamiltonian, jumps = qutip_solvers.qutip_operators(random_model(5, chain(3)))
    rho = qutip.rand_dm([2] * 3, seed=1)
    expected = qutip.vector_to_operator(qutip.liouvillian(hamiltonian, jumps) * qutip.operator_to_vector(rho))
    np.testing.assert_allclose(qutip_solvers.lindblad_rhs(hamiltonian, jumps, rho).full(), expected.full(), atol=1e-12)


def test_other_solvers_take_over_when_one_fails(monkeypatch: pytest.MonkeyPatch, reference_folder: Path) -> None:
    model = paper_heisenberg(2, 1.8)
    direct = density_matrix.steady_state(model, [reference_folder / "direct"])
    for failing, expected in [({"spsolve"}, "bicgstab"), ({"spsolve", "bicgstab"}, "gmres"), (None, "mesolve")]:
        solve = qutip.steadystate

        def steadystate(*args, failing=failing, solve=solve, **kwargs):
            if failing is None or kwargs["solver"] in failing:
                raise RuntimeError("breakdown")
            return solve(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(qutip, "steadystate", steadystate)
            other = density_matrix.steady_state(model, [reference_folder / expected])
        assert expected in other.info["solver"]
        np.testing.assert_allclose(averages(other), averages(direct), atol=1e-6)
        assert other.info["residual"] <= 1e-6


# --- the project's own route ------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "model",
    [paper_heisenberg(2, 1.0), paper_heisenberg(2, 1.8), tfim(ring(5), 2.0, 2.0), random_model(11, rectangle(1, 3))],
    ids=["2x2 Jy=1.0", "2x2 Jy=1.8", "5-ring tfim", "random"],
)
def test_two_routes_reach_the_same_steady_state(model: LindbladModel, povm: Povm, reference_folder: Path) -> None:
    reference = density_matrix.steady_state(model, [reference_folder])
    p, residual = povm_steady_state(LocalLiouvillian(model, povm))
    assert p.sum() == pytest.approx(1, abs=1e-6)
    assert residual < 1e-5
    np.testing.assert_allclose(list(site_averages(p, povm).values()), averages(reference), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("Jy", "published"), [(1.8, -0.2481), (1.0, -0.929)])
def test_two_routes_on_the_papers_lattice(Jy: float, published: float, tmp_path: Path) -> None:
    model = paper_heisenberg(3, Jy)
    reference = density_matrix.steady_state(model, [SHIPPED, tmp_path])
    p, residual = povm_steady_state(LocalLiouvillian(model, tetrahedral()))
    own = site_averages(p, tetrahedral())
    assert residual < 1e-5
    np.testing.assert_allclose(list(own.values()), averages(reference), atol=1e-5)
    assert own["sigma_z"] == pytest.approx(published, abs=5e-4)


# --- asking a reference -----------------------------------------------------------------------------------------


def test_times_may_have_any_shape(reference_folder: Path) -> None:
    model = tfim(ring(1), V=0.0, g=1.0)
    curve = density_matrix.dynamics(model, "up", 1.0, [reference_folder])
    steady = density_matrix.steady_state(model, [reference_folder])
    for times in (0.5, [0.1, 0.2], np.full((2, 3), 0.7)):
        assert np.shape(curve.at(times, "sigma_z")) == np.shape(times)
        assert np.shape(steady.at(times, "sigma_z")) == np.shape(times)
    assert curve.at(1.0 + 1e-12, "sigma_z") == curve.at(1.0, "sigma_z")


def test_interpolation_is_of_fourth_order(reference_folder: Path) -> None:
    """Halving the grid's spacing divides the error between its times by sixteen, up to the ends' share."""
    g, times = 10.0, np.linspace(0, 2, 1301)
    model = LindbladModel(ring(1), one_site=[(0, g / 2 * SIGMA_X)])
    coarse, fine = (
        np.abs(
            density_matrix.dynamics(model, "up", 2.0, [reference_folder], dt=dt).at(times, "sigma_z")
            - np.cos(g * times)
        ).max()
        for dt in (0.02, 0.01)
    )
    assert coarse < 1e-4
    assert coarse / fine > 12


@pytest.mark.parametrize("t", [-0.1, 1.1, np.inf, np.nan, [0.5, 2.0]])
def test_times_outside_the_curve_are_refused(t, reference_folder: Path) -> None:
    curve = density_matrix.dynamics(tfim(ring(1), 0.0, 1.0), "up", 1.0, [reference_folder])
    with pytest.raises(InputError, match="covers 0 to 1"):
        curve.at(t, "sigma_z")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: density_matrix.dynamics(tfim(ring(11), 1, 1), "up", 1.0, f), "at most 10 sites"),
        (lambda f: density_matrix.steady_state(tfim(ring(11), 1, 1), f), "at most 10 sites"),
        (
            lambda f: density_matrix.steady_state(LindbladModel(ring(1), one_site=[(0, SIGMA_X)]), f),
            "without jump operators",
        ),
        (
            lambda f: density_matrix.steady_state(LindbladModel(ring(2), jumps=[(0, SIGMA_MINUS, 1)]), f),
            "more than one",
        ),
        (lambda f: density_matrix.steady_state(tfim(ring(1), 1, 1, gamma=0.0), f), "without jump operators"),
        (lambda f: density_matrix.dynamics(tfim(ring(1), 1, 1), "upp", 1.0, f), "did you mean 'up'"),
        (lambda f: density_matrix.dynamics(tfim(ring(1), 1, 1), "up", -1.0, f), "positive"),
        (lambda f: density_matrix.dynamics(tfim(ring(1), 1, 1), "up", 1.0, f, dt=0.0), "positive"),
        (lambda f: density_matrix.dynamics(tfim(ring(1), 1, 1), "up", float("nan"), f), "positive"),
        (lambda f: density_matrix.steady_state(tfim(ring(1), 1, 1), f).at(0, "sigma_w"), "unknown observable"),
    ],
)
def test_bad_requests_are_refused_in_one_line(make, message: str, reference_folder: Path) -> None:
    with pytest.raises(InputError, match=message) as error:
        make([reference_folder])
    assert "\n" not in str(error.value)


def test_importing_needs_no_qutip() -> None:
    code = "import sys; sys.modules['qutip'] = None; import repro.references.density_matrix"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)

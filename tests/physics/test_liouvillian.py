"""The generator against QuTiP's Liouvillian, closed forms, and its own invariants."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
import qutip
import torch
from scipy.linalg import expm

from repro.physics.lattice import chain, rectangle, ring
from repro.physics.lindblad import PAULIS, SIGMA_MINUS, LindbladModel, heisenberg, tfim
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import POVMS, Povm, pauli4, tetrahedral
from tests.helpers.oracles import dense_generator, qutip_generator, qutip_model
from tests.helpers.systems import CLOSED_FORMS, RANDOM_LATTICES, ClosedForm, paper_heisenberg, random_model

BOTH = pytest.mark.parametrize("povm", [make() for make in POVMS.values()], ids=list(POVMS))
RANDOM = pytest.mark.parametrize("seed", range(24))


def random_case(seed: int) -> LindbladModel:
    return random_model(seed, RANDOM_LATTICES[seed % len(RANDOM_LATTICES)])


@BOTH
@RANDOM
def test_generator_equals_qutips_on_random_models(seed: int, povm: Povm) -> None:
    model = random_case(seed)
    expected = qutip_generator(model, povm)
    assert np.abs(expected.imag).max() < 1e-10
    np.testing.assert_allclose(dense_generator(LocalLiouvillian(model, povm)), expected.real, rtol=0, atol=1e-10)


@BOTH
@pytest.mark.parametrize(
    "model",
    [paper_heisenberg(2, 1.8), tfim(ring(4), 2.0, 1.5), heisenberg(ring(4), (20, 0, 10), 10.0), tfim(chain(1), 0, 1)],
    ids=["2x2 heisenberg", "4-ring tfim", "4-ring heisenberg", "one spin"],
)
def test_generator_equals_qutips_on_the_papers_models(model: LindbladModel, povm: Povm) -> None:
    expected = qutip_generator(model, povm).real
    np.testing.assert_allclose(dense_generator(LocalLiouvillian(model, povm)), expected, rtol=0, atol=1e-10)


def _every_site(tensor: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    for _ in range(tensor.ndim):
        # The axis worked on goes to the back: after N turns the order is the first one again.
        tensor = np.tensordot(tensor, matrix, axes=(0, 1))
    return tensor


@BOTH
@pytest.mark.parametrize(
    "model", [random_model(99, rectangle(2, 3)), paper_heisenberg(3, 1.8)], ids=["2x3 random", "3x3 heisenberg"]
)
def test_action_equals_qutips_on_larger_lattices(model: LindbladModel, povm: Povm) -> None:
    n_sites = model.lattice.n_sites
    p = np.random.default_rng(7).normal(size=(4,) * n_sites)
    element = povm.frame.reshape(4, 4)
    to_rho = np.linalg.inv(povm.frame.transpose(0, 2, 1).reshape(4, 4))
    pairs = [axis for k in range(n_sites) for axis in (k, n_sites + k)]
    dims = (2,) * (2 * n_sites)
    rho = _every_site(p.astype(complex), to_rho).reshape(dims)
    rho = rho.transpose([2 * k for k in range(n_sites)] + [2 * k + 1 for k in range(n_sites)])
    state = qutip.Qobj(rho.reshape(2**n_sites, 2**n_sites), dims=[[2] * n_sites] * 2)
    hamiltonian, jumps = qutip_model(model)
    change = -1j * (hamiltonian * state - state * hamiltonian)
    for jump in jumps:
        loss = jump.dag() * jump
        change += jump * state * jump.dag() - (loss * state + state * loss) / 2
    flat = change.full().reshape(dims).transpose(pairs).reshape((4,) * n_sites)
    expected = _every_site(flat, element[:, [0, 2, 1, 3]]).real
    scale = np.abs(expected).max()
    np.testing.assert_allclose(LocalLiouvillian(model, povm).apply(p), expected, rtol=0, atol=1e-11 * scale)


@BOTH
@RANDOM
def test_columns_sum_to_zero(seed: int, povm: Povm) -> None:
    liouvillian = LocalLiouvillian(random_case(seed), povm)
    for term in liouvillian.terms:
        assert term.matrix.shape == (4 ** len(term.sites),) * 2
        np.testing.assert_allclose(term.matrix.sum(axis=0), 0, atol=1e-12)
    p = np.random.default_rng(seed).random((4,) * liouvillian.n_sites)
    assert liouvillian.apply(p).sum() == pytest.approx(0, abs=1e-11 * p.sum())


@BOTH
@pytest.mark.parametrize("coupling", [1.0, 1e-4])
def test_zero_entries_are_known(povm: Povm, coupling: float) -> None:
    """Off the diagonal, the ZZ term has 54 (tetrahedral), 72 (4-Pauli) or 96 (corners of a cube) of 144 double flips.

    On the cube 4 of the 12 changes of an outcome are the rotation by pi about z, which the commutator with Z does not
    see: of pairs of changes 16 are two of those (zero), 64 one of them, and of the other 64 every second one cancels.
    """
    model = LindbladModel(ring(2), two_site=[((0, 1), coupling * np.kron(PAULIS["z"], PAULIS["z"]))])
    (term,) = LocalLiouvillian(model, povm).terms
    double = [
        (4 * a + c, 4 * b + d)
        for a in range(4)
        for b in range(4)
        for c in range(4)
        for d in range(4)
        if a != b and c != d
    ]
    assert len(double) == 144
    expected = {"tetrahedral": 54, "pauli4": 72, "tetrahedral-cubic": 64 + 32}[povm.name]
    assert sum(bool(term.nonzero[pair]) for pair in double) == expected


@RANDOM
def test_transposed_is_the_adjoint(seed: int) -> None:
    liouvillian = LocalLiouvillian(random_case(seed), pauli4())
    rng = torch.Generator().manual_seed(seed)
    p, f = (torch.randn((4,) * liouvillian.n_sites, generator=rng, dtype=torch.float64) for _ in range(2))
    left, right = (f * liouvillian.apply(p)).sum(), (liouvillian.apply_transposed(f) * p).sum()
    torch.testing.assert_close(left, right, rtol=1e-10, atol=1e-10)


def test_gradient_of_the_action() -> None:
    liouvillian = LocalLiouvillian(random_case(4), tetrahedral())
    p = torch.rand((4,) * liouvillian.n_sites, dtype=torch.float64, requires_grad=True)
    weights = torch.randn_like(p)
    (weights * liouvillian.apply(p)).sum().backward()
    dense = torch.from_numpy(dense_generator(liouvillian))
    assert p.grad is not None
    torch.testing.assert_close(p.grad.ravel(), dense.T @ weights.ravel(), rtol=1e-10, atol=1e-10)


def test_kinds_and_layouts_of_p() -> None:
    liouvillian = LocalLiouvillian(random_case(3), tetrahedral())
    p = np.random.default_rng(0).random((4,) * 4)
    expected = liouvillian.apply(p)
    assert isinstance(expected, np.ndarray)
    tensor = torch.from_numpy(p)
    torch.testing.assert_close(liouvillian.apply(tensor), torch.from_numpy(expected))
    torch.testing.assert_close(
        liouvillian.apply(tensor.float()), torch.from_numpy(expected).float(), rtol=1e-4, atol=1e-4
    )
    strided = tensor.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)
    torch.testing.assert_close(liouvillian.apply(strided), torch.from_numpy(expected))
    with pytest.raises(ValueError, match="shape"):
        liouvillian.apply(tensor[0])


@BOTH
@pytest.mark.parametrize("system", CLOSED_FORMS, ids=lambda system: system.name)
def test_trajectories_follow_the_closed_forms(system: ClosedForm, povm: Povm) -> None:
    n_sites = system.model.lattice.n_sites
    generator = dense_generator(LocalLiouvillian(system.model, povm))
    start = reduce(np.multiply.outer, [povm.product_state(system.state)] * n_sites).ravel()
    observables = np.stack([povm.observable(pauli) for pauli in PAULIS.values()], axis=1)
    for t in (0.0, 0.35, 1.7):
        p = (expm(t * generator) @ start).reshape((4,) * n_sites)
        marginals = [p.sum(axis=tuple(k for k in range(n_sites) if k != site)) for site in range(n_sites)]
        np.testing.assert_allclose(np.stack(marginals) @ observables, system.bloch(t), atol=1e-10)


def test_terms_on_the_same_sites_are_one() -> None:
    zz = np.kron(PAULIS["z"], PAULIS["z"])
    model = LindbladModel(
        ring(3), one_site=[(0, PAULIS["x"])], two_site=[((0, 1), zz), ((1, 0), zz)], jumps=[(0, SIGMA_MINUS, 1.0)]
    )
    terms = LocalLiouvillian(model, tetrahedral()).terms
    assert [term.sites for term in terms] == [(0,), (0, 1)]

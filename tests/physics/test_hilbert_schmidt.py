"""The Hilbert-Schmidt distance against density matrices, what keeps it, and its gradient."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
import torch

from repro.ansatz.string_mixture import StringMixture
from repro.methods.estimators import Enumeration
from repro.methods.projection import EnumeratedStep
from repro.methods.propagation import propagate
from repro.physics.hilbert_schmidt import HilbertSchmidt
from repro.physics.lattice import chain, ring
from repro.physics.lindblad import heisenberg
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import POVMS, Povm, tetrahedral
from tests.helpers.networks import all_configurations, flat_gradient, generator, random_mixture


def density(p: torch.Tensor, povm: Povm) -> np.ndarray:
    """sum_b p(b) N^(b1) x N^(b2) x ..., one configuration after the other."""
    configurations = all_configurations(p.ndim).tolist()
    terms = [reduce(np.kron, [povm.dual_frame[k] for k in each]) for each in configurations]
    return np.tensordot(p.detach().numpy().flatten(), np.stack(terms), axes=1)


@pytest.mark.parametrize("name", sorted(POVMS))
@pytest.mark.parametrize("n_sites", [1, 2, 4])
def test_it_is_the_distance_of_density_matrices(name: str, n_sites: int) -> None:
    povm = POVMS[name]()
    p, q = (random_mixture(chain(n_sites), seed=seed).all_probs().detach() for seed in (0, 1))
    apart = density(p, povm) - density(q, povm)
    expected = 2**n_sites * np.trace(apart @ apart).real
    assert float(HilbertSchmidt(povm).squared(p - q)) == pytest.approx(expected, rel=1e-10)


def test_a_hamiltonian_keeps_it_and_not_the_relative_entropy() -> None:
    unitary = LocalLiouvillian(heisenberg(ring(4), J=(2.0, 0.0, 1.0), B=1.0, gamma=0.0), tetrahedral())
    before = [random_mixture(ring(4), seed=seed).all_probs().detach() for seed in (0, 1)]
    mixed = [0.2 * p / p.sum() + 0.8 / p.numel() for p in before]  # near enough to uniform to stay positive
    after = [propagate(unitary, p, 0.4) for p in mixed]
    distance = HilbertSchmidt(tetrahedral())
    kept = [float(distance.squared(p - q)) for p, q in (mixed, after)]
    entropy = [float((p * (p / q).log()).sum()) for p, q in (mixed, after)]
    assert kept[1] == pytest.approx(kept[0], rel=1e-6)
    assert abs(entropy[1] / entropy[0] - 1) > 0.05


def steps(weight: float) -> tuple[EnumeratedStep, StringMixture]:
    before, model = (random_mixture(chain(3), seed=seed) for seed in (0, 1))
    liouvillian = LocalLiouvillian(heisenberg(chain(3), J=(2.0, 0.0, 1.0)), tetrahedral())
    return EnumeratedStep(Enumeration(liouvillian), before, 0.1, weight=weight), model


def test_a_projection_goes_down_the_entropy_and_the_weighted_distance() -> None:
    (plain, model), (weighted, _) = steps(0.0), steps(0.7)
    apart = model.all_probs().flatten() - plain.target_A
    inverse = np.linalg.inv(tetrahedral().overlap)
    metric = torch.from_numpy(8 * reduce(np.kron, [inverse] * 3))
    expected = plain.loss(model, 0, 1, generator(0))[0] + 0.7 * apart @ metric @ apart
    found, stats = weighted.loss(model, 0, 1, generator(0))
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)
    assert torch.allclose(flat_gradient(found, model), flat_gradient(expected, model), rtol=1e-9, atol=1e-12)
    assert float(stats["loss"]) == pytest.approx(float(expected.detach() + weighted.entropy), rel=1e-9)

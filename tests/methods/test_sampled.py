"""The sampled estimator: equal to naive on the same samples, to enumeration in expectation, whatever the memory."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import torch
from scipy import stats

from repro.methods import losses
from repro.methods.estimators import Enumeration, Evaluation, Naive
from repro.methods.sampled import Sampled
from repro.physics.lattice import Lattice, chain, rectangle, ring
from repro.physics.lindblad import LindbladModel, heisenberg, tfim
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import POVMS, pauli4, tetrahedral
from repro.utils.errors import InputError
from tests.helpers.networks import flat_gradient, generator, memory_of, random_mixture, relative_difference

CASES = [
    (ring(6), "0s"),
    (ring(16), "0s"),
    (chain(5), "0s"),
    (rectangle(3, 3), "0s"),
    (rectangle(3, 3), "8s"),
]


def models(lattice: Lattice) -> list[LindbladModel]:
    return [tfim(lattice, 2.0, 1.3), heisenberg(lattice, (0.9, 1.8, 1.0), B=0.4)]


def loss_of(evaluation: Evaluation) -> torch.Tensor:
    if evaluation.old_p_A is None:
        return losses.variational(evaluation)[0]
    return losses.dynamics(evaluation, 0.05)[0]


@pytest.mark.parametrize("which", [0, 1], ids=["tfim", "heisenberg"])
@pytest.mark.parametrize("povm", sorted(POVMS))
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize(("lattice", "strings"), CASES, ids=[f"{c[0].name}-{c[1]}" for c in CASES])
def test_equals_naive(lattice: Lattice, strings: str, layers: int, povm: str, which: int) -> None:
    liouvillian = LocalLiouvillian(models(lattice)[which], POVMS[povm]())
    model = random_mixture(lattice, strings, layers=layers)
    old = random_mixture(lattice, strings, layers=layers, seed=1)
    samples_BN = model.sample(12, generator(0))
    for before in (None, old):
        given = Sampled(liouvillian, 12).evaluate_at(model, samples_BN, before)
        expected = Naive(liouvillian, 12).evaluate_at(model, samples_BN, before)
        for name in ("p_A", "Lp_A", "weight_A", "old_p_A", "old_Lp_A"):
            one, two = getattr(given, name), getattr(expected, name)
            assert (one is None) == (two is None)
            assert one is None or relative_difference(one, two) < 1e-9
        assert relative_difference(loss_of(given), loss_of(expected)) < 1e-9
        gradients = [flat_gradient(loss_of(evaluation), model) for evaluation in (given, expected)]
        assert relative_difference(*gradients) < 1e-9


def test_equals_naive_in_single_precision() -> None:
    liouvillian = LocalLiouvillian(models(rectangle(3, 3))[1], tetrahedral())
    model = random_mixture(rectangle(3, 3), "8s", dtype=torch.float32)
    samples_BN = model.sample(50, generator(0))
    evaluations = [kind(liouvillian, 50).evaluate_at(model, samples_BN) for kind in (Sampled, Naive)]
    assert relative_difference(*(loss_of(e) for e in evaluations)) < 1e-5
    assert relative_difference(*(flat_gradient(loss_of(e), model) for e in evaluations)) < 1e-5


@pytest.mark.parametrize("povm", [pauli4(), tetrahedral()], ids=["pauli4", "tetrahedral"])
def test_equals_enumeration_in_expectation(povm: object) -> None:
    lattice = ring(4)
    liouvillian = LocalLiouvillian(models(lattice)[1], povm)  # type: ignore[arg-type]
    model = random_mixture(lattice)
    exact = loss_of(Enumeration(liouvillian).evaluate(model, None))
    exact_gradient = flat_gradient(exact, model)
    direction = torch.randn(len(exact_gradient), dtype=torch.float64, generator=generator(7))
    estimator = Sampled(liouvillian, 400)
    values, slopes = [], []
    for k in range(40):
        loss = loss_of(estimator.evaluate(model, generator(k)))
        values.append(float(loss))
        slopes.append(float(flat_gradient(loss, model) @ direction))
    for found, expected in ((values, float(exact)), (slopes, float(exact_gradient @ direction))):
        assert stats.ttest_1samp(found, expected).pvalue > 0.001
        assert stats.sem(found) < 0.1 * abs(expected) + 0.05


@pytest.mark.parametrize("layers", [1, 2])
def test_memory_changes_nothing_but_rounding(layers: int) -> None:
    lattice = rectangle(2, 3)
    liouvillian = LocalLiouvillian(models(lattice)[1], tetrahedral())
    model, old = (random_mixture(lattice, "2s", layers=layers, seed=seed) for seed in (0, 1))
    samples_BN = model.sample(40, generator(3))
    results = []
    for memory in (None, 10**9, memory_of(7, model, liouvillian), memory_of(1, model, liouvillian)):
        evaluation = Sampled(liouvillian, 40, memory).evaluate_at(model, samples_BN, old)
        results.append((evaluation.Lp_A.detach(), flat_gradient(loss_of(evaluation), model)))
    for Lp_B, gradient in results[1:]:
        assert torch.allclose(Lp_B, results[0][0], rtol=1e-9, atol=1e-12)
        assert relative_difference(gradient, results[0][1]) < 1e-9


def bytes_held() -> int:
    """Of all tensors that Python objects hold, nodes of a graph among them; what autograd saves itself is not."""
    gc.collect()
    found = (each for each in gc.get_objects() if issubclass(type(each), torch.Tensor))
    return sum(
        storage.nbytes()
        for storage in {each.untyped_storage().data_ptr(): each.untyped_storage() for each in found}.values()
    )


@pytest.mark.parametrize(
    "network",
    [{"layers": 1}, {"layers": 2}, {"layers": 3}, {"layers": 2, "heads": 2}, {"layers": 2, "norm": "post"}],
    ids=str,
)
def test_parts_of_a_batch_leave_nothing_but_what_autograd_may_drop(network: dict[str, Any]) -> None:
    liouvillian = LocalLiouvillian(models(ring(6))[1], tetrahedral())
    model = random_mixture(ring(6), **network)
    samples_BN = model.sample(40, generator(3))
    sampled = Sampled(liouvillian, 40, memory_of(4, model, liouvillian))
    sampled.evaluate_at(model, samples_BN[:4])  # what is made once is made
    before = bytes_held()
    evaluation = sampled.evaluate_at(model, samples_BN)
    assert evaluation.Lp_A.requires_grad and bytes_held() - before < 50_000


def test_too_little_memory_is_refused() -> None:
    liouvillian = LocalLiouvillian(models(ring(4))[0], pauli4())
    model = random_mixture(ring(4))
    with pytest.raises(InputError, match="one sample with its neighbours takes"):
        Sampled(liouvillian, 5, 100).evaluate(model, generator(0))


def test_a_hundred_sites_in_single_precision() -> None:
    lattice = ring(100)
    liouvillian = LocalLiouvillian(heisenberg(lattice, (2.0, 0.0, 1.0), B=1.0), tetrahedral())
    model = random_mixture(lattice, dtype=torch.float32)
    evaluation = Sampled(liouvillian, 3).evaluate(model, generator(0))
    loss = loss_of(evaluation)
    assert float(model.log_prob(model.sample(3, generator(0))).max()) < -88  # p itself is zero in float32
    assert torch.isfinite(loss)
    assert torch.isfinite(flat_gradient(loss, model)).all()

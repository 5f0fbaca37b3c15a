"""Enumeration equals the naive evaluator; drawn and sampled losses and gradients are unbiased."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from repro.ansatz.string_mixture import StringMixture
from repro.methods import losses
from repro.methods.estimators import Enumeration, Evaluation, Naive
from repro.physics.lattice import Lattice, chain, rectangle, ring
from repro.physics.lindblad import heisenberg, tfim
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import pauli4, tetrahedral
from repro.utils.errors import InputError
from tests.helpers.networks import all_configurations, flat_gradient, generator, random_mixture, relative_difference

TAU = 0.03
POVMS = {"tetrahedral": tetrahedral(), "pauli4": pauli4()}
METHODS = ("variational", "dynamics")


def generator_of(lattice: Lattice, povm: str = "tetrahedral") -> LocalLiouvillian:
    return LocalLiouvillian(heisenberg(lattice, (0.9, 1.8, 1.0), B=0.4), POVMS[povm])


def loss_of(method: str, evaluation: Evaluation) -> torch.Tensor:
    if method == "variational":
        return losses.variational(evaluation)[0]
    return losses.dynamics(evaluation, TAU)[0]


CASES = [
    # lattice, strings, layers, povm, method
    (rectangle(2, 2), "0s", 1, "tetrahedral", "variational"),
    (rectangle(2, 2), "0s", 3, "pauli4", "dynamics"),
    (rectangle(2, 2), "8s", 1, "pauli4", "variational"),
    (rectangle(2, 2), "8s", 1, "tetrahedral", "dynamics"),
    (rectangle(2, 2), "8s", 3, "tetrahedral", "variational"),
    (rectangle(2, 2), "8s", 3, "pauli4", "dynamics"),
    (ring(4), "0s", 1, "pauli4", "dynamics"),
    (ring(4), "0s", 1, "pauli4", "variational"),
    (ring(4), "0s", 3, "tetrahedral", "dynamics"),
    (ring(4), "0s", 3, "tetrahedral", "variational"),
    (rectangle(2, 3), "0s", 3, "tetrahedral", "dynamics"),
    (rectangle(2, 3), "0s", 1, "pauli4", "variational"),
    (rectangle(2, 3), "8s", 1, "pauli4", "dynamics"),
    (rectangle(2, 3), "8s", 1, "tetrahedral", "variational"),
]


def compare(
    lattice: Lattice, model: StringMixture, before: StringMixture, povm: str, method: str, n_chosen: int
) -> tuple[float, float]:
    """Relative difference of loss and gradient, both evaluators summing over the same chosen configurations."""
    N = lattice.n_sites
    liouvillian = generator_of(lattice, povm)
    chosen = torch.randperm(4**N, generator=generator(6))[:n_chosen]
    exact, naive = Enumeration(liouvillian), Naive(liouvillian, n_samples=1)
    full = exact.evaluate(model, None, exact.freeze(before))
    given = loss_of(method, Evaluation(**{f.name: getattr(full, f.name)[chosen] for f in dataclasses.fields(full)}))
    # the naive evaluator with weights p instead of 1/B: exact sums over a
    samples_BN = all_configurations(N)[chosen]
    sampled = naive.evaluate_at(model, samples_BN, naive.freeze(before))
    sampled = dataclasses.replace(sampled, weight_A=model.log_prob(samples_BN).exp().detach())
    expected = loss_of(method, sampled)
    assert given.dtype == next(model.parameters()).dtype
    gradients = flat_gradient(given, model), flat_gradient(expected, model)
    return relative_difference(given, expected), relative_difference(*gradients)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)], ids=["f64", "f32"])
@pytest.mark.parametrize(("lattice", "strings", "layers", "povm", "method"), CASES)
def test_enumeration_equals_naive(
    lattice: Lattice, strings: str, layers: int, povm: str, method: str, dtype: torch.dtype, tolerance: float
) -> None:
    """Exact sums over all configurations; over some of them where the oracle takes its time."""
    model, before = (random_mixture(lattice, strings, layers=layers, seed=seed, dtype=dtype) for seed in (1, 2))
    n_chosen = 40 if lattice.n_sites == 6 or (strings, layers) == ("8s", 3) else 4**lattice.n_sites
    assert max(compare(lattice, model, before, povm, method, n_chosen)) < tolerance


@pytest.mark.parametrize("estimator", [Enumeration, Naive])
def test_frozen_state_stays_and_carries_no_gradient(estimator: type) -> None:
    lattice = ring(3)
    evaluator = estimator(generator_of(lattice), n_samples=50)
    model = random_mixture(lattice)
    frozen = evaluator.freeze(model)
    first = evaluator.evaluate(model, generator(1), frozen)
    assert first.p_A.requires_grad and first.Lp_A.requires_grad
    assert not any(x.requires_grad for x in (first.old_p_A, first.old_Lp_A, first.weight_A))
    torch.testing.assert_close(first.old_p_A, first.p_A.detach())
    torch.testing.assert_close(first.old_Lp_A, first.Lp_A.detach())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5)
    assert all(parameter.requires_grad for parameter in model.parameters())
    moved = evaluator.evaluate(model, generator(1), frozen)
    before = random_mixture(lattice)
    if estimator is Enumeration:
        old_p, p = before.all_probs().flatten(), model.all_probs().flatten()
    else:
        samples_BN = model.sample(50, generator(1))
        old_p, p = before.log_prob(samples_BN).exp(), model.log_prob(samples_BN).exp()
        old_p, p = old_p / p, p / p
    torch.testing.assert_close(moved.p_A.detach(), p.detach())
    torch.testing.assert_close(moved.old_p_A, old_p.detach())
    assert (old_p - p).abs().max() > 1e-3


def test_without_a_frozen_state_there_is_none() -> None:
    evaluator = Enumeration(generator_of(ring(3)))
    evaluation = evaluator.evaluate(random_mixture(ring(3)), None)
    assert evaluation.old_p_A is None and evaluation.old_Lp_A is None
    assert torch.equal(evaluation.weight_A, torch.ones(64, dtype=torch.float64))


def near_uniform(model: StringMixture) -> StringMixture:
    """Smaller logits: no configuration so rare that the noise of a draw has no normal distribution."""
    with torch.no_grad():
        model.transformer.readout.weight.mul_(0.5)
        model.transformer.readout.bias.mul_(0.5)
    return model


class Draws:
    """Loss and projected gradient of many draws, in one matrix: a row per draw."""

    def __init__(self, estimator: Enumeration | Naive, method: str, n_draws: int) -> None:
        lattice = chain(3)
        self.model, before = (near_uniform(random_mixture(lattice, layers=2, seed=seed)) for seed in (1, 2))
        self.method = method
        n_parameters = sum(parameter.numel() for parameter in self.model.parameters())
        self.directions = torch.randn(n_parameters, 5, generator=generator(9), dtype=torch.float64)
        exact = Enumeration(estimator.liouvillian)
        self.exact = self.row(exact.evaluate(self.model, None, exact.freeze(before)))
        old = estimator.freeze(before)
        rows = [self.row(estimator.evaluate(self.model, generator(seed), old)) for seed in range(n_draws)]
        self.rows = torch.stack(rows)

    def row(self, evaluation: Evaluation) -> torch.Tensor:
        loss = loss_of(self.method, evaluation)
        return torch.cat([loss.detach()[None], flat_gradient(loss, self.model) @ self.directions])

    def deviation(self) -> torch.Tensor:
        """Of the mean over draws from the exact values, in standard errors."""
        return (self.rows.mean(0) - self.exact) / (self.rows.std(0) / math.sqrt(len(self.rows)))


MODEL_OF_DRAWS = LocalLiouvillian(tfim(chain(3), V=2.0, g=1.5), tetrahedral())


@pytest.mark.parametrize("method", METHODS)
def test_drawn_loss_and_gradient_are_unbiased(method: str) -> None:
    draws = Draws(Enumeration(MODEL_OF_DRAWS, n_samples=40), method, n_draws=250)
    assert (draws.rows.std(0) > 1e-3).all()
    assert draws.deviation().abs().max() < 4


@pytest.mark.parametrize("method", METHODS)
def test_sampled_naive_loss_and_gradient_are_unbiased(method: str) -> None:
    draws = Draws(Naive(MODEL_OF_DRAWS, n_samples=40), method, n_draws=60)
    assert draws.deviation().abs().max() < 4


def test_drawn_noise_falls_as_the_root_of_the_samples() -> None:
    few, many = (Draws(Enumeration(MODEL_OF_DRAWS, n_samples=n), "variational", n_draws=160) for n in (25, 400))
    p = few.model.all_probs().detach()
    f = MODEL_OF_DRAWS.apply(p).abs()
    one_draw = math.sqrt(float((f**2 / p).sum() - f.sum() ** 2))
    # 160 draws know a standard deviation to 5.6 %, a ratio of two to 8 %
    assert float(few.rows[:, 0].std()) == pytest.approx(one_draw / math.sqrt(25), rel=0.2)
    assert float(many.rows[:, 0].std()) == pytest.approx(one_draw / math.sqrt(400), rel=0.2)
    assert ((few.rows.std(0) / many.rows.std(0)) / 4 - 1).abs().max() < 0.3


def test_drawn_estimator_is_the_naive_one_at_its_draws() -> None:
    """Counts over N_s p(a) as weights: the same loss as the naive evaluator on the drawn configurations."""
    model = random_mixture(ring(3))
    evaluation = Enumeration(generator_of(ring(3)), n_samples=70).evaluate(model, generator(5))
    count_A = (evaluation.weight_A * evaluation.p_A.detach() * 70).round().long()
    assert int(count_A.sum()) == 70 and count_A.max() > 1
    samples_BN = all_configurations(3).repeat_interleave(count_A, 0)
    naive = Naive(generator_of(ring(3)), n_samples=70).evaluate_at(model, samples_BN)
    assert relative_difference(losses.variational(evaluation)[0], losses.variational(naive)[0]) < 1e-10


@pytest.mark.parametrize("method", METHODS)
def test_sampled_naive_loss_agrees_within_its_error_bar(method: str) -> None:
    lattice = rectangle(2, 2)
    model, before = (random_mixture(lattice, "2s", seed=seed) for seed in (1, 2))
    exact, naive = Enumeration(generator_of(lattice)), Naive(generator_of(lattice), n_samples=1500)
    with torch.no_grad():
        expected = loss_of(method, exact.evaluate(model, None, exact.freeze(before)))
        evaluation = naive.evaluate(model, generator(21), naive.freeze(before))
        assert torch.equal(evaluation.p_A, torch.ones_like(evaluation.p_A))
        value_B = evaluation.Lp_A.abs()
        if method == "dynamics":
            assert evaluation.old_p_A is not None and evaluation.old_Lp_A is not None
            value_B = 1 - TAU * evaluation.Lp_A - evaluation.old_p_A - TAU * evaluation.old_Lp_A
        error = float(value_B.abs().std()) / math.sqrt(1500)
        assert abs(float(loss_of(method, evaluation) - expected)) < 4 * error
    assert error < 0.1 * float(expected)


@pytest.mark.parametrize("estimator", [Enumeration, Naive])
def test_same_generator_same_evaluation(estimator: type) -> None:
    evaluator = estimator(generator_of(ring(3)), n_samples=30)
    model = random_mixture(ring(3))
    first, again, other = (evaluator.evaluate(model, generator(seed), None) for seed in (1, 1, 2))
    assert torch.equal(first.weight_A * first.Lp_A, again.weight_A * again.Lp_A)
    assert not torch.equal(first.weight_A * first.Lp_A, other.weight_A * other.Lp_A)


def test_impossible_settings_are_refused() -> None:
    liouvillian = generator_of(ring(3))
    for estimator in (Enumeration, Naive):
        with pytest.raises(InputError, match="n_samples = 0"):
            estimator(liouvillian, n_samples=0)
    with pytest.raises(InputError, match="enumeration of 13 sites"):
        Enumeration(generator_of(chain(13)))

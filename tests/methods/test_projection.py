"""Time steps by projection: the gradients of their targets, and evolutions beside exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from repro.ansatz.string_mixture import StringMixture
from repro.ansatz.strings import composed, factors
from repro.config.listed import Listed, listed_of
from repro.methods.estimators import Enumeration
from repro.methods.projection import EnumeratedStep, SampledStep, projection_step
from repro.methods.projection_training import ProjectionModule
from repro.methods.propagation import propagate
from repro.methods.sampled import Sampled
from repro.physics.lattice import Lattice, chain, rectangle, ring
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import tetrahedral
from repro.references.of_point import exact_of
from tests.helpers import points, systems
from tests.helpers.networks import generator, random_mixture, random_transformer

POVM = tetrahedral()


def liouvillian(n_sites: int = 3) -> LocalLiouvillian:
    return LocalLiouvillian(systems.random_model(3, chain(n_sites)), POVM)


def gradient(loss: torch.Tensor, model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))])


def test_enumerated_loss_has_the_gradient_of_target_minus_p() -> None:
    before, model = random_mixture(chain(3)), random_mixture(chain(3), seed=1)
    step = EnumeratedStep(Enumeration(liouvillian()), before, 0.1)
    loss, stats = step.loss(model, 0, 10, generator(0))
    p = model.all_probs().flatten()
    target = propagate(liouvillian(), before.all_probs().detach(), 0.1).flatten()
    assert torch.allclose(
        gradient(loss, model), gradient(-((target - p.detach()) * p.log()).sum(), model), rtol=1e-9, atol=1e-12
    )
    relative_entropy = (target * (target / p.detach()).log()).sum()
    assert float(stats["loss"]) == pytest.approx(float(relative_entropy), abs=1e-10)


MANY = 200_000


@pytest.fixture
def noiseless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws hold each configuration as often as it is likely."""

    def numbers(p: torch.Tensor, n: int) -> torch.Tensor:
        return torch.repeat_interleave(torch.arange(p.numel()), (p.flatten() * n).round().long())

    def sample(model: StringMixture, n: int, source: torch.Generator | None) -> torch.Tensor:
        return torch.stack([numbers(model.all_probs(), n) // 4**k % 4 for k in (2, 1, 0)], 1)

    monkeypatch.setattr(StringMixture, "sample", sample)
    monkeypatch.setattr(Enumeration, "draw_from", lambda self, p_A, source: numbers(p_A, self.n_samples))


@pytest.mark.parametrize("estimator", [Sampled, Enumeration])
@pytest.mark.parametrize("iteration", [0, 3])
@pytest.mark.usefixtures("noiseless")
def test_drawn_target_is_eulers_and_then_heuns(iteration: int, estimator: type[Sampled | Enumeration]) -> None:
    L, h = liouvillian(), 0.05
    before, model = random_mixture(chain(3)), random_mixture(chain(3), seed=1)
    p, other = before.all_probs().detach(), model.all_probs().detach()
    step = projection_step(estimator(L, MANY), before, h)
    loss, stats = step.loss(model, iteration, 10, generator(0))
    change = L.apply(p) if iteration == 0 else (L.apply(p) + L.apply(other)) / 2
    target = (p + h * change).flatten()
    q = model.all_probs().flatten()
    expected = gradient(-((target - q.detach()) * q.log()).sum(), model)
    assert torch.allclose(gradient(loss, model), expected, rtol=0.01, atol=0.01 * float(expected.abs().max()))
    assert float(stats["residual"]) == pytest.approx(float(L.apply(p).abs().sum()), rel=0.01)


@pytest.mark.parametrize("estimator", [Sampled, Enumeration])
def test_sampling_noise_vanishes_with_the_distance(estimator: type[Sampled | Enumeration]) -> None:
    before = random_mixture(chain(3))
    step = projection_step(estimator(liouvillian(), 50), before, 1e-6)
    loss, _ = step.loss(before, 0, 10, generator(0))
    assert float(gradient(loss, before).abs().max()) < 1e-4


def test_sampled_batches_stay_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    before = random_mixture(chain(3))
    step, drawn = SampledStep(Sampled(liouvillian(), 20), before, 0.05), 0
    sample = type(before).sample

    def counted(*args: object) -> torch.Tensor:
        nonlocal drawn
        drawn += 1
        return sample(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(type(before), "sample", counted)
    for iteration in range(40):
        step.loss(before, iteration, 40, generator(iteration))
    assert drawn == 10


PROJECTED = listed_of(method="projection", heads=4, positions="learned", step_decay="cycle", step_factor=0.02)


@pytest.mark.parametrize("strings", ["0s", "translations"])
def test_evolution_stays_close_to_exact(strings: str, tmp_path: Path) -> None:
    square = {"rows": 2, "cols": 2, "tau": 0.1, "t_end": 0.6, "step_iterations": 100}
    point = PROJECTED.change(**square, strings=strings)  # type: ignore[arg-type]
    worst = largest_deviation(point, tmp_path)
    assert worst < (0.03 if strings == "0s" else 0.01)
    assert largest_deviation(point.change(method="dynamics"), tmp_path) > 2 * worst


@pytest.mark.parametrize("estimator", ["sampled", "enumeration"])
def test_drawn_evolution_stays_close_to_exact(estimator: str, tmp_path: Path) -> None:
    ring = {"lattice": "ring", "n_sites": 3, "tau": 0.05, "t_end": 0.2, "step_iterations": 60}
    point = PROJECTED.change(**ring, estimator=estimator, n_samples=2000)
    assert largest_deviation(point, tmp_path) < 0.03


DENSE = points.COUPLED.change(method="projection", tau=0.1, t_end=0.6, step_iterations=10, dense_output=4)


def test_dense_output_is_the_propagation_itself(tmp_path: Path) -> None:
    rows, exact = points.history(points.run(DENSE, tmp_path)), exact_of(DENSE.point, tmp_path)
    assert np.allclose(rows["t"], np.arange(13) * 0.05)
    assert exact is not None
    # within the first step no network has come in between
    for row in rows.iloc[:4].to_dict("records"):
        assert row["sigma_z"] == pytest.approx(exact(row["t"], "sigma_z"), abs=1e-6)
    sparse = points.history(points.run(DENSE.change(dense_output=1), tmp_path))
    assert np.array_equal(rows["sigma_z"].iloc[::4], sparse["sigma_z"])


def test_an_interrupted_dense_evolution_goes_on_with_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(points.Interrupted):
        points.stop_in_iteration(patch, 2, 4, ProjectionModule)
        points.run(DENSE, tmp_path / "broken")
    broken = points.history(points.run(DENSE, tmp_path / "broken"))
    pd.testing.assert_frame_equal(broken, points.history(points.run(DENSE, tmp_path / "whole")), check_exact=True)
    longer = DENSE.change(t_end=0.8)
    continued = points.history(points.run(longer, tmp_path / "whole"))
    pd.testing.assert_frame_equal(continued.iloc[:13], broken, check_exact=True)
    assert len(continued) == 17


def largest_deviation(point: Listed, runs: Path) -> float:
    history, exact = points.history(points.run(point, runs)), exact_of(point.point, runs)
    assert exact is not None and history["sigma_z"].iloc[-1] < 0.7
    return max(abs(row["sigma_z"] - exact(row["t"], "sigma_z")) for _, row in history.iterrows())


def test_translations_make_a_translation_invariant_state() -> None:
    p = random_mixture(rectangle(2, 3), "translations").all_probs()
    moved = p.permute([1, 2, 0, 4, 5, 3])
    assert torch.allclose(p, moved) and not torch.allclose(p, p.permute([1, 0, 2, 3, 4, 5]), rtol=1e-3)
    q = random_mixture(ring(4), "translations").all_probs()
    assert torch.allclose(q, q.permute([1, 2, 3, 0]))


@pytest.mark.parametrize("lattice", [ring(4), rectangle(2, 3)], ids=lambda lattice: lattice.name)
def test_symmetries_make_a_state_as_symmetric_as_the_lattice(lattice: Lattice) -> None:
    model = random_mixture(lattice, "symmetries")
    p = model.all_probs()
    assert all(torch.allclose(p, p.permute(order)) for order in model.orders_SN.tolist())
    samples = torch.cartesian_prod(*[torch.arange(4)] * lattice.n_sites)
    assert torch.allclose(p.flatten().log(), model.log_prob(samples))


def test_factors_that_do_not_commute_are_averaged_in_their_order() -> None:
    swap, other = (1, 0, 2), (0, 2, 1)
    mixture = ((0, 1, 2), swap, other, composed(swap, other))
    assert factors(mixture) == (((0, 1, 2), swap), ((0, 1, 2), other))
    model = StringMixture(random_transformer(3), mixture)
    samples = torch.cartesian_prod(*[torch.arange(4)] * 3)
    assert torch.allclose(model.all_probs().flatten().log(), model.log_prob(samples))


def test_enumeration_of_learned_positions_is_the_sequence_networks() -> None:
    model = random_mixture(chain(3), positions="learned", heads=2)
    samples = torch.cartesian_prod(*[torch.arange(4)] * 3)
    assert torch.allclose(model.all_probs().flatten().log(), model.log_prob(samples))
    assert "transformer.positions_ND" in model.state_dict()
    assert Enumeration(liouvillian()).evaluate(model, None).Lp_A.requires_grad

"""Time steps by collocation: Radau's rule against QuTiP's generator, gradients, draws, and evolutions beside exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch

from repro.ansatz.string_mixture import StringMixture
from repro.config.listed import Listed, listed_of
from repro.methods.collocation import RADAU, LaggedEvaluation, StageValues, collocation_step, mismatch
from repro.methods.collocation_training import CollocationModule
from repro.methods.estimators import Enumeration
from repro.methods.sampled import Sampled
from repro.physics.lattice import chain, rectangle
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import tetrahedral
from repro.references.of_point import exact_of
from tests.helpers import points, systems
from tests.helpers.networks import flat_gradient, generator, memory_of, random_mixture, relative_difference
from tests.helpers.oracles import qutip_generator

POVM = tetrahedral()
MODEL = systems.random_model(3, chain(3))
GENERATOR = qutip_generator(MODEL, POVM).real
MANY = 50_000


def liouvillian() -> LocalLiouvillian:
    return LocalLiouvillian(MODEL, POVM)


def stages_of(p: np.ndarray, h: float) -> np.ndarray:
    """Both stages that obey the rule, by a linear solve with QuTiP's generator, shape (2, 4^N)."""
    D = len(p)
    system = np.eye(2 * D) - h * np.kron(np.array(RADAU), GENERATOR)
    return np.linalg.solve(system, np.tile(p, 2)).reshape(2, D)


def values_at(before: np.ndarray, stages: np.ndarray) -> StageValues:
    p = [torch.tensor(stage) for stage in stages]
    Lp = [torch.tensor(GENERATOR @ stage) for stage in stages]
    return StageValues(torch.tensor(before), p, Lp, [each.clamp_min(1e-12).log() for each in p], torch.ones(64))


def test_stages_of_the_rule_have_no_mismatch() -> None:
    p = random_mixture(chain(3)).all_probs().detach().flatten().numpy()
    stages = stages_of(p, 0.1)
    loss, stats = mismatch(values_at(p, stages), 0.1)
    assert float(stats["loss"]) < 1e-10 and abs(float(loss)) < 1e-9
    assert float(stats["residual"]) == pytest.approx(np.abs(GENERATOR @ stages[-1]).sum())
    assert float(mismatch(values_at(p, stages[::-1]), 0.1)[1]["loss"]) > 1e-3


def test_rule_is_of_third_order() -> None:
    p = random_mixture(chain(3)).all_probs().detach().flatten().numpy()
    off = [np.abs(stages_of(p, h)[-1] - scipy.linalg.expm(h * GENERATOR) @ p).sum() for h in (0.004, 0.002)]
    assert 12 < off[0] / off[1] < 20


def three_networks() -> tuple[StringMixture, list[StringMixture]]:
    before, *stages = (random_mixture(chain(3), seed=seed) for seed in (0, 1, 2))
    return before, stages


def expected_gradient(before: StringMixture, stages: list[StringMixture], h: float) -> list[torch.Tensor]:
    """-sum_a r(a) d log p(a) of each stage, with QuTiP's generator."""
    p = [stage.all_probs().flatten() for stage in stages]
    L, p0 = torch.tensor(GENERATOR), before.all_probs().detach().flatten()
    flows = [L @ each.detach() for each in p]
    found = []
    for row, each, stage in zip(RADAU, p, stages, strict=True):
        r = p0 + h * (row[0] * flows[0] + row[1] * flows[1]) - each.detach()
        found.append(flat_gradient(-(r * each.log()).sum(), stage))
    return found


def test_enumerated_gradient_is_the_mismatch_along_the_network() -> None:
    before, stages = three_networks()
    step = collocation_step(Enumeration(liouvillian()), before)
    loss, _ = mismatch(step.evaluate(stages, generator(0)), 0.05)
    for stage, expected in zip(stages, expected_gradient(before, stages, 0.05), strict=True):
        assert relative_difference(torch.cat([g.flatten() for g in _grads(loss, stage)]), expected) < 1e-9


def _grads(loss: torch.Tensor, model: torch.nn.Module) -> tuple[torch.Tensor, ...]:
    return torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)


@pytest.mark.parametrize("estimator", [Sampled, Enumeration])
def test_draws_have_that_gradient_in_the_mean(
    estimator: type[Sampled | Enumeration], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Draws that hold each configuration as often as it is likely leave no noise."""
    before, stages = three_networks()
    count = (before.all_probs().detach().flatten() * MANY).round().long()
    numbers = torch.repeat_interleave(torch.arange(64), count)
    samples = torch.stack([numbers // 4**k % 4 for k in (2, 1, 0)], 1)
    monkeypatch.setattr(StringMixture, "sample", lambda self, n, source: samples)
    monkeypatch.setattr(Enumeration, "draw_from", lambda self, p_A, source: numbers)
    step = collocation_step(estimator(liouvillian(), MANY), before)
    loss, _ = mismatch(step.evaluate(stages, generator(0)), 0.05)
    for stage, expected in zip(stages, expected_gradient(before, stages, 0.05), strict=True):
        assert relative_difference(torch.cat([g.flatten() for g in _grads(loss, stage)]), expected) < 0.02


@pytest.mark.parametrize(
    "estimator", [Sampled(liouvillian(), 40), Enumeration(liouvillian(), 40), Enumeration(liouvillian())]
)
def test_a_reused_evaluation_moves_p_and_keeps_the_flow(estimator: Sampled | Enumeration) -> None:
    before, stages = three_networks()
    step = collocation_step(estimator, before)
    reused = LaggedEvaluation(step, 3)
    first = reused.evaluate(stages, generator(0))
    with torch.no_grad():
        for stage in stages:
            stage.transformer.readout.bias.add_(torch.tensor([0.3, -0.2, 0.1, 0.0]))
    for turn in (1, 2):
        later = reused.evaluate(stages, generator(turn))
        assert all(torch.equal(a, b) for a, b in zip(later.Lp, first.Lp, strict=True))
        assert not any(torch.allclose(a, b) for a, b in zip(later.p, first.p, strict=True))
        assert all(each.requires_grad for each in later.log_p)
    fresh = reused.evaluate(stages, generator(0))
    assert all(relative_difference(a, b) < 1e-9 for a, b in zip(later.p, fresh.p, strict=True))
    assert not torch.allclose(fresh.Lp[0], first.Lp[0])


@pytest.mark.parametrize("strings", ["0s", "2s"])
def test_values_without_gradient_are_the_estimators_own(strings: str) -> None:
    lattice = rectangle(2, 2)
    generator_of = LocalLiouvillian(systems.random_model(3, lattice), POVM)
    model, other = (random_mixture(lattice, strings, seed=seed) for seed in (0, 1))
    samples = model.sample(40, generator(0))
    evaluation = Sampled(generator_of, 40).evaluate_at(model, samples, other)
    expected = (evaluation.p_A, evaluation.Lp_A, evaluation.old_p_A, evaluation.old_Lp_A)
    for memory in (None, memory_of(7, model, generator_of)):
        found = Sampled(generator_of, 40, memory).without_gradient((model, other), samples, model.log_prob(samples))
        for mine, its in zip((value for pair in found for value in pair), expected, strict=True):
            assert its is not None and not mine.requires_grad
            assert relative_difference(mine, its) < 1e-9


EVOLVED = listed_of(
    method="collocation", heads=4, positions="learned", step_decay="cycle", step_factor=0.02, tau=0.1, t_end=0.6
)
FIRST = {"first_steps": 1, "first_iterations": 200}


def largest_deviation(point: Listed, runs: Path) -> float:
    history, exact = points.history(points.run(point, runs)), exact_of(point.point, runs)
    assert exact is not None and history["sigma_z"].iloc[-1] < 0.8
    return max(abs(row["sigma_z"] - exact(row["t"], "sigma_z")) for _, row in history.iterrows())


def test_evolution_stays_close_to_exact(tmp_path: Path) -> None:
    point = EVOLVED.change(rows=2, cols=2, strings="translations", step_iterations=200, **FIRST)
    assert largest_deviation(point, tmp_path) < 0.02


@pytest.mark.parametrize("estimator", ["sampled", "enumeration"])
def test_drawn_evolution_stays_close_to_exact(estimator: str, tmp_path: Path) -> None:
    ring = {"lattice": "ring", "n_sites": 3, "tau": 0.05, "t_end": 0.2, "step_iterations": 60}
    point = EVOLVED.change(**ring, estimator=estimator, n_samples=500, **FIRST)
    assert largest_deviation(point, tmp_path) < 0.03


def test_an_interrupted_evolution_goes_on_with_the_same_numbers(tmp_path: Path) -> None:
    point = points.COUPLED.change(method="collocation", tau=0.1, t_end=0.8, step_iterations=10)
    points.assert_goes_on(point, tmp_path, 2, 4, CollocationModule)


def test_both_stages_start_from_the_state_before_the_step() -> None:
    module = CollocationModule(points.COUPLED.change(method="collocation").point)
    with torch.no_grad():
        for parameter in module.middle.parameters():
            parameter += 1
    module.begin_step()
    for middle, end in zip(module.middle.parameters(), module.model.parameters(), strict=True):
        assert torch.equal(middle, end)

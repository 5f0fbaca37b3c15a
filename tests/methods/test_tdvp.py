"""The time-dependent variational principle: derivatives, a dense solve, closed forms, evolutions beside exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from repro.ansatz import tangent
from repro.ansatz.string_mixture import StringMixture
from repro.ansatz.strings import orders, symmetries
from repro.ansatz.tangent import Apart, Velocity, best_velocity, log_derivatives
from repro.config.control import half_step_control
from repro.config.listed import Listed
from repro.methods.build import build_ansatz
from repro.methods.sanity import WrongNumbersError
from repro.methods.tdvp import TdvpModule
from repro.physics.lattice import ring
from repro.references.of_point import exact_of
from repro.states.shipping import state_of_run
from tests.helpers import points
from tests.helpers.networks import configuration_index, generator, random_mixture, random_transformer
from tests.helpers.oracles import qutip_generator

EVERY = {"estimator": "enumeration", "n_samples": None}
DECAY = points.SPINS.change(method="tdvp", tau=0.05, t_end=1.0, ridge=1e-6)
EXCHANGED = ((0, 1, 2, 3), (1, 0, 3, 2))
"""Permutations of outcomes that are a group."""


@pytest.mark.parametrize("strings, maps", [("0s", EXCHANGED[:1]), ("2t", EXCHANGED[:1]), ("translations", EXCHANGED)])
def test_derivatives_are_those_of_one_configuration_at_a_time(strings: str, maps: tuple[tuple[int, ...], ...]) -> None:
    model = StringMixture(random_transformer(4, layers=2, heads=2), orders(strings, ring(4)), maps)
    samples_BN = model.sample(7, generator(0))
    found_BP = log_derivatives(model, samples_BN)
    for sample_N, row_P in zip(samples_BN, found_BP, strict=True):
        model.zero_grad()
        model.log_prob(sample_N[None]).sum().backward()
        expected_P = torch.cat([each.grad.flatten() for each in model.parameters() if each.grad is not None])
        assert torch.allclose(row_P, expected_P, atol=1e-9 if row_P.dtype == torch.double else 1e-5)


@pytest.mark.parametrize("rows, parameters", [(30, 12), (12, 30)])
@pytest.mark.parametrize("block", [5, 500])
def test_velocity_solves_the_normal_equations(
    rows: int, parameters: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tangent, "GRAM_ROWS", block)
    draw = np.random.default_rng(0)
    D, f, weight = (
        draw.normal(size=(rows, parameters)) + 0.3,
        draw.normal(size=rows) + 0.2,
        draw.dirichlet(np.ones(rows)),
    )
    found = best_velocity(*(torch.tensor(each) for each in (D, f, weight)), ridge=1e-3)
    D0, f0 = D - weight @ D, f - weight @ f
    penalty = 1e-3 * np.mean(weight * (D0**2).sum(1))
    expected = np.linalg.solve(D0.T * weight @ D0 + penalty * np.eye(parameters), D0.T @ (weight * f0))
    assert found.flat_P.numpy() == pytest.approx(expected, rel=1e-8, abs=1e-10)
    assert float(found.residual) == pytest.approx(weight @ abs(f))
    assert float(found.missed) == pytest.approx(weight @ abs(f0 - D0 @ expected))


@pytest.mark.parametrize("draws", [EVERY, {**EVERY, "n_samples": 100}, {"estimator": "sampled", "n_samples": 100}])
def test_spins_that_decay_alone_follow_the_closed_form(draws: dict[str, object], tmp_path: Path) -> None:
    """Product states are in reach of the network exactly, so that draws make no noise."""
    history = points.history(points.run(DECAY.change(**draws), tmp_path))
    exact = 2 * np.exp(-history["t"]) - 1
    error = 4 * history["sigma_z_error"].to_numpy()
    assert np.all(abs(history["sigma_z"] - exact) < 0.002 + error) and history["t"].iloc[-1] == pytest.approx(1)


def test_the_rule_is_of_fourth_order(tmp_path: Path) -> None:
    """Half as long a step leaves a sixteenth of the distance from the closed form, or less."""
    off = []
    for substeps in (2, 4):
        point = DECAY.change(**EVERY, tau=0.5, ridge=1e-8, substeps=substeps, first_substeps=substeps)
        history = points.history(points.run(point, tmp_path))
        off.append(abs(history["sigma_z"].iloc[-1] - (2 * np.exp(-1) - 1)))
    assert off[0] > 11 * off[1] and off[1] < 1e-4


def test_the_rule_of_one_velocity_is_of_second_order(tmp_path: Path) -> None:
    off = []
    for substeps in (8, 16):
        point = DECAY.change(**EVERY, tau=0.5, ridge=1e-8, substeps=substeps, first_substeps=4 * substeps)
        history = points.history(points.run(point.change(rule="adams-bashforth"), tmp_path))
        off.append(abs(history["sigma_z"].iloc[-1] - (2 * np.exp(-1) - 1)))
    assert 3 < off[0] / off[1] < 6 and off[1] < 2e-3


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_one_velocity_a_step_is_exact_where_velocities_grow_evenly(momentum: float, tmp_path: Path) -> None:
    """Through steps of another length too; the first one alone has no velocity before and misses h^2 / 2."""
    point = DECAY.change(**EVERY, tau=0.1, rule="adams-bashforth", first_substeps=3, substeps=2, momentum=momentum)
    h = [0.2 / 3] * 3 + [0.1] * 8
    times = iter(np.cumsum([0.0, *h]))
    one = torch.ones(())

    def grown(self: TdvpModule, rng: torch.Generator) -> Velocity:
        n_P = sum(each.numel() for each in self.parameters())
        return Velocity(torch.full((n_P,), 1e-2 * float(next(times))), one, one)

    before = torch.cat([each.flatten() for each in TdvpModule(point.point).parameters()])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TdvpModule, "velocity", grown)
        model = state_of_run(point.point, points.run(point, tmp_path)).model
    after = torch.cat([each.flatten() for each in model.parameters()])
    assert next(times) == pytest.approx(1)
    expected = 1e-2 * (1 - h[0] ** 2) / 2
    assert (after - before).detach().numpy() == pytest.approx(expected, abs=3e-6)


@pytest.mark.parametrize("estimator", ["sampled", "enumeration"])
def test_a_configuration_meets_its_own_drift(estimator: str) -> None:
    """Every row's (L p)(a) / p(a) belongs to its configuration, by QuTiP's generator; the state has no symmetry."""
    listed = points.COUPLED.change(method="tdvp", n_sites=3, estimator=estimator, n_samples=50)
    module = TdvpModule(listed.point)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator(1))
    configurations_AN, weight_A, f_A = module._drift(generator(2))
    p = module.model.all_probs().detach().flatten().double().numpy()
    expected = qutip_generator(listed.point.system.build_model(), listed.point.povm).real @ p / p
    assert f_A.numpy() == pytest.approx(expected[configuration_index(configurations_AN)], rel=1e-3, abs=1e-3)
    assert float(weight_A.sum()) == pytest.approx(1) and len(weight_A) == 50
    mirrored = expected.reshape((4,) * 3).T.flatten()
    assert abs(mirrored - expected).max() > 0.1


def largest_deviation(point: object, runs: Path) -> float:
    history, exact = points.history(points.run(point, runs)), exact_of(point.point, runs)  # type: ignore[attr-defined, arg-type]
    assert exact is not None and history["sigma_z"].iloc[-1] < 0.8
    return max(abs(row["sigma_z"] - exact(row["t"], "sigma_z")) for _, row in history.iterrows())


def test_two_coupled_spins_stay_close_to_exact(tmp_path: Path) -> None:
    point = points.COUPLED.change(method="tdvp", **EVERY, width=16, heads=2, tau=0.02, t_end=1.0, ridge=1e-5)
    assert largest_deviation(point, tmp_path) < 0.005


@pytest.mark.parametrize("estimator", ["sampled", "enumeration"])
def test_drawn_evolution_of_a_plaquette_stays_close_to_exact(estimator: str, tmp_path: Path) -> None:
    plaquette = {"lattice": "rectangle", "rows": 2, "cols": 2, "Jy": 1.8, "heads": 4, "positions": "learned"}
    point = points.EVOLVED.change(method="tdvp", **plaquette, width=16, estimator=estimator, n_samples=400, t_end=0.6)
    assert largest_deviation(point.change(Jx=0.9, Jz=1.0, tau=0.04), tmp_path) < 0.03


@pytest.mark.parametrize(
    "more", [{}, {"lattice_images": 2, "momentum": 0.9}, {"rule": "adams-bashforth", "substeps": 4}]
)
def test_an_interrupted_evolution_goes_on_with_the_same_numbers(more: dict[str, Any], tmp_path: Path) -> None:
    drawn = {"method": "tdvp", "estimator": "enumeration", "n_samples": 20, **more}
    point = points.COUPLED.change(**drawn, tau=0.05, t_end=0.4)
    points.assert_goes_on(point, tmp_path, 2, 2, TdvpModule)


def test_a_velocity_that_is_not_finite_never_reaches_the_weights(tmp_path: Path) -> None:
    seen: list[TdvpModule] = []

    def spoiled(self: TdvpModule, rng: torch.Generator) -> Velocity:
        seen.append(self)
        one = torch.ones(())
        return Velocity(torch.full((sum(each.numel() for each in self.parameters()),), torch.nan), one, one)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(WrongNumbersError, match="gradient is not finite"):
        patch.setattr(TdvpModule, "velocity", spoiled)
        points.run(DECAY, tmp_path)
    assert len(seen) == 1 and all(each.isfinite().all() for each in seen[0].parameters())


def test_its_control_has_half_the_step_alone() -> None:
    point = points.COUPLED.change(method="tdvp", tau=0.05, substeps=3).point
    halved = half_step_control(point)
    assert halved.method.evolution is not None and halved.method.evolution.tau == 0.025
    assert halved.method.evolution.iterations(0) == 16 and halved.method.evolution.iterations(1) == 12
    assert halved.method.evolution.total_iterations == 16 + 12 * (halved.method.evolution.n_steps - 1)


def test_a_mixture_has_one_row_for_every_draw() -> None:
    model = random_mixture(ring(3), "2t")
    assert log_derivatives(model, model.sample(1001, generator(0))).shape[0] == 1001


@pytest.mark.parametrize("n", [12, 22])
@pytest.mark.parametrize("near", [0.0, 0.8])
def test_differences_and_the_velocity_before_are_part_of_the_normal_equations(near: float, n: int) -> None:
    """With fewer rows than parameters, and with more; there are fewer differences than draws."""
    draw = np.random.default_rng(1)
    n2, n_P = n - 2, 35
    D, D2, f, f2, v0 = (draw.normal(size=size) for size in ((n, n_P), (n2, n_P), n, n2, n_P))
    weight = np.full(n, 1 / n)
    tensors = [torch.tensor(each) for each in (D, f, weight)]
    near_P = near * torch.tensor(v0) if near else None
    found = best_velocity(*tensors, 1e-2, Apart(torch.tensor(D2), torch.tensor(f2)), near_P)
    D0, f0 = D - D.mean(0), f - f.mean()
    penalty = 1e-2 * np.mean(np.concatenate([(D0**2).sum(1) / n, (D2**2).sum(1) / n2]))
    matrix = D0.T @ D0 / n + D2.T @ D2 / n2 + penalty * np.eye(n_P)
    expected = np.linalg.solve(matrix, D0.T @ f0 / n + D2.T @ f2 / n2 + penalty * near * v0)
    assert found.flat_P.numpy() == pytest.approx(expected, rel=1e-7, abs=1e-9)
    assert float(found.residual) == pytest.approx(abs(f).mean())
    assert float(found.missed) == pytest.approx(abs(f0 - D0 @ expected).mean())


RING: dict[str, Any] = {"lattice": "ring", "n_sites": 5, "Jx": 0.9, "Jy": 1.8, "Jz": 1.0}
FEW = points.EVOLVED.change(method="tdvp", **RING, width=16, heads=4, positions="learned", n_samples=100, tau=0.02)


def relative_entropy(point: Listed, runs: Path) -> float:
    """Of the state at the end to exact, by QuTiP's generator; the means of a few draws are noise."""
    listed = point.point
    model = state_of_run(listed, points.run(point, runs)).model
    p = model.all_probs().detach().double().flatten().numpy()
    start = build_ansatz(listed).all_probs().detach().double().flatten().numpy()
    L = qutip_generator(listed.system.build_model(), listed.povm).real
    exact = expm(L * listed.method.evolution.last_time) @ start
    return float((exact * np.log(exact / p)).sum())


def test_images_and_velocities_before_bring_the_same_draws_closer_to_exact(tmp_path: Path) -> None:
    plain = relative_entropy(FEW, tmp_path)
    images = relative_entropy(FEW.change(lattice_images=4), tmp_path)
    both = relative_entropy(FEW.change(lattice_images=4, momentum=0.95), tmp_path)
    assert images < 0.8 * plain and both < 0.9 * images, (plain, images, both)


def test_log_p_of_images_stays_together(tmp_path: Path) -> None:
    apart = {}
    for images in (0, 4):
        listed = FEW.change(lattice_images=images)
        model = state_of_run(listed.point, points.run(listed, tmp_path)).model
        samples_AN = model.sample(500, generator(0))
        log_p_GA = torch.stack([model.log_prob(samples_AN[:, list(g)]) for g in symmetries(ring(5))])
        apart[images] = float(log_p_GA.std(0).mean())
    assert apart[4] < 0.8 * apart[0]

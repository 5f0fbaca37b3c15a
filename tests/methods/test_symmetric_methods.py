"""A distribution that is symmetric under a rotation of the spins, in every estimator and every method."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy import stats

from repro.ansatz.string_mixture import StringMixture
from repro.cli.main import main
from repro.config.listed import Listed
from repro.config.point import point_of
from repro.config.settings import change
from repro.methods import losses
from repro.methods.build import build_ansatz
from repro.methods.estimators import Enumeration, Evaluation, Naive
from repro.methods.sampled import Sampled
from repro.physics.lattice import Lattice, chain, rectangle
from repro.physics.lindblad import heisenberg
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import tetrahedral_cubic
from repro.references.of_point import exact_of
from repro.running.memory_check import bytes_of
from repro.utils.errors import InputError
from tests.helpers import points
from tests.helpers.networks import (
    all_configurations,
    flat_gradient,
    generator,
    memory_of,
    random_mixture,
    relative_difference,
)

ABOUT_Z = ((0, 1, 2, 3), (3, 2, 1, 0))
POINT = points.COUPLED.change(n_sites=3, povm="tetrahedral-cubic", spin_symmetry="z")
STEPS: dict[str, Any] = {"tau": 0.05, "t_end": 0.4, "step_iterations": 8}
DRAWN: dict[str, Any] = {"estimator": "sampled", "n_samples": 60}
METHODS: dict[str, Listed] = {
    "variational": POINT.change(iterations=60),
    "variational, unmasked": POINT.change(iterations=60, n_samples=50, sampling="unmasked"),
    "dynamics": POINT.change(method="dynamics", **STEPS),
    "both stages": POINT.change(method="variational+dynamics", iterations=20, **STEPS),
    "projection": POINT.change(method="projection", **STEPS, dense_output=2, hilbert_schmidt=1.0),
    "collocation": POINT.change(method="collocation", **STEPS, n_samples=50),
    "tdvp": POINT.change(method="tdvp", tau=0.05, t_end=0.4, n_samples=50),
}
DRAWS: dict[str, Listed] = {
    "variational": POINT.change(iterations=40, strings="translations", lattice="ring", **DRAWN),
    "dynamics, naive": POINT.change(method="dynamics", **STEPS, estimator="naive", n_samples=30),
    "projection": POINT.change(method="projection", **STEPS, **DRAWN),
    "collocation": POINT.change(method="collocation", **STEPS, **DRAWN, reuse=2),
    "tdvp": POINT.change(method="tdvp", tau=0.05, t_end=0.4, **DRAWN),
}


def generator_on(lattice: Lattice) -> LocalLiouvillian:
    return LocalLiouvillian(heisenberg(lattice, (0.9, 1.8, 1.0), B=0.4), tetrahedral_cubic())


def symmetric(lattice: Lattice, strings: str = "0s", **network: Any) -> StringMixture:
    plain = random_mixture(lattice, strings, **network)
    return StringMixture(plain.transformer, plain.orders_SN.tolist(), ABOUT_Z)


def loss_of(evaluation: Evaluation) -> torch.Tensor:
    if evaluation.old_p_A is None:
        return losses.variational(evaluation)[0]
    return losses.dynamics(evaluation, 0.05)[0]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("strings", ["0s", "2s"])
def test_enumerated_equals_naive_on_all_configurations(strings: str, layers: int) -> None:
    lattice = rectangle(2, 2)
    model, old = (symmetric(lattice, strings, layers=layers, seed=seed) for seed in (0, 1))
    exact, naive = Enumeration(generator_on(lattice)), Naive(generator_on(lattice), 1)
    samples_BN = all_configurations(4)
    by_samples = naive.evaluate_at(model, samples_BN, naive.freeze(old))
    weighted = dataclasses.replace(by_samples, weight_A=model.log_prob(samples_BN).exp().detach())
    given, expected = loss_of(exact.evaluate(model, None, exact.freeze(old))), loss_of(weighted)
    assert relative_difference(given, expected) < 1e-10
    assert relative_difference(flat_gradient(given, model), flat_gradient(expected, model)) < 1e-10


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("strings", ["0s", "8s"])
def test_the_tree_of_samples_equals_naive_whatever_the_memory(strings: str, layers: int) -> None:
    lattice = rectangle(2, 3)
    model, old = (symmetric(lattice, strings, layers=layers, seed=seed) for seed in (0, 1))
    samples_BN = model.sample(12, generator(0))
    expected = Naive(generator_on(lattice), 12).evaluate_at(model, samples_BN, old)
    expected_gradient = flat_gradient(loss_of(expected), model)
    for memory in (None, memory_of(5, model, generator_on(lattice))):
        given = Sampled(generator_on(lattice), 12, memory).evaluate_at(model, samples_BN, old)
        for name in ("p_A", "Lp_A", "old_p_A", "old_Lp_A"):
            assert relative_difference(getattr(given, name), getattr(expected, name)) < 1e-9
        gradient = flat_gradient(loss_of(given), model)
        assert relative_difference(gradient, expected_gradient) < 1e-9
    twice = memory_of(5, model, generator_on(lattice)) / memory_of(5, random_plain(model), generator_on(lattice))
    assert twice == pytest.approx(2, rel=1e-3)


def random_plain(model: StringMixture) -> StringMixture:
    return StringMixture(model.transformer, model.orders_SN.tolist())


@pytest.mark.parametrize("kind", [Sampled, Naive, Enumeration])
def test_drawn_losses_and_gradients_are_those_of_exact_sums_in_expectation(kind: type) -> None:
    lattice = chain(3)
    model = symmetric(lattice)
    exact = loss_of(Enumeration(generator_on(lattice)).evaluate(model, None))
    exact_gradient = flat_gradient(exact, model)
    direction = torch.randn(len(exact_gradient), dtype=torch.float64, generator=generator(7))
    estimator = kind(generator_on(lattice), 300)
    values, slopes = [], []
    for k in range(40):
        loss = loss_of(estimator.evaluate(model, generator(k)))
        values.append(float(loss.detach()))
        slopes.append(float(flat_gradient(loss, model) @ direction))
    for found, expected in ((values, float(exact.detach())), (slopes, float(exact_gradient @ direction))):
        assert stats.ttest_1samp(found, expected).pvalue > 0.001
        assert stats.sem(found) < 0.1 * abs(expected) + 0.05


@pytest.mark.parametrize("name", METHODS)
def test_means_across_the_axis_vanish_in_every_method(name: str, tmp_path: Path) -> None:
    history = points.history(points.run(METHODS[name], tmp_path))
    sigma = "scored_sigma" if "unmasked" in name else "sigma"
    assert history[[f"{sigma}_x", f"{sigma}_y"]].abs().max(axis=None) < 1e-7
    assert history[f"{sigma}_z"].iloc[-1] < 0.99


@pytest.mark.parametrize("name", DRAWS)
def test_means_across_the_axis_vanish_within_the_error_of_draws(name: str, tmp_path: Path) -> None:
    history = points.history(points.run(DRAWS[name], tmp_path))
    for axis in ("x", "y"):
        assert (history[f"sigma_{axis}"].abs() < 4.5 * history[f"sigma_{axis}_error"]).all()
    assert history["sigma_z"].iloc[-1] < 0.99


@pytest.mark.parametrize("point", [METHODS["variational"], METHODS["dynamics"], DRAWS["collocation"]], ids=str)
def test_an_interrupted_run_goes_on_with_the_same_numbers(point: Listed, tmp_path: Path) -> None:
    points.assert_goes_on(point, tmp_path, 1, 4)


def test_an_evolution_stays_close_to_exact(tmp_path: Path) -> None:
    fit = {"step_iterations": 300, "step_decay": "cycle", "step_factor": 0.02, "positions": "learned", "heads": 4}
    point = POINT.change(method="projection", tau=0.2, t_end=0.8, width=16, **fit)
    history, exact = points.history(points.run(point, tmp_path)), exact_of(point.point, tmp_path)
    assert exact is not None
    off = [abs(row["sigma_z"] - exact(row["t"], "sigma_z")) for _, row in history.iterrows()]
    assert max(off) < 0.01 and history["sigma_z"].iloc[-1] < 0.6


def test_it_starts_from_the_same_product_state() -> None:
    plain, made = (build_ansatz(POINT.change(spin_symmetry=kind).point) for kind in ("none", "z"))
    torch.testing.assert_close(made.all_probs(), plain.all_probs(), rtol=1e-5, atol=0)


def test_both_components_count_as_memory() -> None:
    ring = point_of(lattice="ring", n_sites=11, povm="tetrahedral-cubic")
    sampled, naive = ({"estimator": kind, "n_samples": 1000} for kind in ("sampled", "naive"))
    for more, factor in (({}, 1.1), (sampled, 1.8), (naive, 1.8)):
        plain, made = (bytes_of(change(ring, spin_symmetry=kind, **more), 10**15) for kind in ("none", "z"))  # type: ignore[arg-type]
        assert made > factor * plain


CUBIC = ("--povm", "tetrahedral-cubic")
REFUSED: list[tuple[tuple[str, ...], str]] = [
    (("--spin-symmetry", "z"), "POVM 'tetrahedral': a rotation by pi about z does not permute its outcomes, expected"),
    (("--spin-symmetry", "z", "--povm", "pauli4"), "POVM 'pauli4'"),
    (("--spin-symmetry", "x", *CUBIC), "L is not symmetric under the rotation by pi about x (its terms on site"),
    (("--spin-symmetry", "z", *CUBIC, "--model", "tfim"), "L is not symmetric under the rotation by pi about z"),
    (
        ("--spin-symmetry", "z", *CUBIC, "--method", "dynamics", "--initial", "plus"),
        "initial state is not symmetric under the rotation by pi about z, expected Bloch vectors along z",
    ),
]


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_does_not_have_the_symmetry_is_refused_in_one_line(
    options: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    arguments = ["run", "fig4", "--profile", "smoke", "--only", "a-var-1x32-0s-Jy1.8", "--runs", str(runs), *options]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("repro: ") and said in line and "spin_symmetry" in line
    assert captured.out == "" and not runs.exists()


def test_a_start_that_breaks_it_is_no_matter_to_a_search() -> None:
    point = change(POINT.point, initial="plus")
    assert len(point.outcome_maps) == 2
    with pytest.raises(InputError, match="initial state"):
        change(point, method="projection")


def test_what_has_none_keeps_its_id() -> None:
    """Of the shipped search at J_y = 1.8, by 12000 draws, and of exact sums."""
    assert point_of(n_samples=12000).point_id == "bcc6aa7fd973"
    assert point_of().point_id == point_of(spin_symmetry="none").point_id == "478029b61d73"
    assert POINT.point.label.endswith("-spinz") and "spin" not in point_of().label

"""Every evaluator and loss on a device: p, L p, losses and gradients are those of the CPU.

The same weights and the same configurations; sampling itself is compared in `test_sampling`. In double precision both
are the same to many digits, which no wrong index or stale table survives; in single precision to rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch

from repro.ansatz.string_mixture import StringMixture
from repro.config.point import point_of
from repro.config.settings import change
from repro.methods import benchmark, losses
from repro.methods.build import seeded_generator
from repro.methods.collocation import collocation_step, mismatch
from repro.methods.estimators import Enumeration, Evaluation, Naive, SamplingEstimator
from repro.methods.projection import projection_step
from repro.methods.sampled import Sampled
from repro.physics.lattice import Lattice, rectangle, ring
from repro.physics.lindblad import heisenberg
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import tetrahedral
from tests.helpers.networks import flat_gradient, memory_of, random_mixture, relative_difference

Evaluate = Callable[[StringMixture, StringMixture], Evaluation]
TAU, DRAWS = 0.03, 16
DOUBLE, SINGLE = 1e-9, 2e-4
NETWORKS: dict[str, tuple[Lattice, str, dict[str, Any]]] = {
    "one layer": (rectangle(2, 2), "0s", {}),
    "one layer, eight strings": (rectangle(2, 2), "8s", {}),
    "two layers": (ring(4), "0s", {"layers": 2, "heads": 2}),
    "two layers with norms, four strings": (rectangle(2, 2), "4s", {"layers": 2, "norm": "post"}),
}
LOSSES: dict[str, Callable[[Evaluation], losses.LossAndStats]] = {
    "variational": losses.variational,
    "sign": lambda e: losses.sign_augmented(e, 0.4),
    "dynamics": lambda e: losses.dynamics(e, TAU),
    "interpolated": lambda e: losses.interpolated(e, TAU, 0.3),
}


def evaluators(lattice: Lattice, model: StringMixture, samples_BN: torch.Tensor) -> dict[str, Evaluate]:
    """What every evaluator makes of a model and of the state before it, on given configurations."""
    L = LocalLiouvillian(heisenberg(lattice, (0.9, 1.8, 1.0), B=0.4), tetrahedral())
    exact, drawn = Enumeration(L), Enumeration(L, DRAWS, draw=lambda *_: samples_BN)
    memory = memory_of(DRAWS // 2, model, L)
    of_draws = {"tree": Sampled(L, DRAWS), "tree in parts": Sampled(L, DRAWS, memory), "naive": Naive(L, DRAWS)}
    return {
        "enumeration": lambda model, before: exact.evaluate(model, None, exact.freeze(before)),
        "enumeration, drawn": lambda model, before: drawn.evaluate(model, None, drawn.freeze(before)),
        **{name: partial(_at, each, samples_BN) for name, each in of_draws.items()},
    }


def _at(
    estimator: SamplingEstimator, samples_BN: torch.Tensor, model: StringMixture, before: StringMixture
) -> Evaluation:
    return estimator.evaluate_at(model, samples_BN, estimator.freeze(before))


def compare_evaluators(device: str, dtype: torch.dtype, tolerance: float, names: Iterable[str] = NETWORKS) -> None:
    """Every evaluator and loss of some networks on a device, beside double precision on the CPU."""
    for name in names:
        lattice, strings, network = NETWORKS[name]
        model, before = (random_mixture(lattice, strings, seed=seed, **network) for seed in (1, 2))
        samples_BN = model.sample(DRAWS, torch.Generator().manual_seed(3))
        moved = [copy.deepcopy(each).to(device, dtype) for each in (model, before)]
        there, here = (evaluators(lattice, model, samples_BN.to(place)) for place in (device, "cpu"))
        for evaluator, evaluate in here.items():
            expected, found = evaluate(model, before), there[evaluator](*moved)
            for loss_name, loss in LOSSES.items():
                compare_losses(
                    f"{name}, {evaluator}, {loss_name}",
                    (loss(found)[0], moved[0]),
                    (loss(expected)[0], model),
                    tolerance,
                )


def compare_losses(
    where: str,
    found: tuple[torch.Tensor, StringMixture],
    expected: tuple[torch.Tensor, StringMixture],
    tolerance: float,
) -> None:
    """A loss on a device and its gradient beside those of the CPU."""
    (value, there), (wanted, _) = found, expected
    assert value.device == there.orders_SN.device, where
    assert (off := abs(value.item() / wanted.item() - 1)) < tolerance, f"{where}: loss {off:.1e} off"
    gradients = [
        torch.autograd.grad(each, list(model.parameters()), materialize_grads=True, retain_graph=True)
        for each, model in (found, expected)
    ]
    flat = [torch.cat([gradient.flatten().cpu().double() for gradient in each]) for each in gradients]
    assert (off := relative_difference(*flat)) < tolerance, f"{where}: gradient {off:.1e} off"


def test_evaluators_and_losses_in_double_precision(device: str) -> None:
    compare_evaluators(device, torch.float64, DOUBLE)


def test_evaluators_and_losses_in_single_precision(device: str) -> None:
    compare_evaluators(device, torch.float32, SINGLE, ("one layer, eight strings", "two layers"))


def test_losses_of_collocation_and_projection(device: str) -> None:
    """One time step of each from exact sums."""
    lattice = rectangle(2, 2)
    L = LocalLiouvillian(heisenberg(lattice, (0.9, 1.8, 1.0), B=0.4), tetrahedral())
    models = [random_mixture(lattice, "0s", seed=seed) for seed in (1, 2, 3)]
    moved = [copy.deepcopy(each).to(device) for each in models]
    gradients = []
    for before, middle, after in (models, moved):
        generator = seeded_generator(before.orders_SN.device, 0)
        step = collocation_step(Enumeration(L), before)
        value, _ = mismatch(step.evaluate((middle, after), generator), 2 * TAU)
        projected = projection_step(Enumeration(L), before, 2 * TAU, 2, 0.5)
        fitted, _ = projected.loss(after, 0, 10, generator)
        gradients.append([flat_gradient(each, after).cpu() for each in (value, fitted)])
    for name, expected, found in zip(("collocation", "projection"), *gradients, strict=True):
        assert (off := relative_difference(found, expected)) < DOUBLE, f"{name}: {off:.1e}"


def test_sizes_of_the_paper(device: str) -> None:
    """A size at which a GPU takes other chunks than a CPU: 3x3 enumerated, sixteen spins on a tree."""
    on_cpu = device == "cpu"
    square = point_of(rows=2, cols=3) if on_cpu else benchmark.SQUARE
    ising = change(benchmark.TFIM, n_sites=8 if on_cpu else 16, n_samples=100 if on_cpu else 400)
    for point in (square, change(square, layers=2), ising):
        values = []
        drawn = None
        for place in ("cpu", device):
            case = benchmark.Case("", point)
            _, (model, estimator) = benchmark.iteration_of(case, torch.device(place), None)
            if isinstance(estimator, Sampled):
                drawn = model.sample(estimator.n_samples, torch.Generator().manual_seed(5)) if drawn is None else drawn
                evaluation = estimator.evaluate_at(model, drawn.to(place))
            else:
                evaluation = estimator.evaluate(model, None)
            loss, _ = losses.variational(evaluation)
            values.append((loss.item(), flat_gradient(loss, model).cpu()))
        (expected, gradient), (found, other) = values
        assert abs(found / expected - 1) < SINGLE, point.label
        assert (off := relative_difference(other, gradient)) < 5 * SINGLE, f"{point.label}: {off:.1e}"

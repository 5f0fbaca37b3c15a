"""No tensor is left on the CPU: all that a GPU would compute, on a device that refuses what is elsewhere.

What it computes is right as well, so that every number is compared with the CPU's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from repro.ansatz.unmasked_sampling import unmasked_sample
from repro.config.point import Point, point_of
from repro.methods.collocation_training import CollocationModule
from repro.methods.dynamics import DynamicsModule
from repro.methods.estimators import Enumeration
from repro.methods.module import PointModule
from repro.methods.modules import MODULES, module_of
from repro.methods.projection_training import ProjectionModule
from repro.methods.tdvp import TdvpModule
from repro.physics.observable_parser import parse_observables
from repro.physics.observables import exact_values, sampled_values
from tests.gpu.test_evaluators import DRAWS, LOSSES, NETWORKS, compare_losses, evaluators
from tests.helpers import fake_device
from tests.helpers.networks import flat_gradient, generator, random_mixture, relative_difference


@pytest.fixture(autouse=True)
def elsewhere() -> Iterator[None]:
    """A device that is none, for the length of a test."""
    with fake_device.device():
        yield


@pytest.mark.parametrize("name", NETWORKS)
def test_evaluators_and_losses(name: str) -> None:
    lattice, strings, network = NETWORKS[name]
    model, before = (random_mixture(lattice, strings, seed=seed, **network) for seed in (1, 2))
    there, there_before = (fake_device.moved_network(each) for each in (model, before))
    samples_BN = model.sample(DRAWS, generator(3))
    here = evaluators(lattice, model, samples_BN)
    for evaluator, evaluate in evaluators(lattice, model, fake_device.moved(samples_BN)).items():
        found, expected = evaluate(there, there_before), here[evaluator](model, before)
        for loss_name in ("interpolated", "sign"):  # the first holds both of the paper's
            values = [LOSSES[loss_name](each)[0] for each in (found, expected)]
            compare_losses(f"{evaluator}, {loss_name}", (values[0], there), (values[1], model), tolerance=1e-9)


SMALL: dict[str, Any] = {
    "rows": 2,
    "cols": 2,
    "width": 8,
    "feedforward": 6,
    "povm": "tetrahedral-cubic",
    "strings": "2s",
}
TIMES: dict[str, Any] = {"tau": 0.05, "t_end": 0.1}
STEPS: dict[str, Any] = {**TIMES, "step_iterations": 4}
POINTS: dict[str, dict[str, Any]] = {
    "search": {"spin_symmetry": "z"},
    "search, drawn": {"n_samples": 20},
    "search, unmasked": {"n_samples": 20, "sampling": "unmasked", "layers": 2},
    "search on a tree": {"estimator": "sampled", "n_samples": 20, "objective": "sign", "spin_symmetry": "z"},
    "evolution": {"method": "dynamics", "relative_entropy": True, **STEPS},
    "evolution on a tree": {"method": "dynamics", "estimator": "sampled", "n_samples": 20, **STEPS},
    "evolution, naive": {"method": "dynamics", "estimator": "naive", "n_samples": 20, **STEPS},
    "evolution from a search": {"method": "variational+dynamics", **STEPS},
    "projection": {"method": "projection", "hilbert_schmidt": 0.5, "dense_output": 2, **STEPS},
    "projection of draws": {"method": "projection", "estimator": "sampled", "n_samples": 20, **STEPS},
    "collocation": {"method": "collocation", "reuse": 2, **STEPS},
    "collocation of draws": {"method": "collocation", "estimator": "sampled", "n_samples": 20, "reuse": 2, **STEPS},
    "tdvp": {"method": "tdvp", **TIMES},
    "tdvp of draws": {"method": "tdvp", "estimator": "sampled", "n_samples": 20, **TIMES},
    "tdvp of images": {"method": "tdvp", "n_samples": 20, "lattice_images": 2, "momentum": 0.9, **TIMES},
}


def prepared(point: Point, patch: pytest.MonkeyPatch, moved: bool) -> PointModule:
    """A point's module on either device, at the start of its first time step; random numbers are the CPU's."""
    module = module_of(point)
    if moved:
        for name, child in list(module.named_children()):
            setattr(module, name, fake_device.moved_network(child))
        for name, buffer in list(module.named_buffers(recurse=False)):
            setattr(module, name, fake_device.moved(buffer))
    patch.setattr(DynamicsModule, "restart_adam", lambda _: None)
    patch.setattr("repro.methods.module.OBSERVABLE_SAMPLES", 200)
    if isinstance(module, CollocationModule | ProjectionModule):
        module.on_train_epoch_start()
    elif isinstance(module, DynamicsModule):
        module._frozen = (module.estimator.freeze(module.model),)
    module._iteration = 0  # type: ignore[assignment]  # of a projection
    return module


def value_and_direction(module: PointModule, iteration: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A loss and its gradient; of velocities what they miss, and the velocity."""
    if isinstance(module, TdvpModule):
        velocity = module.velocity(generator(iteration))
        return velocity.missed, velocity.flat_P
    value = module.loss(generator(iteration))[0]
    return value, flat_gradient(value, module)


def test_every_method_is_tried() -> None:
    assert {type(point_of(**SMALL, **more).method) for more in POINTS.values()} == set(MODULES)


@pytest.mark.parametrize("name", POINTS)
def test_losses_and_measurements_of_every_method(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    point = point_of(**SMALL, **POINTS[name])
    here, there = (prepared(point, monkeypatch, moved) for moved in (False, True))
    for iteration in range(2):
        values, gradients = zip(*(value_and_direction(each, iteration) for each in (here, there)), strict=True)
        assert values[1].device == fake_device.DEVICE
        assert values[1].item() == pytest.approx(values[0].item(), rel=1e-5)
        assert relative_difference(gradients[1].cpu(), gradients[0]) < 1e-4
    rows = [module.measure() for module in (here, there)]
    assert rows[1] == pytest.approx(rows[0], abs=1e-5)


def test_draws_and_observables() -> None:
    model = random_mixture(point_of(rows=2, cols=2).lattice, "8s", seed=1)
    there, povm = fake_device.moved_network(model), point_of().povm
    of_the_user = parse_observables(["X0", "Z0 Z1"], [("Z0", "X2")], 4)
    for sample in (type(model).sample, unmasked_sample):
        drawn = sample(there, 50, generator(2))
        assert drawn.device == fake_device.DEVICE
        assert torch.equal(drawn.cpu(), sample(model, 50, generator(2)))
        found, expected = (sampled_values(each, povm, of_the_user) for each in (drawn, drawn.cpu()))
        assert set(found) == set(expected)
        assert [*found.values()] == [pytest.approx(value) for value in expected.values()]
    p = model.all_probs().detach()
    assert exact_values(fake_device.moved(p), povm, of_the_user) == pytest.approx(exact_values(p, povm, of_the_user))
    enumerated = Enumeration(point_of(rows=2, cols=2).liouvillian, 50)
    numbers = [enumerated.draw_from(each.flatten(), generator(5)).cpu() for each in (p, fake_device.moved(p))]
    assert torch.equal(*numbers)


def test_a_tensor_that_is_left_here_is_seen() -> None:
    x = fake_device.moved(torch.arange(3.0))
    assert (x * 2 + torch.tensor(1.0)).tolist() == [1, 3, 5], "numbers may be anywhere"
    assert (x + torch.ones(3, device=x.device)).tolist() == [1, 2, 3]
    with pytest.raises(RuntimeError, match="tensors of two devices"):
        x + torch.ones(3)
    with pytest.raises(RuntimeError, match="tensors of two devices"):
        torch.stack([x, torch.ones(3)])
    assert x[torch.tensor([2])].tolist() == [2], "a GPU copies such an index"
    with pytest.raises(RuntimeError, match="tensors of two devices"):
        torch.arange(3.0)[x.long()]

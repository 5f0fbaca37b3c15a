"""An iteration that is recorded and replayed is one that is evaluated: losses, statistics, gradients, whole points.

On a GPU what is recorded is a CUDA graph; in a rehearsal `fake_graph` stands for it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from repro.ansatz.replay import Replayed
from repro.ansatz.string_mixture import StringMixture
from repro.methods import benchmark, losses
from repro.methods.estimators import Enumeration, Evaluation
from repro.physics.lindblad import heisenberg
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import tetrahedral
from repro.running import checkpoints
from repro.running.folders import CHECKPOINT, RunSettings
from repro.running.runner import run_point
from tests.gpu import fake_graph
from tests.gpu.test_evaluators import DOUBLE, NETWORKS, SINGLE, TAU
from tests.gpu.test_methods import COUPLED, STEPS, compare
from tests.helpers.networks import flat_gradient, random_mixture, relative_difference

Loss = Callable[[Evaluation], losses.LossAndStats]
LOSSES: dict[str, Loss] = {
    "variational": losses.variational,
    "sign": lambda e: losses.sign_augmented(e, 0.4),
    "dynamics": lambda e: losses.dynamics(e, TAU),
}
POINTS: dict[str, dict[str, Any]] = {
    "variational": {"iterations": 30},
    "sign": {"objective": "sign", "mixing": 0.4, "iterations": 5},
    "dynamics": {"method": "dynamics", **STEPS, "t_end": 0.2},
    "variational+dynamics": {"method": "variational+dynamics", "iterations": 3, **STEPS},
    "interpolated, evaluated": {"method": "dynamics", "objective": "interpolated", "mixing": 0.3, **STEPS},
    "drawn, evaluated": {"iterations": 3, "n_samples": 50},
    "tree, evaluated": {"iterations": 3, "estimator": "sampled", "n_samples": 50},
}


def compare_replays(
    estimator: Enumeration, models: list[StringMixture], loss: Loss, device: str, tolerance: float
) -> None:
    """One recording at several weights and states before the step, beside evaluations of networks of their own."""
    model = copy.deepcopy(models[0])
    replayed = Replayed(
        lambda *old: loss(estimator.evaluate(model, None, old or None)), model.parameters(), fake_graph.recorder(device)
    )
    for number, now in enumerate(models):
        old = estimator.freeze(models[number - 1])
        model.load_state_dict(now.state_dict())
        (found, stats), (expected, expected_stats) = replayed(*old), loss(estimator.evaluate(now, None, old))
        assert not replayed.given_up
        assert set(stats) == set(expected_stats)
        for name, value in stats.items():
            assert abs(value.item() / expected_stats[name].item() - 1) < tolerance, name
        assert abs(found.item() / expected.item() - 1) < tolerance
        pair = flat_gradient(found, model), flat_gradient(expected, now)
        assert (off := relative_difference(*pair)) < tolerance, f"gradient {off:.1e} off"


def test_replays_are_evaluations(device: str) -> None:
    for dtype, tolerance in ((torch.float64, DOUBLE), (torch.float32, SINGLE))[: 1 if device == "cpu" else 2]:
        for lattice, strings, network in NETWORKS.values():
            L = LocalLiouvillian(heisenberg(lattice, (0.9, 1.8, 1.0), B=0.4), tetrahedral())
            models = [random_mixture(lattice, strings, seed=seed, **network).to(device, dtype) for seed in range(3)]
            for loss in LOSSES.values():
                compare_replays(Enumeration(L), models, loss, device, tolerance)


def test_replays_of_sizes_of_the_paper(device: str) -> None:
    square = {"rows": 2, "cols": 2} if device == "cpu" else {}
    for more in ({}, {"layers": 2, "width": 64}, {"strings": "8s"}):
        point = benchmark.change(benchmark.SQUARE, **square, **more)
        _, (model, estimator) = benchmark.iteration_of(benchmark.Case("", point), torch.device(device), None)
        other = copy.deepcopy(model)
        with torch.no_grad():
            for parameter in other.parameters():
                parameter.mul_(0.9)
        assert isinstance(estimator, Enumeration)
        for loss in LOSSES.values():
            compare_replays(estimator, [model, other], loss, device, 5 * SINGLE)


def test_points_with_graphs_are_those_without(device: str, tmp_path: Path) -> None:
    """Adam changes the weights between replays, time steps the state before them; what cannot repeat is evaluated."""
    for name, settings in POINTS.items():
        listed = COUPLED.change(**settings)
        rows = []
        for graphs in (False, True):
            with mock.patch("repro.running.runner.recorder_of", fake_graph.recorder):
                runs = tmp_path / f"{name} {graphs}"
                folder = run_point(listed, RunSettings(runs, device, tracking="disabled", graphs=graphs))
            rows.append(checkpoints.load(folder / CHECKPOINT, listed.point)["history"])
        compare(rows[1], rows[0], name)

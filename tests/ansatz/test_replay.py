"""A recorded loss: static inputs, parameters as they are, what is not recorded, what cannot be."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch

from repro.ansatz.full_tree import all_log_probs
from repro.ansatz.replay import Action, LossAndStats, Replayed, recorder_of, recording
from repro.ansatz.string_mixture import StringMixture
from repro.methods import losses
from repro.methods.estimators import Enumeration
from repro.physics.lattice import rectangle, ring
from repro.physics.lindblad import heisenberg
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import tetrahedral
from repro.utils.errors import InputError
from tests.gpu import fake_graph
from tests.helpers.networks import flat_gradient, random_mixture, random_transformer, sharpen

CPU = torch.device("cpu")


class Quadratic(torch.nn.Module):
    """sum_i w_i x_i^2, gradient x_i^2; another parameter is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.unused = torch.nn.Parameter(torch.tensor([1.0, 2.0])), torch.nn.Parameter(torch.ones(1))
        self.asked: list[bool] = []

    def loss(self, x: torch.Tensor) -> LossAndStats:
        self.asked.append(recording())
        value = (self.w * x**2).sum()
        return value, {"loss": value.detach(), "sum": x.sum()}


def counting(recorded: list[Action]) -> Callable[[Action, torch.device], Action]:
    def record(action: Action, device: torch.device) -> Action:
        recorded.append(action)
        return fake_graph.record(action, device)

    return record


def gradient(replayed: Replayed, model: Quadratic, x: torch.Tensor) -> tuple[float, float, torch.Tensor]:
    model.zero_grad()
    value, stats = replayed(x)
    value.backward()
    assert model.unused.grad is None
    assert model.w.grad is not None
    return value.item(), stats["sum"].item(), model.w.grad


def test_inputs_are_copied_and_parameters_read_as_they_are() -> None:
    model, recorded = Quadratic(), list[Action]()
    replayed = Replayed(model.loss, model.parameters(), counting(recorded))
    given = torch.tensor([1.0, 3.0])
    first = gradient(replayed, model, given)
    assert first[:2] == (19.0, 4.0) and first[2].tolist() == [1.0, 9.0]
    times = len(model.asked)
    second = gradient(replayed, model, torch.tensor([2.0, -1.0]))
    with torch.no_grad():
        model.w += 1
    third = gradient(replayed, model, torch.tensor([2.0, -1.0]))
    assert second[:2] == (6.0, 1.0) and second[2].tolist() == [4.0, 1.0]
    assert third[:2] == (11.0, 1.0) and third[2].tolist() == [4.0, 1.0]
    assert first[2].tolist() == [1.0, 9.0], "a gradient that was given away is not written over"
    assert given.tolist() == [1.0, 3.0], "nor is what was given"
    assert len(recorded) == 1 and len(model.asked) == times and all(model.asked), "no Python runs at a replay"
    assert not recording()


def test_statistics_and_losses_of_one_replay_outlive_the_next() -> None:
    model = Quadratic()
    replayed = Replayed(model.loss, model.parameters(), fake_graph.record)
    kept = [replayed(torch.full((2,), float(k))) for k in range(1, 4)]
    assert [value.item() for value, _ in kept] == [3.0, 12.0, 27.0]
    assert [stats["loss"].item() for _, stats in kept] == [3.0, 12.0, 27.0]
    kept[-1][0].mul(2).backward()
    assert model.w.grad is not None and model.w.grad.tolist() == [18.0, 18.0]


@pytest.mark.parametrize("other", [torch.ones(1), torch.ones(2, dtype=torch.float64)], ids=["shape", "type"])
def test_other_inputs_are_evaluated(other: torch.Tensor) -> None:
    model, recorded = Quadratic(), list[Action]()
    replayed = Replayed(model.loss, model.parameters(), counting(recorded))
    replayed(torch.ones(2))
    model.asked.clear()
    assert replayed(other)[0].item() == 3.0
    assert model.asked == [False] and len(recorded) == 1
    assert gradient(replayed, model, torch.tensor([1.0, 3.0]))[0] == 19.0 and model.asked == [False]


def test_a_loss_that_is_not_finite_ends_the_recording() -> None:
    model, recorded = Quadratic(), list[Action]()
    replayed = Replayed(model.loss, model.parameters(), counting(recorded))
    replayed(torch.ones(2))
    model.asked.clear()
    with pytest.warns(UserWarning, match="graphs: a loss is not finite; iterations are evaluated from here on"):
        assert replayed(torch.tensor([torch.inf, 1.0]))[0].item() == torch.inf
    assert replayed.given_up
    assert replayed(torch.ones(2))[0].item() == 3.0
    assert model.asked == [False, False] and len(recorded) == 1


def test_what_waits_for_the_device_cannot_be_recorded() -> None:
    model = Quadratic()

    def asks(x: torch.Tensor) -> LossAndStats:
        return model.loss(x * float(x.max()))

    with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
        Replayed(asks, model.parameters(), fake_graph.record)(torch.ones(2))
    assert not recording()


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_only_a_gpu_records(device: str) -> None:
    with pytest.raises(InputError, match=f"graphs on device '{device}': expected cuda or cuda:N"):
        recorder_of(device)
    assert recorder_of("cuda:1") is recorder_of("cuda")


NETWORKS: dict[str, dict[str, Any]] = {
    "one layer": {},
    "one layer, heads, learned": {"heads": 2, "positions": "learned"},
    "two layers": {"layers": 2},
    "three layers, heads": {"layers": 3, "heads": 2},
    "norms": {"layers": 2, "norm": "post"},
}


@pytest.mark.parametrize("strings", ["0s", "8s"])
@pytest.mark.parametrize("name", NETWORKS)
def test_enumeration_repeats_itself_without_waiting(name: str, strings: str) -> None:
    """Weights and the state before the step change; the replay and a network of its own agree in every digit."""
    lattice = rectangle(2, 2)
    estimator = Enumeration(LocalLiouvillian(heisenberg(lattice, (0.9, 1.8, 1.0), B=0.4), tetrahedral()))
    models = [random_mixture(lattice, strings, seed=seed, **NETWORKS[name]) for seed in range(3)]
    model = copy.deepcopy(models[0])

    def loss(model: StringMixture, *old: torch.Tensor) -> LossAndStats:
        return losses.dynamics(estimator.evaluate(model, None, old), 0.03)

    replayed = Replayed(lambda *old: loss(model, *old), model.parameters(), fake_graph.record)
    for now, before in ((0, 1), (1, 2), (2, 0)):
        model.load_state_dict(models[now].state_dict())
        old = estimator.freeze(models[before])
        expected, expected_stats = loss(models[now], *old)
        found, stats = replayed(*old)
        assert torch.equal(found, expected)
        assert {key: value.item() for key, value in stats.items()} == {k: v.item() for k, v in expected_stats.items()}
        assert torch.equal(flat_gradient(found, model), flat_gradient(expected, models[now]))
    assert not replayed.given_up


@pytest.mark.parametrize("name", NETWORKS)
def test_an_evaluation_waits_once(name: str) -> None:
    """It asks how sharp attention is; a replay asks whether its loss is finite."""
    lattice = rectangle(2, 2)
    estimator = Enumeration(LocalLiouvillian(heisenberg(lattice, (0.9, 1.8, 1.0), B=0.4), tetrahedral()))
    model = random_mixture(lattice, "8s", **NETWORKS[name])

    def loss() -> LossAndStats:
        return losses.variational(estimator.evaluate(model, None))

    replayed = Replayed(loss, model.parameters(), fake_graph.record)
    for iteration in (loss, replayed):
        flat_gradient(iteration()[0], model)  # constants are made
        with fake_graph.Waits() as waits:
            flat_gradient(iteration()[0], model)
        assert waits.names == ["_local_scalar_dense"]


def test_sharp_attention_is_seen_by_a_replay() -> None:
    """Scores 160 apart and more are weighed in double precision; a recording says NaN there, and is given up."""
    transformer = random_transformer(4, dtype=torch.float32, seed=1)

    def loss() -> LossAndStats:
        value = (all_log_probs(transformer).exp() ** 2).sum()
        return value, {"loss": value.detach()}

    replayed = Replayed(loss, transformer.parameters(), fake_graph.record)
    assert torch.equal(replayed()[0], loss()[0]) and not replayed.given_up
    sharpen(transformer, 1000.0)
    with pytest.warns(UserWarning, match="graphs: a loss is not finite"):
        assert torch.equal(replayed()[0], loss()[0])
    assert replayed.given_up
    assert torch.isfinite(loss()[0])


def test_drawing_cannot_be_recorded() -> None:
    lattice = ring(3)
    drawn = Enumeration(LocalLiouvillian(heisenberg(lattice, (0.9, 1.8, 1.0)), tetrahedral()), 20)
    model = random_mixture(lattice)
    replayed = Replayed(lambda: losses.variational(drawn.evaluate(model, None)), model.parameters(), fake_graph.record)
    with pytest.raises(RuntimeError, match="bincount"):
        replayed()

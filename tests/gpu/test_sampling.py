"""Draws on a device: another generator, the same distribution; and estimates from them are unbiased."""

from __future__ import annotations

import copy
import math

import torch

from repro.ansatz.unmasked_sampling import unmasked_sample
from repro.methods import losses
from repro.methods.build import seeded_generator
from repro.methods.estimators import Enumeration, Estimator
from repro.methods.sampled import Sampled
from repro.physics.lattice import rectangle, ring
from repro.physics.lindblad import heisenberg
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import tetrahedral
from tests.helpers.networks import all_configurations, p_value, random_mixture

DRAWS, LEAST_P = 20_000, 1e-4
SWAPPED = ((0, 1, 2, 3), (1, 0, 3, 2))


def test_draws_follow_p(device: str) -> None:
    """Chi-square against probabilities that the CPU enumerates: by the network, by enumeration, and unmasked."""
    networks = {"one string": "0s", "eight strings": "8s"}
    for name, strings in networks.items():
        model = random_mixture(rectangle(2, 2), strings, seed=4)
        there = copy.deepcopy(model).to(device, torch.float32)
        generator, p = seeded_generator(torch.device(device), 7), model.all_probs()
        by_network = there.sample(DRAWS, generator).cpu()
        assert p_value(by_network, p) > LEAST_P, name
        # one layer reads the last position alone, so that no mask makes no difference
        assert p_value(unmasked_sample(there, DRAWS, generator).cpu(), p) > LEAST_P, f"{name}, unmasked"
        L = LocalLiouvillian(heisenberg(rectangle(2, 2), (0.9, 1.8, 1.0)), tetrahedral())
        numbers_B = Enumeration(L, DRAWS).draw_from(there.all_probs().detach().flatten(), generator).cpu()
        assert p_value(all_configurations(4)[numbers_B], p) > LEAST_P, f"{name}, enumerated"


def test_draws_depend_on_their_key_alone(device: str) -> None:
    model = random_mixture(ring(4), seed=4).to(device, torch.float32)
    first, again, other = (model.sample(200, seeded_generator(torch.device(device), 1, key)) for key in (2, 2, 3))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_sampled_losses_are_unbiased(device: str) -> None:
    """The mean of sixteen estimates beside the exact sum, in units of its standard error."""
    lattice = rectangle(2, 2)
    L = LocalLiouvillian(heisenberg(lattice, (0.9, 1.8, 1.0)), tetrahedral())
    model = random_mixture(lattice, "2s", seed=4)
    there = copy.deepcopy(model).to(device, torch.float32)
    exact = losses.variational(Enumeration(L).evaluate(model, None))[0].item()
    estimators: dict[str, Estimator] = {"tree": Sampled(L, 500), "enumeration": Enumeration(L, 500)}
    for name, estimator in estimators.items():
        generators = [seeded_generator(torch.device(device), 9, k) for k in range(16)]
        found = torch.stack([losses.variational(estimator.evaluate(there, g))[0].detach().cpu() for g in generators])
        off = abs(float(found.mean()) - exact) / (float(found.std()) / math.sqrt(len(found)))
        assert off < 5, f"{name}: {off:.1f} standard errors off"

"""Sampling without the causal mask: right for one layer, another distribution from two layers on."""

from __future__ import annotations

import torch
from scipy.stats import chisquare

from repro.ansatz.string_mixture import StringMixture
from repro.ansatz.transformer import START
from repro.ansatz.unmasked_sampling import unmasked_sample
from repro.methods.estimators import Enumeration
from repro.physics.lattice import chain, rectangle
from repro.physics.lindblad import heisenberg
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import tetrahedral
from tests.helpers.networks import all_configurations, random_mixture

DRAWS = 40_000


def unmasked_probabilities(model: StringMixture) -> torch.Tensor:
    """q(a) position by position, a full network evaluation with every prefix attending to all of itself."""
    ordered_AN = all_configurations(model.n_sites)
    network, total_A = model.transformer, torch.zeros(len(ordered_AN), dtype=torch.float64)
    tokens_AN = torch.cat([torch.full((len(ordered_AN), 1), START), ordered_AN], 1)
    for position in range(model.n_sites):
        x = network.embedding(tokens_AN[:, : position + 1]) + network.positions_ND[: position + 1]
        for layer in network.stack():
            q, k, v = layer.project(x)
            weight = torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, -1)
            x = layer.finish(x, weight @ v)
        log_q = torch.log_softmax(network.logits(x[:, -1]), -1)
        total_A += log_q.gather(1, ordered_AN[:, position : position + 1])[:, 0]
    return total_A.exp().detach()


def frequencies(model: StringMixture) -> torch.Tensor:
    samples_BN = unmasked_sample(model, DRAWS, torch.Generator().manual_seed(3))
    powers_N = 4 ** torch.arange(model.n_sites - 1, -1, -1)
    return torch.bincount(samples_BN @ powers_N, minlength=4**model.n_sites)


def test_one_layer_samples_the_scored_distribution() -> None:
    model = random_mixture(rectangle(1, 3), layers=1, width=4, seed=2)
    expected = model.all_probs().detach().flatten().double() * DRAWS
    assert chisquare(frequencies(model), expected / expected.sum() * DRAWS).pvalue > 1e-3


def test_two_layers_sample_another_distribution() -> None:
    model = random_mixture(rectangle(1, 3), layers=2, width=4, seed=2)
    unmasked, scored = unmasked_probabilities(model) * DRAWS, model.all_probs().detach().flatten().double() * DRAWS
    found = frequencies(model)
    assert chisquare(found, unmasked / unmasked.sum() * DRAWS).pvalue > 1e-3
    assert chisquare(found, scored / scored.sum() * DRAWS).pvalue < 1e-6


def test_enumeration_weighs_what_was_drawn() -> None:
    model = random_mixture(chain(3), layers=2, width=4, seed=2)
    liouvillian = LocalLiouvillian(heisenberg(chain(3), J=(0.9, 1.8, 1.0)), tetrahedral())
    samples_BN = torch.tensor([[0, 1, 2], [0, 1, 2], [3, 3, 0]])
    estimator = Enumeration(liouvillian, 3, lambda *_: samples_BN)
    evaluation = estimator.evaluate(model, None)
    p_A = model.all_probs().detach().flatten()
    expected = torch.zeros(64, dtype=p_A.dtype)
    expected[0 * 16 + 1 * 4 + 2] = 2 / (3 * p_A[6])
    expected[3 * 16 + 3 * 4 + 0] = 1 / (3 * p_A[60])
    torch.testing.assert_close(evaluation.weight_A, expected)

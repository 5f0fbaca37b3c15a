"""Images of draws: which they are, how often, and derivatives averaged over them beside autograd of the mixture."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from repro.ansatz import lattice_images
from repro.ansatz.lattice_images import LatticeImages
from repro.ansatz.string_mixture import StringMixture
from repro.ansatz.strings import symmetries
from repro.physics.lattice import rectangle, ring
from tests.helpers.networks import all_configurations, generator, random_mixture

RING = ring(5)
GROUP = symmetries(RING)


def test_images_are_the_configuration_elsewhere_each_symmetry_once() -> None:
    images = LatticeImages(GROUP, 30)
    configurations_AN = torch.randint(4, (7, 5), generator=generator(0))
    drawn = torch.stack(images.drawn(configurations_AN, generator(1)))
    assert len(drawn) == len(GROUP) == 10
    for column, a in enumerate(configurations_AN.tolist()):
        expected = sorted([a[k] for k in order] for order in GROUP)
        assert sorted(drawn[:, column].tolist()) == expected


def test_every_symmetry_is_drawn_as_often_as_any_other() -> None:
    group = symmetries(rectangle(3, 3))
    images = LatticeImages(group, 2)
    one_of_each = torch.arange(9).repeat(3000, 1)
    first = images.drawn(one_of_each, generator(2))[0].tolist()
    counts = np.array([first.count(list(order)) for order in group])
    assert len(group) == 72 and counts.sum() == 3000
    assert stats.chisquare(counts).pvalue > 1e-3


def derivatives(model: StringMixture, configuration_N: torch.Tensor) -> torch.Tensor:
    """Of one log p, by autograd."""
    model.zero_grad()
    model.log_prob(configuration_N[None]).sum().backward()
    return torch.cat([each.grad.flatten() for each in model.parameters() if each.grad is not None])


@pytest.mark.parametrize("strings", ["0s", "2t"])
def test_over_the_whole_group_they_are_those_of_the_mixture(strings: str) -> None:
    model = random_mixture(RING, strings)
    samples_AN = model.sample(6, generator(3))
    O_AP, _ = LatticeImages(GROUP, 10).derivatives(model, samples_AN, 1.0, generator(4))
    for sample_N, row_P in zip(samples_AN, O_AP, strict=True):
        model.zero_grad()
        log_p_G = torch.stack([model.log_prob(sample_N[list(order)][None])[0] for order in GROUP])
        torch.logsumexp(log_p_G, 0).backward()
        expected_P = torch.cat([each.grad.flatten() for each in model.parameters() if each.grad is not None])
        torch.testing.assert_close(row_P, expected_P, rtol=1e-7, atol=1e-9)


def test_a_difference_and_its_derivatives_are_those_of_the_same_two_images() -> None:
    model = random_mixture(RING)
    sample_1N = model.sample(1, generator(5))
    for seed in range(5):
        O_AP, apart = LatticeImages(GROUP, 2).derivatives(model, sample_1N, 0.7, generator(seed))
        first_N, second_N = (each[0] for each in LatticeImages(GROUP, 2).drawn(sample_1N, generator(seed)))
        log_p = model.log_prob(torch.stack([first_N, second_N])).detach()
        w = torch.softmax(log_p, 0)
        one_P, other_P = derivatives(model, first_N), derivatives(model, second_N)
        torch.testing.assert_close(O_AP[0], w[0] * one_P + w[1] * other_P, rtol=1e-7, atol=1e-9)
        torch.testing.assert_close(apart.O_AP[0], (one_P - other_P) / 2**0.5, rtol=1e-7, atol=1e-9)
        assert float(apart.rate_A) == pytest.approx(-0.7 * float(log_p[0] - log_p[1]) / 2**0.5)
        assert abs(float(apart.rate_A)) > 1e-3


def test_the_first_draws_differences_are_held_where_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_mixture(RING, "0s")
    samples_AN = model.sample(5, generator(3))
    O_AP, apart = LatticeImages(GROUP, 3).derivatives(model, samples_AN, 0.7, generator(1))
    monkeypatch.setattr(lattice_images, "HELD", 2)
    again_AP, fewer = LatticeImages(GROUP, 3).derivatives(model, samples_AN, 0.7, generator(1))
    assert len(apart.rate_A) == 5 and torch.equal(again_AP, O_AP)
    assert torch.equal(fewer.rate_A, apart.rate_A[:2])
    torch.testing.assert_close(fewer.O_AP, apart.O_AP[:2], rtol=1e-12, atol=1e-12)


def test_a_draw_is_an_image_of_the_mixture_with_the_weights_that_make_its_drift_right() -> None:
    """The mean of f = L p / p over draws of p, given the set of images, is (L q)(a) / q(a), for a symmetric L."""
    model, n = random_mixture(RING), 4**5
    p = model.all_probs().detach().flatten()
    a_MN = all_configurations(5)
    number = lambda x_MN: (x_MN * 4 ** torch.arange(4, -1, -1)).sum(1)  # noqa: E731
    image_GM = torch.stack([number(a_MN[:, list(order)]) for order in GROUP])
    any_L = torch.randn(n, n, generator=generator(6), dtype=p.dtype)
    L = torch.stack([any_L[at][:, at] for at in image_GM]).mean(0)
    f, q = (L @ p) / p, p[image_GM].mean(0)
    weight_GM = p[image_GM] / p[image_GM].sum(0)
    torch.testing.assert_close((weight_GM * f[image_GM]).sum(0), (L @ q) / q, rtol=1e-8, atol=1e-8)
    assert math.isclose(float(q.sum()), 1, rel_tol=1e-9)

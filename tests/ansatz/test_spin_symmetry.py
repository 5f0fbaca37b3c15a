"""Mixtures over permutations of outcomes: the mean of a distribution and of its image, enumerated, scored and drawn."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from repro.ansatz.string_mixture import StringMixture
from repro.ansatz.unmasked_sampling import unmasked_sample
from repro.physics.lattice import Lattice, chain, rectangle, ring
from repro.physics.lindblad import heisenberg
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.pauli_means import pauli_means
from repro.physics.povm import tetrahedral_cubic
from repro.physics.rotations import outcome_permutation
from repro.utils.errors import InputError
from tests.helpers.networks import all_configurations, generator, p_value, random_mixture

CUBIC = tetrahedral_cubic()
AXES = pytest.mark.parametrize("axis", ["x", "y", "z"])
CASES: list[tuple[Lattice, str, dict[str, Any]]] = [
    (rectangle(2, 2), "0s", {}),
    (rectangle(2, 2), "8s", {"layers": 2}),
    (rectangle(2, 3), "symmetries", {}),
    (ring(4), "2t", {"layers": 2, "norm": "post", "heads": 2}),
    (chain(1), "0s", {"layers": 3, "norm": "pre"}),
]


def symmetric(lattice: Lattice, strings: str = "0s", axis: str = "z", **network: Any) -> StringMixture:
    """A random string mixture, and its image under a rotation by pi."""
    plain = random_mixture(lattice, strings, **network)
    return StringMixture(
        plain.transformer, plain.orders_SN.tolist(), ((0, 1, 2, 3), outcome_permutation(CUBIC, axis))
    ).to(next(plain.parameters()).dtype)


def image(p: torch.Tensor, axis: str) -> torch.Tensor:
    """p(pi a), one configuration after the other."""
    permutation = outcome_permutation(CUBIC, axis)
    moved = [p[tuple(permutation[k] for k in a)] for a in all_configurations(p.ndim).tolist()]
    return torch.stack(moved).view(p.shape)


@AXES
@pytest.mark.parametrize(("lattice", "strings", "network"), CASES)
@torch.no_grad()
def test_enumerated_equals_the_mean_of_both_and_what_is_scored(
    lattice: Lattice, strings: str, network: dict[str, Any], axis: str
) -> None:
    q = random_mixture(lattice, strings, **network).all_probs()
    model = symmetric(lattice, strings, axis, **network)
    p = model.all_probs()
    assert p.shape == q.shape and p.dtype == torch.float64
    assert abs(float(p.sum()) - 1) < 1e-12
    torch.testing.assert_close(p, (q + image(q, axis)) / 2, rtol=1e-12, atol=0)
    assert torch.equal(p, image(p, axis)) and (q - p).abs().max() > 1e-3
    scored = model.log_prob(all_configurations(lattice.n_sites))
    torch.testing.assert_close(scored, p.flatten().log(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@AXES
@pytest.mark.parametrize(("lattice", "strings", "network"), CASES[1:3])
@torch.no_grad()
def test_samples_follow_it(
    lattice: Lattice, strings: str, network: dict[str, Any], axis: str, dtype: torch.dtype
) -> None:
    model = symmetric(lattice, strings, axis, dtype=dtype, **network)
    samples_BN = model.sample(40_000, generator(11))
    assert p_value(samples_BN, model.all_probs()) > 1e-3
    assert torch.equal(samples_BN, model.sample(40_000, generator(11)))
    without = random_mixture(lattice, strings, dtype=dtype, **network).sample(40_000, generator(11))
    assert p_value(without, model.all_probs()) < 1e-12  # the power of the test


@torch.no_grad()
def test_samples_by_a_permutation_that_is_not_its_own_inverse_follow_it() -> None:
    plain = random_mixture(rectangle(2, 2), "2s")
    turn = (0, 2, 3, 1)
    model = StringMixture(plain.transformer, plain.orders_SN.tolist(), ((0, 1, 2, 3), turn))
    assert p_value(model.sample(40_000, generator(5)), model.all_probs()) > 1e-3
    torch.testing.assert_close(model.log_prob(all_configurations(4)).exp(), model.all_probs().flatten())


@torch.no_grad()
def test_unmasked_samples_of_one_layer_follow_it() -> None:
    model = symmetric(rectangle(2, 2), "8s")
    assert p_value(unmasked_sample(model, 40_000, generator(11)), model.all_probs()) > 1e-3


@AXES
@torch.no_grad()
def test_means_across_the_axis_vanish_to_rounding(axis: str) -> None:
    model, plain = symmetric(rectangle(2, 3), "symmetries", axis), random_mixture(rectangle(2, 3), "symmetries")
    means, others = (pauli_means(each.all_probs(), CUBIC) for each in (model, plain))
    for name in {"sigma_x", "sigma_y", "sigma_z"} - {f"sigma_{axis}"}:
        assert abs(means[name]) < 1e-15 and abs(others[name]) > 1e-3
    assert means[f"sigma_{axis}"] == pytest.approx(others[f"sigma_{axis}"], rel=1e-12)


@torch.no_grad()
def test_it_stays_symmetric_under_a_symmetric_generator() -> None:
    lattice = rectangle(2, 2)
    liouvillian = LocalLiouvillian(heisenberg(lattice, (0.9, 1.8, 1.0), B=0.4), CUBIC)
    change = liouvillian.apply(symmetric(lattice).all_probs())
    torch.testing.assert_close(change, image(change, "z"), rtol=0, atol=1e-15)
    assert (change - image(change, "x")).abs().max() > 1e-4


def test_the_same_weights_give_both_and_nothing_more_is_kept() -> None:
    plain, model = random_mixture(ring(3)), symmetric(ring(3))
    assert {*model.state_dict()} == {f"transformer.{name}" for name in plain.transformer.state_dict()}
    assert model.n_components == 2 * plain.n_components == 2


@pytest.mark.parametrize("maps", [(), ((1, 0, 3, 2),), ((0, 1, 2, 3), (0, 1, 1, 3)), ((0, 1, 2, 3), (1, 0))])
def test_what_is_no_permutation_is_refused(maps: Any) -> None:
    plain = random_mixture(ring(3))
    with pytest.raises(InputError, match="permutations of outcomes"):
        StringMixture(plain.transformer, plain.orders_SN.tolist(), maps)

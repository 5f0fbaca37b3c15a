"""Distributions are normalised, score what they enumerate, and sample exactly what they score."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from repro.ansatz.string_mixture import MAX_ENUMERATED_SITES, StringMixture
from repro.ansatz.strings import MIXTURES, visiting_order
from repro.ansatz.transformer import OUTCOMES, START, Transformer
from repro.physics.lattice import Lattice, rectangle, ring
from repro.physics.pauli_means import pauli_means
from repro.physics.povm import tetrahedral
from repro.utils.errors import InputError
from tests.helpers.networks import all_configurations, generator, p_value, random_mixture, random_transformer

SHAPES = {1: (1, 1), 2: (1, 2), 3: (3, 1), 4: (2, 2), 5: (1, 5), 6: (2, 3)}


def one_by_one(model: StringMixture, lattice: Lattice, strings: str) -> torch.Tensor:
    """p of every configuration by the definition: a mean over strings of products of conditionals."""
    assert lattice.shape is not None
    configurations = all_configurations(lattice.n_sites)
    total = torch.zeros(len(configurations), dtype=torch.float64)
    for k in MIXTURES[strings]:
        order = visiting_order(k, *lattice.shape)
        p_string = torch.ones_like(total)
        ordered_BN = torch.stack([configurations[:, site] for site in order], 1)
        p_BNK = torch.softmax(model.transformer(ordered_BN), -1)
        for position, site in enumerate(order):
            p_string *= p_BNK[torch.arange(len(total)), position, configurations[:, site]]
        total += p_string / len(MIXTURES[strings])
    return total


@pytest.mark.parametrize(
    ("layers", "norm"), [(1, "none"), (1, "pre"), (2, "none"), (2, "post"), (3, "none"), (3, "pre")]
)
@pytest.mark.parametrize(("n_sites", "strings"), [*((n, "0s") for n in SHAPES), *((n, "8s") for n in (1, 3, 4, 6))])
@torch.no_grad()
def test_enumerated_equals_scored(n_sites: int, layers: int, norm: str, strings: str) -> None:
    lattice = rectangle(*SHAPES[n_sites])
    model = random_mixture(lattice, strings, layers=layers, norm=norm, heads=1 + (layers + n_sites) % 2, seed=layers)
    p = model.all_probs()
    assert p.shape == (OUTCOMES,) * n_sites
    assert abs(float(p.sum()) - 1) < 1e-12
    torch.testing.assert_close(model.log_prob(all_configurations(n_sites)).exp(), p.flatten(), rtol=1e-10, atol=0)
    torch.testing.assert_close(p.flatten(), one_by_one(model, lattice, strings), rtol=1e-10, atol=0)


def test_orders_of_sites_matter() -> None:
    transformer = random_transformer(6)
    p = [StringMixture(transformer, [visiting_order(k, 2, 3)]).all_probs() for k in range(9)]
    assert all((p[i] - p[j]).abs().max() > 1e-3 for i in range(9) for j in range(i))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("rows", "cols", "strings", "network"),
    [
        (2, 2, "0s", {"layers": 2}),
        (2, 2, "1s", {"layers": 3, "heads": 2, "norm": "post"}),
        (2, 2, "8s", {"layers": 2, "norm": "pre"}),
        (1, 3, "2s", {"layers": 1}),
        (2, 3, "4s", {"layers": 2}),
    ],
)
def test_sampler_draws_what_is_scored(
    rows: int, cols: int, strings: str, network: dict[str, Any], dtype: torch.dtype
) -> None:
    model = random_mixture(rectangle(rows, cols), strings, dtype=dtype, **network)
    samples_BN = model.sample(40_000, generator(11))
    assert p_value(samples_BN, model.all_probs()) > 1e-3


def sample_without_mask(transformer: Transformer, n: int, source: torch.Generator) -> torch.Tensor:
    """The public code's sampler: each step runs the whole prefix, and its early tokens see the later ones."""
    tokens_BT = torch.full((n, 1), START)
    layers: list[Any] = list(transformer.layers)
    positions_ND: Any = transformer.positions_ND
    for position in range(transformer.config.n_sites):
        x_BTD = transformer.embedding(tokens_BT) + positions_ND[: position + 1]
        for layer in layers:
            x_BTD = layer.finish(x_BTD, layer.attend(*layer.project(x_BTD)))
        p_BK = torch.softmax(transformer.logits(x_BTD[:, -1]), -1)
        tokens_BT = torch.cat([tokens_BT, torch.multinomial(p_BK, 1, generator=source)], 1)
    return tokens_BT[:, 1:]


@pytest.mark.parametrize("layers", [1, 2])
@torch.no_grad()
def test_power_of_the_sampling_test(layers: int) -> None:
    """Sampling without the mask is right for one layer and found wrong for two."""
    model = random_mixture(ring(4), layers=layers)
    samples_BN = sample_without_mask(model.transformer, 40_000, generator(11))
    p = p_value(samples_BN, model.all_probs())
    assert p > 1e-3 if layers == 1 else p < 1e-12


def test_same_seed_same_samples() -> None:
    model = random_mixture(rectangle(2, 3), "8s", layers=2)
    first = model.sample(500, generator(3))
    assert torch.equal(first, model.sample(500, generator(3)))
    assert not torch.equal(first, model.sample(500, generator(4)))
    assert first.shape == (500, 6) and first.dtype == torch.long
    assert not any(torch.equal(first[:250], half) for half in (first[250:], first[250:].flip(0)))


@torch.no_grad()
def test_the_mean_over_runs_is_the_mean_of_the_averaged_probability() -> None:
    """Eqs. S17 and S18: Fig. S5 averages the runs' means, which are linear in p."""
    kinds: list[tuple[str, dict[str, Any]]] = [("0s", {}), ("8s", {"layers": 2}), ("2s", {"norm": "post", "heads": 2})]
    members = [random_mixture(rectangle(2, 2), s, seed=i, **network) for i, (s, network) in enumerate(kinds)]
    p_of_member = torch.stack([member.all_probs() for member in members])
    assert min(float((p_of_member[i] - p_of_member[j]).abs().max()) for i in range(3) for j in range(i)) > 1e-3
    of_members = [pauli_means(p, tetrahedral()) for p in p_of_member]
    of_average = pauli_means(p_of_member.mean(0), tetrahedral())
    for name, value in of_average.items():
        each = [float(means[name]) for means in of_members]
        assert float(value) == pytest.approx(sum(each) / 3, rel=1e-12, abs=1e-12)
        assert max(each) - min(each) > 1e-3


def test_impossible_distributions_are_refused() -> None:
    with pytest.raises(InputError, match="every site from 0 to 3 once"):
        StringMixture(random_transformer(4), [(0, 1, 2, 3), (0, 1, 1, 3)])
    n = MAX_ENUMERATED_SITES + 1
    large = StringMixture(random_transformer(n), [range(n)])
    with pytest.raises(InputError, match=f"enumeration of {n} sites.*at most {n - 1}"):
        large.all_probs()

"""A product state of different spins: every way to evaluate the network adds the bias of the position it is at."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
import torch

from repro.ansatz.full_tree import all_log_probs
from repro.ansatz.sample_tree import SampleTree
from repro.ansatz.sample_tree_network import tree_log_probs
from repro.ansatz.string_mixture import StringMixture
from repro.ansatz.transformer import START, Transformer, TransformerConfig
from repro.ansatz.unmasked_sampling import _last_logits
from repro.physics.povm import BLOCH_DIRECTIONS, PROBABILITY_FLOOR, product_state_density, tetrahedral
from repro.utils.errors import InputError
from tests.helpers.networks import all_configurations

STATES = ["up", (0.3, -0.4, 0.2), "left", (0.0, 0.0, 0.0)]
N = len(STATES)
BIAS = torch.from_numpy(np.stack([tetrahedral().product_state_bias(state) for state in STATES]))
NETWORKS = [{"layers": 1}, {"layers": 1, "heads": 2}, {"layers": 2}, {"layers": 3, "norm": "pre", "heads": 2}]


def disturbed(**config: object) -> Transformer:
    """Every parameter away from where it starts."""
    torch.manual_seed(2)
    transformer = Transformer(TransformerConfig(N, width=8, feedforward=6, positions="learned", **config), BIAS)  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return transformer.double()


def scored(transformer: Transformer) -> torch.Tensor:
    """log p of all configurations by one forward pass each."""
    configurations = all_configurations(N)
    chosen = torch.log_softmax(transformer(configurations), -1).gather(-1, configurations[..., None])
    return chosen[..., 0].sum(1)


def test_the_start_is_the_product_of_the_sites() -> None:
    model = StringMixture(Transformer(TransformerConfig(N, layers=2, width=8), BIAS), [range(N)])
    outcomes = [np.einsum("aij,ji->a", tetrahedral().frame, product_state_density(state)).real for state in STATES]
    expected = torch.from_numpy(reduce(np.multiply.outer, outcomes))
    assert (model.all_probs() - expected).abs().max() < 2 * PROBABILITY_FLOOR


@pytest.mark.parametrize("config", NETWORKS, ids=str)
def test_enumeration_and_tree_equal_one_evaluation_each(config: dict[str, object]) -> None:
    transformer = disturbed(**config)
    expected = scored(transformer)
    by_digit = all_log_probs(transformer).view((4,) * N).permute(*reversed(range(N))).flatten()
    torch.testing.assert_close(by_digit, expected, rtol=1e-9, atol=1e-9)
    by_tree = tree_log_probs(transformer, SampleTree(all_configurations(N).to(torch.uint8)))
    torch.testing.assert_close(by_tree, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("config", NETWORKS, ids=str)
def test_the_bias_is_trained_alike(config: dict[str, object]) -> None:
    transformer = disturbed(**config)
    weights = torch.randn(4**N, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    gradients = []
    for log_p in (
        scored(transformer),
        all_log_probs(transformer).view((4,) * N).permute(*reversed(range(N))).flatten(),
        tree_log_probs(transformer, SampleTree(all_configurations(N).to(torch.uint8))),
    ):
        (gradient,) = torch.autograd.grad((weights * log_p).sum(), [transformer.position_bias_NK])  # type: ignore[list-item]
        gradients.append(gradient)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(gradients[2], gradients[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("config", NETWORKS, ids=str)
def test_sampling_sees_the_same_conditionals(config: dict[str, object]) -> None:
    transformer = disturbed(**config)
    outcomes_BN = all_configurations(N)[::7]
    tokens_BN = torch.cat([torch.full((len(outcomes_BN), 1), START), outcomes_BN[:, :-1]], 1)
    cache: list[tuple[torch.Tensor, torch.Tensor]] = []
    steps = [transformer.step(tokens_BN[:, n], n, cache) for n in range(N)]
    torch.testing.assert_close(torch.stack(steps, 1), transformer(outcomes_BN), rtol=1e-9, atol=1e-9)
    if transformer.config.layers == 1:  # there the missing mask changes nothing
        torch.testing.assert_close(_last_logits(transformer, tokens_BN), steps[-1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(3, 4), (N, 3), (4, 4, 4), (5,)])
def test_a_bias_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="expected four finite numbers"):
        Transformer(TransformerConfig(N, width=8), torch.zeros(shape))


@pytest.mark.parametrize("state", [(0.6, 0.0, 0.8), [0.1, 0.2, 0.3], np.array([0.0, -1.0, 0.0])])
def test_bloch_vectors_are_states(state: object) -> None:
    rho = product_state_density(state)  # type: ignore[arg-type]
    found = [np.trace(rho @ product_state_density(name)).real * 2 - 1 for name in ("plus", "right", "up")]
    np.testing.assert_allclose(found, np.asarray(state), atol=1e-12)


def test_names_are_bloch_vectors() -> None:
    for name, vector in BLOCH_DIRECTIONS.items():
        np.testing.assert_array_equal(product_state_density(name), product_state_density(vector))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ((1.0, 1.0, 0.0), "length of at most 1"),
        ((0.8, 0.0, 0.8), "length of at most 1"),
        ((0.0, 1.0), "expected three numbers"),
        ((0.0, float("nan"), 0.0), "finite number"),
        ((0.0, "up", 0.0), "expected a number"),
        ("sideways", "unknown product state"),
    ],
)
def test_what_is_no_state_is_one_line(state: object, message: str) -> None:
    with pytest.raises(InputError) as refused:
        product_state_density(state)  # type: ignore[arg-type]
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)

"""The network is causal, its cached step is its forward pass, and it is the textbook Transformer."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from repro.ansatz.transformer import OUTCOMES, START, Transformer, TransformerConfig
from repro.physics.povm import BLOCH_DIRECTIONS, PROBABILITY_FLOOR, Povm, pauli4, tetrahedral
from repro.utils.errors import InputError
from tests.helpers.networks import NORMS, all_configurations, random_transformer

SHAPES = [(layers, heads, norm) for layers in (1, 2, 3) for heads, norm in ((1, "none"), (2, "post"), (4, "pre"))]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_logits_depend_on_earlier_outcomes_only(layers: int, norm: str) -> None:
    N = 6
    transformer = random_transformer(N, layers=layers, norm=norm, heads=2)
    before_BN = torch.randint(OUTCOMES, (20, N), generator=torch.Generator().manual_seed(layers))
    for n in range(N):
        after_BN = before_BN.clone()
        after_BN[:, n] = (before_BN[:, n] + 1) % OUTCOMES
        change_BN = (transformer(after_BN) - transformer(before_BN)).abs().amax(-1)
        assert change_BN[:, : n + 1].max() == 0
        assert n == N - 1 or change_BN[:, n + 1 :].min() > 1e-6


@pytest.mark.parametrize(("layers", "heads", "norm"), SHAPES)
def test_cached_steps_equal_forward(layers: int, heads: int, norm: str) -> None:
    N = 7
    transformer = random_transformer(N, layers=layers, heads=heads, norm=norm)
    outcomes_BN = torch.randint(OUTCOMES, (16, N), generator=torch.Generator().manual_seed(5))
    expected_BNK = transformer(outcomes_BN)
    cache: list[tuple[torch.Tensor, torch.Tensor]] = []
    token_B = torch.full((16,), START)
    for position in range(N):
        given_BK = transformer.step(token_B, position, cache)
        torch.testing.assert_close(given_BK, expected_BNK[:, position], rtol=1e-12, atol=1e-12)
        token_B = outcomes_BN[:, position]


def textbook(transformer: Transformer, outcomes_BN: torch.Tensor) -> torch.Tensor:
    """The same weights through PyTorch's own encoder layers with a causal mask."""
    config = transformer.config
    N, D = config.n_sites, config.width
    start_B1 = torch.full((len(outcomes_BN), 1), START)
    x_BND = transformer.embedding(torch.cat([start_B1, outcomes_BN[:, :-1]], 1)) + transformer.positions_ND
    forbidden_NN = nn.Transformer.generate_square_subsequent_mask(N, dtype=torch.float64)
    layers: list[Any] = list(transformer.layers)
    for own in layers:
        layer = nn.TransformerEncoderLayer(
            D, config.heads, config.feedforward, 0.0, "gelu", batch_first=True, norm_first=config.norm == "pre"
        ).double()
        with torch.no_grad():
            for name in ("weight", "bias"):
                parts = [getattr(part, name) for part in (own.query, own.key, own.value)]
                getattr(layer.self_attn, f"in_proj_{name}").copy_(torch.cat(parts))
            layer.self_attn.out_proj.load_state_dict(own.out.state_dict())
            layer.linear1.load_state_dict(own.expand.state_dict())
            layer.linear2.load_state_dict(own.contract.state_dict())
        layer.norm1, layer.norm2 = own.attention_norm, own.feedforward_norm
        x_BND = layer(x_BND, src_mask=forbidden_NN)
    if config.norm == "pre":
        x_BND = transformer.final_norm(x_BND)
    return x_BND @ transformer.readout.weight.T + transformer.readout.bias


@pytest.mark.parametrize(("layers", "heads", "norm"), SHAPES)
def test_equals_pytorch_encoder_layers(layers: int, heads: int, norm: str) -> None:
    transformer = random_transformer(5, layers=layers, heads=heads, norm=norm)
    outcomes_BN = torch.randint(OUTCOMES, (12, 5), generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(transformer(outcomes_BN), textbook(transformer, outcomes_BN), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("state", BLOCH_DIRECTIONS)
@pytest.mark.parametrize("povm", [tetrahedral(), pauli4()], ids=lambda povm: povm.name)
def test_product_state_start(povm: Povm, state: str, norm: str) -> None:
    bias = torch.from_numpy(povm.product_state_bias(state))
    transformer = Transformer(TransformerConfig(3, layers=2, width=8, norm=norm), bias)
    p_BNK = torch.softmax(transformer(all_configurations(3)).double(), -1)
    expected_K = torch.from_numpy(povm.product_state(state))
    # Only an impossible outcome is moved, by the floor.
    off = 1e-6 if expected_K.min() > 1e-12 else 2 * PROBABILITY_FLOOR
    assert (p_BNK - expected_K).abs().max() < off


def test_without_a_product_state_all_outcomes_are_equally_likely() -> None:
    transformer = Transformer(TransformerConfig(4, layers=2, width=8))
    assert torch.softmax(transformer(all_configurations(4)), -1).sub(1 / OUTCOMES).abs().max() < 1e-7


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"n_sites": 0}, "n_sites = 0"),
        ({"layers": 0}, "layers = 0"),
        ({"width": -2}, "width = -2"),
        ({"heads": 0}, "heads = 0"),
        ({"feedforward": 0}, "feedforward = 0"),
        ({"width": 7}, "width = 7.*even"),
        ({"heads": 3}, "heads = 3.*divisor of the width 32"),
        ({"norm": "layer"}, "unknown norm 'layer'.*none, post, pre"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        TransformerConfig(**({"n_sites": 4} | changes))

"""One network evaluation per prefix gives what scoring every configuration by itself gives, and its gradient."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from repro.prefix_tree import all_log_probs
from repro.transformer import OUTCOMES, START, Transformer
from tests.networks import NORMS, all_configurations, flat_gradient, generator, random_transformer, relative_difference

# The first is folded into a table, the others take the general path.
NETWORKS: dict[str, dict[str, Any]] = {
    "folded": {},
    "one layer, two heads": {"heads": 2},
    "one layer, post": {"norm": "post"},
    "two layers": {"layers": 2},
    "three layers, heads, pre": {"layers": 3, "heads": 4, "norm": "pre"},
}


def scored(transformer: Transformer) -> torch.Tensor:
    """log p of every configuration from the sequence network, in the tree's order (first outcome fastest)."""
    N = transformer.config.n_sites
    ordered_BN = all_configurations(N).flip(1)
    log_p_BNK = torch.log_softmax(transformer(ordered_BN), -1)
    return log_p_BNK.gather(-1, ordered_BN[..., None])[..., 0].sum(-1)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)], ids=["f64", "f32"])
@pytest.mark.parametrize("n_sites", range(1, 8))
@pytest.mark.parametrize("network", NETWORKS)
@torch.no_grad()
def test_equals_scoring_each_configuration(network: str, n_sites: int, dtype: torch.dtype, tolerance: float) -> None:
    transformer = random_transformer(n_sites, dtype=dtype, **NETWORKS[network])
    given = all_log_probs(transformer)
    assert given.dtype == dtype and given.shape == (OUTCOMES**n_sites,)
    torch.testing.assert_close(given, scored(transformer), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("n_sites", [1, 2, 5])
@pytest.mark.parametrize("network", NETWORKS)
def test_gradient_equals_that_of_scoring(network: str, n_sites: int) -> None:
    transformer = random_transformer(n_sites, **NETWORKS[network])
    cotangent = torch.randn(OUTCOMES**n_sites, generator=generator(2), dtype=torch.float64)
    given = flat_gradient(all_log_probs(transformer) @ cotangent, transformer)
    expected = flat_gradient(scored(transformer) @ cotangent, transformer)
    assert relative_difference(given, expected) < 1e-10


def sharpen(transformer: Transformer, spread: float) -> None:
    """Scale the queries of every layer until the first layer's scores span `spread`, and raise them all by about 100.

    The raise is a key bias: it adds the same to all scores of a query and leaves the softmax as it is.
    """
    layers: list[Any] = list(transformer.layers)
    positions_ND: Any = transformer.positions_ND
    with torch.no_grad():
        tokens_XD = (transformer.embedding.weight[:START, None] + positions_ND).flatten(0, 1)
        q_XD, k_XD, _ = layers[0].project(tokens_XD)
        q_HXE, k_HXE = layers[0].split_heads(q_XD), layers[0].split_heads(k_XD)
        score = q_HXE @ k_HXE.transpose(-1, -2) / q_HXE.shape[-1] ** 0.5
        factor = spread / float(score.max() - score.min())
        for layer in layers:
            layer.query.weight.mul_(factor)
            layer.query.bias.mul_(factor)
        mean_D = factor * q_XD.mean(0)
        layers[0].key.bias.add_(100 * mean_D / mean_D.dot(mean_D))


@pytest.mark.parametrize("spread", [30.0, 100.0, 140.0])
@pytest.mark.parametrize("network", NETWORKS)
def test_large_scores_stay_finite_and_right(network: str, spread: float) -> None:
    """Attention scores that differ by 100: exp(100) is beyond float32."""
    n_sites = 5
    wide = random_transformer(n_sites, **NETWORKS[network])
    sharpen(wide, spread)
    narrow = random_transformer(n_sites, dtype=torch.float32, **NETWORKS[network])
    narrow.load_state_dict(wide.state_dict())
    cotangent = torch.randn(OUTCOMES**n_sites, generator=generator(2), dtype=torch.float64)
    given, expected = all_log_probs(narrow), scored(wide)
    assert given.isfinite().all()
    assert (given - expected).abs().max() < 2e-4 * expected.abs().max()
    gradient = flat_gradient(given @ cotangent.float(), narrow)
    assert relative_difference(gradient, flat_gradient(expected @ cotangent, wide)) < 1e-3


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n_sites", [1, 4, 7])
@torch.no_grad()
def test_one_network_row_per_prefix(n_sites: int, norm: str) -> None:
    transformer = random_transformer(n_sites, layers=2, norm=norm)
    rows = {"last layer": 0, "readout": 0}
    last: Any = transformer.layers[-1]
    last.query.register_forward_hook(
        lambda _, __, out: rows.update({"last layer": rows["last layer"] + out[..., 0].numel()})
    )
    transformer.readout.register_forward_hook(
        lambda _, __, out: rows.update(readout=rows["readout"] + out[..., 0].numel())
    )
    all_log_probs(transformer)
    n_prefixes = sum(OUTCOMES**k for k in range(n_sites))
    assert rows == {"last layer": n_prefixes, "readout": n_prefixes}

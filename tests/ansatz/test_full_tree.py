"""One network evaluation per prefix gives what scoring every configuration by itself gives, and its gradient."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from repro.ansatz import first_layer, node_blocks
from repro.ansatz.full_tree import all_log_probs
from repro.ansatz.transformer import OUTCOMES, Transformer
from tests.helpers.networks import (
    all_configurations,
    flat_gradient,
    generator,
    random_transformer,
    relative_difference,
    sharpen,
)

# Without normalisation the last layer is folded into a table or fewer features; the others take the general path.
NETWORKS: dict[str, dict[str, Any]] = {
    "folded": {},
    "one layer, two heads": {"heads": 2},
    "one layer, post": {"norm": "post"},
    "two layers": {"layers": 2},
    "two layers, two heads": {"layers": 2, "heads": 2},
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


@pytest.mark.parametrize("network", NETWORKS)
def test_many_small_chunks_make_no_difference(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_layer, "OLDER_DIGITS", 1)
    monkeypatch.setattr(first_layer, "CHUNK_PARENTS", 4)
    monkeypatch.setattr(node_blocks, "CHUNK_NODES", 50)
    test_gradient_equals_that_of_scoring(network, 5)


def single_out(transformer: Transformer, gap: float) -> None:
    """Raise the scores of outcome 0 by about `gap`: prefixes with and without it have largest scores that far apart."""
    layer: Any = transformer.layers[0]
    D, E = transformer.config.width, transformer.config.width // transformer.config.heads
    with torch.no_grad():
        known_XD = torch.cat([transformer.embedding.weight, transformer.positions_ND])
        is_outcome_0_X = torch.eye(len(known_XD), dtype=torch.float64)[0]
        detector_D = torch.linalg.pinv(known_XD) @ is_outcome_0_X
        assert (known_XD @ detector_D - is_outcome_0_X).abs().max() < 1e-9
        layer.query.bias.add_(4.0)
        layer.key.weight.add_(gap / (4 * E**0.5) * torch.outer(torch.ones(D, dtype=torch.float64), detector_D))


def check_single_precision(wide: Transformer, narrow: Transformer) -> None:
    """log p and gradient in float32 against scoring each configuration in float64."""
    narrow.load_state_dict(wide.state_dict())
    cotangent = torch.randn(OUTCOMES**wide.config.n_sites, generator=generator(2), dtype=torch.float64)
    given, expected = all_log_probs(narrow), scored(wide)
    assert given.dtype == torch.float32 and given.isfinite().all()
    assert (given - expected).abs().max() < 2e-4 * expected.abs().max()
    gradient = flat_gradient(given @ cotangent.float(), narrow)
    assert relative_difference(gradient, flat_gradient(expected @ cotangent, wide)) < 1e-3


@pytest.mark.parametrize("spread", [30.0, 100.0, 140.0, 250.0, 600.0])
@pytest.mark.parametrize("network", NETWORKS)
def test_large_scores_stay_finite_and_right(network: str, spread: float) -> None:
    """Attention scores that lie beyond 88, the largest exponent of float32, and far apart."""
    wide, narrow = (random_transformer(5, dtype=dtype, **NETWORKS[network]) for dtype in (torch.float64, torch.float32))
    sharpen(wide, spread)
    check_single_precision(wide, narrow)


@pytest.mark.parametrize("gap", [120.0, 400.0])
@pytest.mark.parametrize("network", ["folded", "one layer, two heads", "two layers"])
def test_prefixes_with_scores_far_apart(network: str, gap: float) -> None:
    """No one reference value taken from the largest or the smallest score would do for every prefix of a level."""
    wide, narrow = (
        random_transformer(5, width=16, dtype=dtype, **NETWORKS[network]) for dtype in (torch.float64, torch.float32)
    )
    single_out(wide, gap)
    check_single_precision(wide, narrow)


@pytest.mark.parametrize("n_sites", [1, 4, 7])
@pytest.mark.parametrize("network", NETWORKS)
@torch.no_grad()
def test_one_network_row_per_prefix(network: str, n_sites: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted where no path can do without: at the activation of the feed-forward sublayers."""
    transformer = random_transformer(n_sites, **NETWORKS[network])
    activations, gelu = [], torch.nn.functional.gelu

    def counted(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        activations.append(x.numel())
        return gelu(x, *args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "gelu", counted)
    all_log_probs(transformer)
    n_prefixes = (OUTCOMES**n_sites - 1) // 3
    assert sum(activations) == n_prefixes * transformer.config.layers * transformer.config.feedforward

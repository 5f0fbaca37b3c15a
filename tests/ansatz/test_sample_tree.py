"""The tree of unique prefixes against sets of prefixes, and log p on it against scoring each configuration."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from repro.ansatz import ancestor_sums, node_blocks
from repro.ansatz.sample_tree import SampleTree, unique_configurations
from repro.ansatz.sample_tree_network import tree_log_probs
from repro.ansatz.transformer import Transformer
from tests.helpers.networks import flat_gradient, random_transformer, relative_difference, sharpen

SHAPES: list[dict[str, Any]] = [
    {"layers": 1},
    {"layers": 1, "heads": 4},
    {"layers": 1, "norm": "post"},
    {"layers": 1, "norm": "pre"},
    {"layers": 2},
    {"layers": 3, "heads": 2},
    {"layers": 2, "norm": "pre"},
    {"layers": 3, "norm": "post"},
]


def configurations(n_sites: int, seed: int = 0) -> torch.Tensor:
    """Random configurations with repetitions and long shared prefixes."""
    generator = torch.Generator().manual_seed(seed)
    given = torch.randint(4, (300, n_sites), dtype=torch.uint8, generator=generator)
    given[100:200, : n_sites // 2] = given[:100, : n_sites // 2]
    given[200:, : n_sites - 1] = given[:100, : n_sites - 1]
    return given


@pytest.mark.parametrize("n_sites", [1, 2, 5, 31, 32, 70, 100])
def test_unique_configurations_are_sorted_and_found_again(n_sites: int) -> None:
    given = configurations(n_sites)
    unique, index = unique_configurations(given)
    assert torch.equal(unique, torch.unique(given, dim=0))
    assert torch.equal(unique[index], given)


@pytest.mark.parametrize("n_sites", [1, 2, 6, 40])
def test_nodes_are_the_unique_prefixes(n_sites: int) -> None:
    tree = SampleTree(unique_configurations(configurations(n_sites))[0])
    rows = [tuple(row) for row in tree.outcomes_MN.tolist()]
    for k, level in enumerate(tree.levels):
        prefixes = {row[:k] for row in rows}
        assert level.n_nodes == len(prefixes)
        owners = [rows[m][:k] for group in level.groups for m in group.tolist()]
        assert set(owners) == prefixes
        assert [owners[node] for node in level.node_M.tolist()] == [row[:k] for row in rows]
    assert tree.n_nodes == sum(len({row[:k] for row in rows}) for k in range(n_sites))


def test_paths_hold_every_node_once_and_know_their_ancestors() -> None:
    tree = SampleTree(unique_configurations(configurations(7))[0])
    rows = [tuple(row) for row in tree.outcomes_MN.tolist()]
    by_level = [rows[m][:k] for k, level in enumerate(tree.levels) for group in level.groups for m in group.tolist()]
    nodes = [by_level[i] for i in tree.paths.from_levels_V.tolist()]
    assert len(set(nodes)) == len(nodes) == tree.n_nodes
    start = 0
    for group in tree.paths.groups:
        for path in range(group.n_paths):
            own = nodes[start : start + group.length]
            above = [] if group.ancestors is None else [nodes[i] for i in group.ancestors[path].tolist()]
            last = own[-1]
            assert [*above, *own] == [last[:k] for k in range(len(last) + 1)]
            start += group.length


def scored(transformer: Transformer, outcomes_MN: torch.Tensor) -> torch.Tensor:
    """log p by one full network evaluation per configuration."""
    chosen = torch.log_softmax(transformer(outcomes_MN.long()), -1).gather(-1, outcomes_MN.long()[..., None])
    return chosen[..., 0].sum(-1)


@pytest.mark.parametrize("n_sites", [1, 2, 6, 17, 33])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_log_p_and_gradient_equal_scoring_each(shape: dict[str, Any], n_sites: int) -> None:
    transformer = random_transformer(n_sites, **shape)
    unique, _ = unique_configurations(configurations(n_sites))
    log_p, expected = tree_log_probs(transformer, SampleTree(unique)), scored(transformer, unique)
    assert torch.allclose(log_p, expected, rtol=0, atol=1e-9)
    weight = torch.randn(len(unique), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    gradients = [flat_gradient((value * weight).sum(), transformer) for value in (log_p, expected)]
    assert relative_difference(*gradients) < 1e-9


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("n_sites", [3, 7, 11])
def test_sums_word_by_word_are_the_same(shape: dict[str, Any], n_sites: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ancestor_sums, "NODES_PER_ROW", 0)
    test_log_p_and_gradient_equal_scoring_each(shape, n_sites)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_many_small_chunks_make_no_difference(shape: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ancestor_sums, "CHUNK_NODES", 30)
    monkeypatch.setattr(node_blocks, "CHUNK_NODES", 30)
    test_log_p_and_gradient_equal_scoring_each(shape, 6)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_parameter_has_a_gradient(shape: dict[str, Any]) -> None:
    """Ranks that share a point wait for the average of each."""
    transformer = random_transformer(5, **shape)
    tree_log_probs(transformer, SampleTree(unique_configurations(configurations(5))[0])).sum().backward()
    assert [name for name, parameter in transformer.named_parameters() if parameter.grad is None] == []


def test_more_nodes_than_a_byte_counts() -> None:
    # outcomes are bytes: an index computed from them in bytes would wrap
    transformer = random_transformer(6)
    every = torch.cartesian_prod(*[torch.arange(4, dtype=torch.uint8)] * 6)
    assert torch.allclose(tree_log_probs(transformer, SampleTree(every)), scored(transformer, every), atol=1e-9)


@pytest.mark.parametrize("spread", [100.0, 400.0])
@pytest.mark.parametrize("shape", SHAPES[:2] + SHAPES[4:6], ids=str)
def test_sharp_attention_in_single_precision(shape: dict[str, Any], spread: float) -> None:
    wide, narrow = (random_transformer(9, dtype=dtype, **shape) for dtype in (torch.float64, torch.float32))
    sharpen(wide, spread)
    narrow.load_state_dict(wide.state_dict())
    unique, _ = unique_configurations(configurations(9))
    log_p, expected = tree_log_probs(narrow, SampleTree(unique)), scored(wide, unique)
    assert log_p.dtype == torch.float32
    assert relative_difference(log_p, expected) < 1e-4
    gradients = [flat_gradient(log_p.sum(), narrow), flat_gradient(expected.sum(), wide)]
    assert relative_difference(*gradients) < 1e-3

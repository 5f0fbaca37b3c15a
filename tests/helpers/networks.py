"""Small random networks, string mixtures and helpers shared by the tests of distributions, estimators and losses.

Every parameter is random (the readout too), so that conditionals depend strongly on the outcomes before them: a
product-state start would hide a wrong mask, a wrong string order or a wrong cache.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import nn

from repro.ansatz.string_mixture import StringMixture
from repro.ansatz.strings import orders
from repro.ansatz.transformer import OUTCOMES, START, Transformer, TransformerConfig
from repro.methods.batch_size import samples_within
from repro.methods.sampled import Sampled
from repro.physics.lattice import Lattice
from repro.physics.liouvillian import LocalLiouvillian
from repro.utils.errors import InputError

NORMS = ("none", "post", "pre")


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_transformer(
    n_sites: int, *, width: int = 8, seed: int = 0, dtype: torch.dtype = torch.float64, **config: Any
) -> Transformer:
    """A network with every parameter drawn anew, conditionals neither flat nor certain (logits of size 0.8)."""
    transformer = Transformer(TransformerConfig(n_sites, width=width, feedforward=6, **config)).to(dtype)
    source = generator(1000 + seed)
    with torch.no_grad():
        for name, parameter in transformer.named_parameters():
            noise = torch.randn(parameter.shape, generator=source, dtype=torch.float64)
            if "embedding" in name:
                parameter.copy_(noise)
            elif parameter.ndim == 2:
                parameter.copy_(1.5 * noise / math.sqrt(parameter.shape[1]))
            else:
                parameter.copy_(0.3 * noise + ("norm.weight" in name))
        some_BN = torch.randint(OUTCOMES, (256, n_sites), generator=source)
        transformer.readout.weight.mul_(0.8 / (transformer(some_BN) - transformer.readout.bias).std())
    return transformer


def random_mixture(lattice: Lattice, strings: str = "0s", **network: Any) -> StringMixture:
    return StringMixture(random_transformer(lattice.n_sites, **network), orders(strings, lattice))


def all_configurations(n_sites: int) -> torch.Tensor:
    """Every configuration in the order of a flattened (4,) * N tensor, shape (4^N, N)."""
    return torch.cartesian_prod(*[torch.arange(OUTCOMES)] * n_sites).view(-1, n_sites)


def configuration_index(samples_BN: torch.Tensor) -> torch.Tensor:
    """Place of each configuration in a flattened (4,) * N tensor."""
    index_B = torch.zeros(len(samples_BN), dtype=torch.long)
    for outcome_B in samples_BN.T:
        index_B = index_B * OUTCOMES + outcome_B
    return index_B


def p_value(samples_BN: torch.Tensor, p: torch.Tensor) -> float:
    """Chi-square test of samples against probabilities; bins expected below five times are joined."""
    expected = (p.detach().double().flatten() * len(samples_BN)).numpy()
    observed = torch.bincount(configuration_index(samples_BN), minlength=len(expected)).numpy()
    rare = expected < 5
    assert (~rare).sum() > 10
    if rare.any():
        expected, observed = (np.append(count[~rare], count[rare].sum()) for count in (expected, observed))
    return float(stats.chisquare(observed, expected, sum_check=False).pvalue)


def flat_gradient(value: torch.Tensor, model: nn.Module) -> torch.Tensor:
    """Gradient of a number with respect to all parameters, one vector."""
    grads = torch.autograd.grad(value, list(model.parameters()), materialize_grads=True)
    return torch.cat([grad.flatten() for grad in grads])


def relative_difference(given: torch.Tensor, expected: torch.Tensor) -> float:
    """||given - expected|| / ||expected|| over all entries."""
    return float((given.detach().double() - expected.detach().double()).norm() / expected.detach().double().norm())


def memory_of(n: int, model: StringMixture, liouvillian: LocalLiouvillian) -> int:
    """The least budget in which n samples fit."""
    tables = Sampled(liouvillian, 1).tables
    low, high = 1, 10**12
    while high - low > 1:
        middle = (low + high) // 2
        try:
            enough = samples_within(middle, model, tables) >= n
        except InputError:
            enough = False
        low, high = (low, middle) if enough else (middle, high)
    assert samples_within(high, model, tables) == n
    return high


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
        layers[0].key.bias.add_(100 * q_HXE.shape[-1] ** 0.5 * mean_D / mean_D.dot(mean_D))

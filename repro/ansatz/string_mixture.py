"""The distribution p_theta(a) over the 4^N outcomes, built from the causal Transformer.

Configurations are in site order, `samples_BN[:, i]` the outcome of site i. `StringMixture` has three methods:
`log_prob(samples_BN)`, `sample(n, generator)` and `all_probs()`.

Tensor suffixes: B batch, N sites, K outcomes (4), S strings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import nn

from repro.ansatz.full_tree import all_log_probs
from repro.ansatz.permute_rows import Permute
from repro.ansatz.strings import factors, inverse_order
from repro.ansatz.transformer import OUTCOMES, START, Transformer
from repro.physics.pauli_means import check_outcomes
from repro.utils.errors import InputError
from repro.utils.validation import check_int

MAX_ENUMERATED_SITES = 12


def floored_log(p: torch.Tensor) -> torch.Tensor:
    """log p; what the floating-point type holds as zero counts as its smallest normal number."""
    return p.clamp_min(torch.finfo(p.dtype).tiny).log()


class StringMixture(nn.Module):
    """String state p(a) = 1/S sum_s p_theta(a | string s); one string is the plain autoregressive model.

    Args:
        transformer: the network, shared by all strings.
        orders: for each string, the sites in visiting order.
    """

    def __init__(self, transformer: Transformer, orders: Sequence[Sequence[int]]) -> None:
        super().__init__()
        N = transformer.config.n_sites
        if not orders:
            raise InputError("string mixture of no strings: expected at least one")
        for order in orders:
            if not isinstance(order, Iterable) or sorted(map(str, order)) != sorted(map(str, range(N))):
                raise InputError(f"string {order}: expected every site from 0 to {N - 1} once")
        self.transformer = transformer
        self.n_sites = N
        self.n_strings = len(orders)
        self.orders_SN: torch.Tensor
        self.inverse_orders_SN: torch.Tensor
        self.register_buffer("orders_SN", torch.tensor([list(o) for o in orders]), persistent=False)
        inverse = [list(inverse_order(tuple(o))) for o in orders]
        self.register_buffer("inverse_orders_SN", torch.tensor(inverse), persistent=False)
        self._gathers: list[list[tuple[torch.Tensor, torch.Tensor]]] = []

    def log_prob(self, samples_BN: torch.Tensor) -> torch.Tensor:
        """log p(a) of configurations in site order, shape (B,).

        Raises:
            InputError: no (B, N) tensor of outcomes 0 to 3.
        """
        check_outcomes(samples_BN)
        B, N = samples_BN.shape
        if self.n_sites != N:
            raise InputError(f"configurations of {N} sites: expected {self.n_sites}")
        ordered_SBN = samples_BN[:, self.orders_SN].transpose(0, 1)
        logits = self.transformer(ordered_SBN.reshape(-1, self.n_sites))
        chosen = torch.log_softmax(logits, -1).gather(-1, ordered_SBN.reshape(-1, self.n_sites, 1))
        log_prob_SB = chosen[..., 0].sum(-1).view(self.n_strings, B)
        return torch.logsumexp(log_prob_SB, 0) - math.log(self.n_strings)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """Exact ancestral sampling: n independent configurations in site order, shape (n, N).

        Draws an ordered sequence from the Transformer (key-value cache), then a string for each.

        Raises:
            InputError: n is no whole number, or below 0.
        """
        check_int("number of samples", n)
        device = self.orders_SN.device
        token_B = torch.full((n,), START, dtype=torch.long, device=device)
        cache: list[tuple[torch.Tensor, torch.Tensor]] = []
        ordered_BN = torch.empty(n, self.n_sites, dtype=torch.long, device=device)
        for position in range(self.n_sites):
            p_BK = torch.softmax(self.transformer.step(token_B, position, cache), -1)
            token_B = torch.multinomial(p_BK, 1, generator=generator)[:, 0]
            ordered_BN[:, position] = token_B
        string_B = torch.randint(self.n_strings, (n,), generator=generator, device=device)
        return ordered_BN.gather(1, self.inverse_orders_SN[string_B])

    def all_probs(self) -> torch.Tensor:
        """p of every configuration, shape (4,) * N, axis i the outcome of site i.

        Raises:
            InputError: more sites than can be enumerated.
        """
        check_enumerable(self.n_sites)
        mixed = all_log_probs(self.transformer).exp()
        for gathers in self._site_gathers():
            parts = [Permute.apply(mixed, index, inverse) for index, inverse in gathers]
            mixed = torch.stack(parts).mean(0) if len(parts) > 1 else parts[0]
        return mixed.view((OUTCOMES,) * self.n_sites)

    def _site_gathers(self) -> list[list[tuple[torch.Tensor, torch.Tensor]]]:
        """Permutations to average over, one factor of the mixture after the other, and their inverses."""
        device = self.orders_SN.device
        if not self._gathers or self._gathers[0][0][0].device != device:
            mixture = [tuple(order) for order in self.orders_SN.tolist()]
            last = self.n_sites - 1
            # the network numbers configurations with the first place of the sequence as the last axis
            stages = factors(mixture) or (tuple(mixture),)
            axes = [[inverse_order(order) for order in stage] for stage in reversed(stages)]
            axes[0] = [tuple(last - place for place in each) for each in axes[0]]
            self._gathers = [[self._gather(each, device) for each in stage] for stage in axes]
        return self._gathers

    def _gather(self, axes: tuple[int, ...], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        every = torch.arange(OUTCOMES**self.n_sites, device=device).view((OUTCOMES,) * self.n_sites)
        index = every.permute(axes).flatten()
        return index, torch.argsort(index)


def check_enumerable(n_sites: int) -> None:
    """Refuse a lattice whose 4^N configurations cannot be held.

    Raises:
        InputError: more than MAX_ENUMERATED_SITES sites.
    """
    if n_sites > MAX_ENUMERATED_SITES:
        raise InputError(
            f"enumeration of {n_sites} sites: 4^{n_sites} configurations do not fit, expected at most "
            f"{MAX_ENUMERATED_SITES} sites (--estimator sampled --n-samples 1000 has no such limit)"
        )

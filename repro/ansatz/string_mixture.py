"""The distribution p_theta(a) over the 4^N outcomes, built from the causal Transformer.

Configurations are in site order, `samples_BN[:, i]` the outcome of site i. `StringMixture` has three methods:
`log_prob(samples_BN)`, `sample(n, generator)` and `all_probs()`.

Tensor suffixes: B batch, E any configurations, N sites, K outcomes (4), S strings, R permutations of outcomes, C
components of the mixture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

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
AS_THEY_ARE = (tuple(range(OUTCOMES)),)
"""Permutations of outcomes that are the identity alone."""


def floored_log(p: torch.Tensor) -> torch.Tensor:
    """log p; what the floating-point type holds as zero counts as its smallest normal number."""
    return p.clamp_min(torch.finfo(p.dtype).tiny).log()


class StringMixture(nn.Module):
    """String state p(a) = 1/S sum_s p_theta(a | string s); one string is the plain autoregressive model.

    With permutations pi_r of the outcomes of every site, p(a) = 1/(R S) sum_rs p_theta(pi_r a | string s): where they
    are a group, p is symmetric under it.

    Args:
        transformer: the network, shared by all strings.
        orders: for each string, the sites in visiting order.
        outcome_maps: for each permutation, what it makes of outcomes 0 to 3; the identity first.

    Raises:
        InputError: orders or permutations that are none.
    """

    def __init__(
        self,
        transformer: Transformer,
        orders: Sequence[Sequence[int]],
        outcome_maps: Sequence[Sequence[int]] = AS_THEY_ARE,
    ) -> None:
        super().__init__()
        N = transformer.config.n_sites
        if not orders:
            raise InputError("string mixture of no strings: expected at least one")
        for order in orders:
            if not isinstance(order, Iterable) or sorted(map(str, order)) != sorted(map(str, range(N))):
                raise InputError(f"string {order}: expected every site from 0 to {N - 1} once")
        if not outcome_maps or tuple(outcome_maps[0]) != AS_THEY_ARE[0]:
            raise InputError(f"permutations of outcomes {outcome_maps}: expected the identity (0, 1, 2, 3) first")
        if any(sorted(each) != [*range(OUTCOMES)] for each in outcome_maps):
            raise InputError(f"permutations of outcomes {outcome_maps}: expected every outcome from 0 to 3 once")
        self.transformer = transformer
        self.n_sites = N
        self.n_strings = len(orders)
        self.orders_SN: torch.Tensor
        self.inverse_orders_SN: torch.Tensor
        self.register_buffer("orders_SN", torch.tensor([list(o) for o in orders]), persistent=False)
        inverse = [list(inverse_order(tuple(o))) for o in orders]
        self.register_buffer("inverse_orders_SN", torch.tensor(inverse), persistent=False)
        self.outcome_maps_RK: torch.Tensor
        self.register_buffer("outcome_maps_RK", torch.tensor([list(m) for m in outcome_maps]), persistent=False)
        self._gathers: list[list[tuple[torch.Tensor, torch.Tensor]]] = []

    @property
    def n_components(self) -> int:
        """Distributions that are averaged: one for every string and permutation of outcomes."""
        return self.n_strings * len(self.outcome_maps_RK)

    def readings(self, configurations_EN: torch.Tensor) -> Iterator[torch.Tensor]:
        """Configurations as every component reads them: outcomes permuted, in visiting order."""
        for number, map_K in enumerate(self.outcome_maps_RK):
            read_EN = map_K.to(configurations_EN.dtype)[configurations_EN.long()] if number else configurations_EN
            for order_N in self.orders_SN:
                yield read_EN[:, order_N]

    def log_prob(self, samples_BN: torch.Tensor) -> torch.Tensor:
        """log p(a) of configurations in site order, shape (B,).

        Raises:
            InputError: no (B, N) tensor of outcomes 0 to 3.
        """
        check_outcomes(samples_BN)
        B, N = samples_BN.shape
        if self.n_sites != N:
            raise InputError(f"configurations of {N} sites: expected {self.n_sites}")
        ordered_BN = torch.cat(list(self.readings(samples_BN)))
        logits = self.transformer(ordered_BN)
        chosen = torch.log_softmax(logits, -1).gather(-1, ordered_BN[..., None])
        log_prob_CB = chosen[..., 0].sum(-1).view(self.n_components, B)
        return torch.logsumexp(log_prob_CB, 0) - math.log(self.n_components)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """Exact ancestral sampling: n independent configurations in site order, shape (n, N).

        Draws an ordered sequence from the Transformer (key-value cache), then a string for each and, if there are
        several, a permutation of its outcomes.

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
        return self.placed(ordered_BN, generator)

    def placed(self, ordered_BN: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """Sequences drawn from the network as configurations in site order, each by a component drawn for it."""
        n, device = len(ordered_BN), ordered_BN.device
        string_B = torch.randint(self.n_strings, (n,), generator=generator, device=device)
        samples_BN = ordered_BN.gather(1, self.inverse_orders_SN[string_B])
        if len(self.outcome_maps_RK) == 1:
            return samples_BN
        map_B = torch.randint(len(self.outcome_maps_RK), (n,), generator=generator, device=device)
        return torch.argsort(self.outcome_maps_RK, 1)[map_B].gather(1, samples_BN)

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
            every = torch.arange(OUTCOMES**self.n_sites, device=device).view((OUTCOMES,) * self.n_sites)
            self._gathers = [[_gather(every.permute(each)) for each in stage] for stage in axes]
            if len(self.outcome_maps_RK) > 1:
                self._gathers.append([_gather(_permuted_outcomes(every, map_K)) for map_K in self.outcome_maps_RK])
        return self._gathers


def _gather(numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    index = numbers.flatten()
    return index, torch.argsort(index)


def _permuted_outcomes(x: torch.Tensor, map_K: torch.Tensor) -> torch.Tensor:
    """x(pi a) of a (4,) * N tensor."""
    for axis in range(x.ndim):
        x = x.index_select(axis, map_K)
    return x


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

"""Estimators of the residual r(a) = sum_b p(b) L_a^b, with gradients: the cost of the method.

`Enumeration` holds every configuration: exact, or the paper's estimator on draws from the enumerated p. `Naive` is the
authors' way, every flipped neighbour of every sample through the network, kept as the oracle.

Tensor suffixes: A configurations of an evaluation, B samples, N sites, K outcomes of a term's sites (4^s).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

from repro.ansatz.first_layer import digits
from repro.ansatz.string_mixture import StringMixture, check_enumerable
from repro.physics.liouvillian import LocalLiouvillian
from repro.utils.errors import InputError
from repro.utils.validation import check_int

Draw = Callable[[StringMixture, int, torch.Generator | None], torch.Tensor]


@dataclass(frozen=True)
class Evaluation:
    """p and L p on a set of configurations, in units of a reference density q.

    Sums over configurations become `(weight_A * f(p_A, Lp_A, ...)).sum()`. Samples and weights carry no gradient
    (S20, S22).

    Attributes:
        p_A, Lp_A: p(a) / q(a) and (L p)(a) / q(a), differentiable.
        weight_A: q(a) times the expected number of draws of a over N_s and p(a).
        old_p_A, old_Lp_A: the same of the state before the time step, no gradient; None without one.
    """

    p_A: torch.Tensor
    Lp_A: torch.Tensor
    weight_A: torch.Tensor
    old_p_A: torch.Tensor | None = None
    old_Lp_A: torch.Tensor | None = None


class Estimator(Protocol):
    """The interface that losses and training use."""

    def freeze(self, model: StringMixture) -> object:
        """The state before a time step, kept for `evaluate`."""
        ...

    def evaluate(
        self, model: StringMixture, generator: torch.Generator | None, old: object | None = None
    ) -> Evaluation:
        """p and L p of the model (and of the frozen state) on all or sampled configurations."""
        ...


class Enumeration:
    """All 4^N configurations, one network evaluation per distinct prefix.

    Args:
        liouvillian: L.
        n_samples: None for exact sums over a; else the paper's estimator, N_s draws from the enumerated p.
        draw: (model, n, generator) -> configurations, in place of draws from p.

    Raises:
        InputError: too many sites, or n_samples < 1.
    """

    def __init__(self, liouvillian: LocalLiouvillian, n_samples: int | None = None, draw: Draw | None = None) -> None:
        check_enumerable(liouvillian.n_sites)
        check_samples(n_samples)
        self.liouvillian = liouvillian
        self.n_samples = n_samples
        self.draw = draw

    @torch.no_grad()
    def freeze(self, model: StringMixture) -> tuple[torch.Tensor, torch.Tensor]:
        """(p, L p) of the model as flat tensors."""
        p = model.all_probs()
        return p.flatten(), self.liouvillian.apply(p).flatten()

    def evaluate(
        self, model: StringMixture, generator: torch.Generator | None, old: object | None = None
    ) -> Evaluation:
        """p(a) and (L p)(a) of every a, with the weight that draws from p would give it (1 if exact)."""
        p = model.all_probs()
        Lp_A = self.liouvillian.apply(p).flatten()
        p_A = p.flatten()
        weight_A = torch.ones_like(p_A)
        if self.n_samples is not None:
            drawn_B = self._drawn(model, p_A.detach(), generator)
            weight_A = _weights_of_draws(drawn_B, p_A.detach())
        old_p_A, old_Lp_A = old if isinstance(old, tuple) else (None, None)
        return Evaluation(p_A, Lp_A, weight_A, old_p_A, old_Lp_A)

    def draw_from(self, p_A: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        """Numbers of N_s configurations a ~ p, shape (B,)."""
        assert self.n_samples is not None
        cumulative_A = p_A.double().cumsum(0)
        draw_B = torch.rand(self.n_samples, generator=generator, device=p_A.device, dtype=torch.float64)
        return torch.searchsorted(cumulative_A, draw_B * cumulative_A[-1]).clamp_(max=len(p_A) - 1)

    def _drawn(self, model: StringMixture, p_A: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        """Numbers of N_s configurations, by `draw` if it is given."""
        if self.draw is None:
            return self.draw_from(p_A, generator)
        assert self.n_samples is not None
        samples_BN = self.draw(model, self.n_samples, generator)
        powers_N = 4 ** torch.arange(samples_BN.shape[1] - 1, -1, -1, device=samples_BN.device)
        return samples_BN @ powers_N


def _weights_of_draws(drawn_B: torch.Tensor, p_A: torch.Tensor) -> torch.Tensor:
    """How often each configuration was drawn, over N_s p(a)."""
    count_A = torch.bincount(drawn_B, minlength=len(p_A)).to(p_A.dtype)
    return count_A / (len(drawn_B) * p_A.clamp_min(torch.finfo(p_A.dtype).tiny))


class SamplingEstimator:
    """Base of the estimators on fresh samples.

    Args:
        n_samples: draws N_s per evaluation.

    Raises:
        InputError: n_samples < 1.
    """

    def __init__(self, n_samples: int) -> None:
        check_samples(n_samples)
        self.n_samples = n_samples

    def freeze(self, model: StringMixture) -> StringMixture:
        """A copy of the model."""
        return copy.deepcopy(model).requires_grad_(False)

    def evaluate(
        self, model: StringMixture, generator: torch.Generator | None, old: object | None = None
    ) -> Evaluation:
        """p and L p relative to p(a) on fresh samples a ~ p."""
        return self.evaluate_at(model, model.sample(self.n_samples, generator), old)

    def evaluate_at(self, model: StringMixture, samples_BN: torch.Tensor, old: object | None = None) -> Evaluation:
        """The same on given configurations, weight 1/B each."""
        raise NotImplementedError


class Naive(SamplingEstimator):
    """N_s samples and, for every local term, all 4^s configurations of its sites through the network.

    Args:
        liouvillian: L.
        n_samples: draws N_s per evaluation.
    """

    def __init__(self, liouvillian: LocalLiouvillian, n_samples: int) -> None:
        super().__init__(n_samples)
        self.liouvillian = liouvillian

    def evaluate_at(self, model: StringMixture, samples_BN: torch.Tensor, old: object | None = None) -> Evaluation:
        """The same on given configurations, weight 1/B each."""
        check_sites(model, self.liouvillian.n_sites)
        log_p_B = model.log_prob(samples_BN)
        reference_B = log_p_B.detach()
        weight_B = torch.full_like(reference_B, 1 / len(samples_BN))
        p_B, Lp_B = torch.exp(log_p_B - reference_B), self._generator_sum(model, samples_BN, reference_B)
        if not isinstance(old, StringMixture):
            return Evaluation(p_B, Lp_B, weight_B)
        with torch.no_grad():
            old_p_B = torch.exp(old.log_prob(samples_BN) - reference_B)
            old_Lp_B = self._generator_sum(old, samples_BN, reference_B)
        return Evaluation(p_B, Lp_B, weight_B, old_p_B, old_Lp_B)

    def _generator_sum(self, model: StringMixture, samples_BN: torch.Tensor, reference_B: torch.Tensor) -> torch.Tensor:
        """sum_b L_a^b exp(log p(b) - reference(a)), shape (B,)."""
        B, N = samples_BN.shape
        total_B = torch.zeros_like(reference_B)
        for term in self.liouvillian.terms:
            sites = list(term.sites)
            outcomes_Ks = digits(len(sites), samples_BN.device).flip(1)
            flipped_BKN = samples_BN[:, None].repeat(1, len(outcomes_Ks), 1)
            flipped_BKN[:, :, sites] = outcomes_Ks
            powers_s = torch.tensor([4**k for k in reversed(range(len(sites)))], device=samples_BN.device)
            row_B = (samples_BN[:, sites] * powers_s).sum(-1)
            matrix_KK = torch.tensor(term.matrix, dtype=reference_B.dtype, device=reference_B.device)
            log_p_BK = model.log_prob(flipped_BKN.view(-1, N)).view(B, -1)
            total_B = total_B + (matrix_KK[row_B] * torch.exp(log_p_BK - reference_B[:, None])).sum(-1)
        return total_B


def check_samples(n_samples: int | None) -> None:
    """Refuse a number of samples below one.

    Raises:
        InputError: n_samples < 1.
    """
    if n_samples is not None:
        check_int("n_samples", n_samples, 1)


def check_sites(model: StringMixture, n_sites: int) -> None:
    """Refuse a network for another lattice.

    Raises:
        InputError: its number of sites is not that of the generator.
    """
    if model.n_sites != n_sites:
        raise InputError(f"a network of {model.n_sites} sites and a generator of {n_sites}: expected the same number")

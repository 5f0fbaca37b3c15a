"""The product of marginals: what a distribution without any correlation holds.

Tensor suffixes: B samples, N sites, K outcomes (4).
"""

from __future__ import annotations

import torch

from repro.ansatz.string_mixture import floored_log


class ProductOfMarginals:
    """p(a) = prod_i m_i(a_i), m_i the frequencies of outcomes on site i: the product of largest likelihood.

    Args:
        samples_BN: outcomes 0 to 3.
    """

    def __init__(self, samples_BN: torch.Tensor) -> None:
        counts_KN = torch.stack([(samples_BN == outcome).sum(0) for outcome in range(4)])
        self.marginal_NK = (counts_KN.double() / len(samples_BN)).T

    @property
    def n_parameters(self) -> int:
        """Free numbers."""
        return 3 * len(self.marginal_NK)

    def log_prob(self, samples_BN: torch.Tensor) -> torch.Tensor:
        """log p(a), shape (B,)."""
        log_NK = floored_log(self.marginal_NK)
        return log_NK.T.gather(0, samples_BN).sum(1)

    def sample(self, n: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """Independent configurations, shape (n, N)."""
        return torch.multinomial(self.marginal_NK, n, replacement=True, generator=generator).T

    def all_probs(self) -> torch.Tensor:
        """p of every configuration, shape (4,) * N."""
        p = torch.ones((), dtype=self.marginal_NK.dtype)
        for marginal_K in self.marginal_NK:
            p = p[..., None] * marginal_K
        return p

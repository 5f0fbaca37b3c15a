"""Hilbert-Schmidt distance of two states from their distributions: what unitary evolution keeps.

With rho = sum_ab p(a) T^-1_ab M_(b) and Tr M_(a) M_(b) = T_ab, the overlap matrix, two states differ by

    2^N Tr (rho - rho')^2 = 2^N sum_ab d(a) (T^-1)_ab d(b),   d = p - p',

T^-1 the product of one-spin matrices. In Pauli strings it is the sum of all (<P> - <P>')^2. Relative entropy near
uniform p weighs a string on k sites by 3^-k (tetrahedral POVM): what it neglects the Hamiltonian moves into
expectation values of fewer sites later.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
import torch

from repro.physics.liouvillian import CLUSTER_SITES
from repro.physics.povm import Povm


class HilbertSchmidt:
    """The metric 2^N T^-1 of a POVM.

    Args:
        povm: the one-spin POVM used on every site.
    """

    def __init__(self, povm: Povm) -> None:
        one_spin = 2 * np.linalg.inv(povm.overlap)
        self._products = [reduce(np.kron, [one_spin] * n_sites) for n_sites in range(1, CLUSTER_SITES + 1)]

    def apply(self, d: torch.Tensor) -> torch.Tensor:
        """2^N sum_b (T^-1)_ab d(b), no gradient.

        Args:
            d: shape (4,) * N or (4^N,).

        Returns:
            The same shape.
        """
        flat, remaining = d.detach().flatten(), (d.numel().bit_length() - 1) // 2
        while remaining:
            n_sites = min(remaining, CLUSTER_SITES)
            matrix = torch.from_numpy(self._products[n_sites - 1]).to(flat)
            # what it has acted on comes first: after N sites all are where they were
            flat = (flat.view(-1, 4**n_sites) @ matrix).T.reshape(-1)
            remaining -= n_sites
        return flat.view(d.shape)

    def squared(self, d: torch.Tensor) -> torch.Tensor:
        """2^N Tr (rho - rho')^2 of d = p - p', differentiable, at the price of one `apply`."""
        pulled = self.apply(d)
        # a quadratic form: twice the gradient of one factor
        return 2 * (d * pulled).sum() - (d.detach() * pulled).sum()

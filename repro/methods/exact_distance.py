"""How far an evolution is from the exact one, p(t) = exp(t L) p(0), in relative entropy:

    S = sum_a p(a) log[p(a) / p_theta(a)]

It sees every correlation, where a site-averaged Pauli sees one-spin marginals alone.
"""

from __future__ import annotations

import torch

from repro.config.systems import System
from repro.methods.propagation import propagate
from repro.physics.liouvillian import LocalLiouvillian

RELATIVE_ENTROPY = "relative_entropy"
"""Its column in a history, and its name as an observable; of the exact state it is 0."""


def relative_entropy(p: torch.Tensor, q: torch.Tensor) -> float:
    """S(p, q) of two distributions of one shape, in nats; infinite where q has no weight that p has."""
    p, q = p.double().clamp_min(0), q.double()
    return float((torch.xlogy(p, p) - torch.xlogy(p, q)).sum())


class ExactDistance:
    """The relative entropy at the time steps of an evolution, all configurations enumerated.

    Args:
        system: whose product state p(0) is.
        liouvillian: L.
        step: length of a time step, units of 1/gamma.
    """

    def __init__(self, system: System, liouvillian: LocalLiouvillian, step: float) -> None:
        self.system, self.liouvillian, self.step = system, liouvillian, step
        self._steps, self._exact = -1, torch.empty(0)

    def after(self, steps: int, q: torch.Tensor) -> float:
        """S of the exact p after so many steps with respect to q, shape (4,) * N."""
        if not 0 <= self._steps <= steps:
            self._steps, self._exact = 0, self._start(q)
        # one step after the other, so that a resumed evolution has the same numbers
        for _ in range(steps - self._steps):
            self._exact = propagate(self.liouvillian, self._exact, self.step)
        self._steps = steps
        return relative_entropy(self._exact, q)

    def _start(self, q: torch.Tensor) -> torch.Tensor:
        """p(0), shape (4,) * N in double precision on the device of q."""
        of_spin = torch.as_tensor(self.system.start_bias(), dtype=torch.float64, device=q.device).softmax(0)
        p = torch.ones((), dtype=torch.float64, device=q.device)
        for _ in range(q.ndim):
            p = p[..., None] * of_spin
        return p

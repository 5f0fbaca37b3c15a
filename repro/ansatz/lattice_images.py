"""Images of draws under a lattice's symmetries: what one draw tells of all of them.

Where L has the symmetries g of a lattice, the average over them, q(a) = 1/G sum_g p_theta(g a), evolves by itself, and

    (L q)(a) / q(a) = sum_g w_g(a) f(g a),    d log q(a) / d theta_k = sum_g w_g(a) O_k(g a),

with f = L p_theta / p_theta, O_k = d log p_theta / d theta_k and w_g(a) = p_theta(g a) / sum_h p_theta(h a). A draw b
of p_theta is an image of a draw of q, taken with just these weights, so that f(b) alone, the costly part, has the left
side as its mean. Of the right side R images, drawn anew for every configuration, are enough: a mean over few of them,
weighted by their w, is off by the variance of log p_theta among images over R.

What p_theta has beside q no derivative of q holds back: log p of a configuration's images would drift apart, and f(b)
with it. So the difference of log p between two of the images is to decay,

    d/dt [log p(g b) - log p(h b)] = - kappa [log p(g b) - log p(h b)].

Tensor suffixes: A configurations, N sites, G symmetries, P parameters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from repro.ansatz.string_mixture import StringMixture
from repro.ansatz.tangent import Apart, weighted_log_derivatives

HELD = 2000
"""Differences that are held in a velocity, at most: they say the same of every draw, and each costs a row."""


class LatticeImages(nn.Module):
    """Images of configurations under a group of permutations of sites, drawn at random.

    Args:
        orders: the group: image g of a has the outcome of site orders[g][k] on site k.
        n_images: R; all of them if there are fewer.
    """

    def __init__(self, orders: Sequence[Sequence[int]], n_images: int) -> None:
        super().__init__()
        self.orders_GN: torch.Tensor
        self.register_buffer("orders_GN", torch.tensor([list(order) for order in orders]), persistent=False)
        self.n_images = min(n_images, len(orders))

    def drawn(self, configurations_AN: torch.Tensor, generator: torch.Generator) -> list[torch.Tensor]:
        """R images of every configuration, one after the other, no symmetry twice."""
        shape = len(configurations_AN), len(self.orders_GN)
        order_AG = torch.rand(shape, generator=generator, device=configurations_AN.device).argsort(1)
        return [configurations_AN.gather(1, self.orders_GN[order_AG[:, k]]) for k in range(self.n_images)]

    @torch.no_grad()
    def derivatives(
        self, model: StringMixture, configurations_AN: torch.Tensor, decay: float, generator: torch.Generator
    ) -> tuple[torch.Tensor, Apart]:
        """Derivatives of log p averaged over R images, shape (A, P), and what keeps the first two of them together.

        Args:
            model: the distribution p_theta.
            configurations_AN: draws of it, in site order.
            decay: kappa, units of gamma.
            generator: draws the images.
        """
        images = self.drawn(configurations_AN, generator)
        log_p_GA = torch.stack([model.log_prob(each_AN) for each_AN in images])
        O_AP = weighted_log_derivatives(model, images, torch.softmax(log_p_GA, 0))
        pair = [each_AN[:HELD] for each_AN in images[:2]]
        one_A = torch.ones_like(log_p_GA[0, :HELD])
        apart_AP = weighted_log_derivatives(model, pair, torch.stack([one_A, -one_A]))
        between_A = log_p_GA[0, :HELD] - log_p_GA[1, :HELD]
        return O_AP, Apart(apart_AP / math.sqrt(2), -decay * between_A / math.sqrt(2))

"""Layers that exact states of a smaller lattice have taught: a start for the network of a larger one. Beyond the paper.

A velocity moves p along derivatives of log p with respect to the parameters. What those derivatives can follow depends
on the layers below the readout, and layers with random weights follow the exact evolution badly. Layers of a network
that holds such states follow it better, and on few sites such states are known: p_k, the exact distribution at t_k. One
network with a readout of its own for every time is fitted to draws of them by maximum likelihood,

    minimise  - 1/K sum_k  E_{a ~ p_k} log p_(theta, readout k)(a).

All of it but the readouts is carried over to the larger lattice, where the readout stays at zero: the start is the same
product state as before. Vectors of positions belong to sites; those of the larger lattice are interpolated between
them.

Tensor suffixes: K times, B draws, N sites, D width, O outcomes (4).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from repro.ansatz.transformer import OUTCOMES, Transformer
from repro.physics.lattice import Lattice

ITERATIONS = 600
RATE = 1e-2
"""Largest rate of Adam, in one cycle."""
BATCH = 500
"""Draws of every time in an iteration."""
APART = 0.1
"""Scatter of interpolated vectors of positions, in units of their standard deviation: no two sites look alike."""


def grid_of(lattice: Lattice) -> tuple[int, int]:
    """Rows and columns; a ring or chain is one row."""
    return lattice.shape or (1, lattice.n_sites)


def teach(
    transformer: Transformer,
    draw: Callable[[torch.Generator], torch.Tensor],
    generator: torch.Generator,
    iterations: int | None = None,
) -> float:
    """Fit all layers to draws at several times, each time with a readout of its own, which is dropped in the end.

    Args:
        transformer: changed in place, all but its readout.
        draw: fresh draws of every time, shape (K, B, N).
        generator: of the draws.
        iterations: of Adam; None: `ITERATIONS`.

    Returns:
        The last iteration's loss.
    """
    n_times, iterations = len(draw(generator)), iterations or ITERATIONS
    bias = transformer.readout.bias.detach()
    weight_KOD = nn.Parameter(bias.new_zeros(n_times, OUTCOMES, transformer.config.width))
    bias_KO = nn.Parameter(bias.repeat(n_times, 1))
    body = [each for name, each in transformer.named_parameters() if not name.startswith("readout")]
    optimizer = torch.optim.Adam([*body, weight_KOD, bias_KO], lr=RATE, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, iterations)
    loss = bias.new_zeros(())
    for _ in range(iterations):
        draws_KBN = draw(generator)
        output_KBND = transformer.last_output(draws_KBN.flatten(0, 1)).unflatten(0, draws_KBN.shape[:2])
        logits_KBNO = torch.einsum("kbnd,kod->kbno", transformer.final_norm(output_KBND), weight_KOD)
        logits_KBNO = logits_KBNO + bias_KO[:, None, None]
        loss = (
            F.cross_entropy(logits_KBNO.flatten(0, 2), draws_KBN.flatten(), reduction="sum") / draws_KBN[..., 0].numel()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return float(loss.detach())


@torch.no_grad()
def carry_over(
    taught: Transformer,
    network: Transformer,
    grid: tuple[int, int],
    larger_grid: tuple[int, int],
    generator: torch.Generator,
) -> None:
    """Give a network of the same size, on more sites, the layers of another; its readout stays as it is.

    Args:
        taught: where the layers come from.
        network: changed in place; both read row after row, with learned positions.
        grid: rows and columns of `taught`.
        larger_grid: those of `network`.
        generator: of the scatter of positions.
    """
    larger = dict(network.named_parameters())
    for name, each in taught.named_parameters():
        if not name.startswith("readout") and name != "positions_ND":
            larger[name].copy_(each)
    on_grid_DRC = taught.positions_ND.T.unflatten(1, grid)
    interpolated = F.interpolate(on_grid_DRC[None], size=larger_grid, mode="bilinear", align_corners=True)[0]
    positions_ND = interpolated.flatten(1).T
    scatter_ND = torch.randn(positions_ND.shape, generator=generator, device=positions_ND.device)
    network.positions_ND.copy_(positions_ND + APART * positions_ND.std() * scatter_ND)

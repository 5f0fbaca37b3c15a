"""Rows of L by look-up against the dense action on random models; each neighbour once."""

from __future__ import annotations

import pytest
import torch

from repro.methods.connected import NeighbourTables
from repro.physics.lattice import Lattice, chain, rectangle, ring
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import POVMS
from tests.helpers.systems import random_model

LATTICES = {"ring": ring(4), "chain": chain(4), "pair": chain(2), "rectangle": rectangle(2, 2)}


@pytest.mark.parametrize("povm", sorted(POVMS))
@pytest.mark.parametrize("lattice", LATTICES.values(), ids=LATTICES)
@pytest.mark.parametrize("seed", [0, 1])
def test_rows_act_like_the_dense_generator(seed: int, lattice: Lattice, povm: str) -> None:
    liouvillian = LocalLiouvillian(random_model(seed, lattice), POVMS[povm]())
    N = lattice.n_sites
    p = torch.rand((4,) * N, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    samples_BN = torch.cartesian_prod(*[torch.arange(4)] * N)
    found = NeighbourTables(liouvillian).of(samples_BN, torch.float64)
    Lp_B = found.diagonal_B * p.flatten()
    Lp_B.index_add_(0, found.sample_E, found.entry_E * p[tuple(found.configurations_EN.long().T)])
    assert torch.allclose(Lp_B, liouvillian.apply(p).flatten(), rtol=0, atol=1e-11)


def test_neighbours_are_distinct_and_none_is_zero() -> None:
    from repro.physics.lindblad import tfim
    from repro.physics.povm import pauli4

    found = NeighbourTables(LocalLiouvillian(tfim(ring(6), 2.0, 2.0), pauli4())).of(torch.randint(4, (50, 6)))
    rows = torch.cat([found.sample_E[:, None], found.configurations_EN.long()], 1)
    assert len(torch.unique(rows, dim=0)) == len(rows)
    assert found.entry_E.abs().min() > 1e-9
    assert (found.sample_E.diff() >= 0).all()

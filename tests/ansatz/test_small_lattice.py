"""Layers that a smaller lattice teaches: entropies in closed form, what is carried over, draws beside QuTiP."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.linalg import expm

from repro.ansatz import small_lattice
from repro.ansatz.small_lattice import carry_over, grid_of, teach
from repro.ansatz.string_mixture import StringMixture
from repro.ansatz.transformer import Transformer, TransformerConfig
from repro.config.point import Point, point_of
from repro.config.systems import Chain, Rectangle, Ring
from repro.methods.build import build_ansatz, smaller_point
from repro.methods.propagation import exact_draws
from repro.physics.lattice import rectangle, ring
from repro.utils.errors import InputError
from tests.helpers.networks import all_configurations, generator
from tests.helpers.oracles import qutip_generator

TAUGHT = {"method": "tdvp", "n_samples": 50, "positions": "learned", "heads": 4, "small_lattice": 9}


def network(n_sites: int, seed: int) -> Transformer:
    torch.manual_seed(seed)
    bias = torch.tensor([0.4, 0.3, 0.2, 0.1]).log()
    return Transformer(TransformerConfig(n_sites, width=16, heads=2, positions="learned"), bias)


def test_one_network_learns_two_distributions_to_their_entropies() -> None:
    def draw(rng: torch.Generator) -> torch.Tensor:
        alike_BN = torch.randint(4, (200, 1), generator=rng).expand(200, 3)
        return torch.stack([alike_BN, torch.randint(4, (200, 3), generator=rng)])

    loss = teach(network(3, 0), draw, generator(0), iterations=250)
    assert loss == pytest.approx((1 + 3) / 2 * math.log(4), abs=0.03)


def test_all_but_the_readout_is_carried_over_and_the_start_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_lattice, "APART", 0.0)
    taught, larger = network(6, 1), network(9, 2)
    with torch.no_grad():
        taught.readout.weight.normal_()
    every_AN = all_configurations(9)[::4001]
    before_A = StringMixture(larger, (tuple(range(9)),)).log_prob(every_AN)
    carry_over(taught, larger, (2, 3), (3, 3), generator(0))
    assert torch.equal(StringMixture(larger, (tuple(range(9)),)).log_prob(every_AN), before_A)
    for (name, of_taught), of_larger in zip(taught.named_parameters(), larger.parameters(), strict=True):
        if not name.startswith("readout") and name != "positions_ND":
            assert torch.equal(of_taught, of_larger), name
    small_RCD, large_RCD = taught.positions_ND.view(2, 3, -1), larger.positions_ND.view(3, 3, -1)
    torch.testing.assert_close(large_RCD[0], small_RCD[0])
    torch.testing.assert_close(large_RCD[2], small_RCD[1])
    torch.testing.assert_close(large_RCD[1], (small_RCD[0] + small_RCD[1]) / 2)


def test_no_two_sites_look_alike() -> None:
    taught, larger = network(2, 3), network(8, 4)
    with torch.no_grad():
        taught.positions_ND.copy_(taught.positions_ND[:1].expand(2, -1))
    carry_over(taught, larger, (1, 2), (1, 8), generator(0))
    positions_ND = larger.positions_ND.detach()
    apart_NN = torch.cdist(positions_ND, positions_ND) + torch.eye(8)
    assert float(apart_NN.min()) > 0.1


@pytest.mark.parametrize(
    "geometry, most, expected",
    [
        (Rectangle(rows=4, cols=4), 9, Rectangle(rows=3, cols=3)),
        (Rectangle(rows=6, cols=5), 10, Rectangle(rows=3, cols=3)),
        (Rectangle(rows=3, cols=3), 9, Rectangle(rows=3, cols=2)),
        (Rectangle(rows=2, cols=5, periodic=False), 8, Rectangle(rows=2, cols=4, periodic=False)),
        (Ring(n_sites=20), 8, Ring(n_sites=8)),
        (Chain(n_sites=6), 8, Chain(n_sites=5)),
        (Rectangle(rows=1, cols=2), 9, None),
        (Ring(n_sites=2), 9, None),
    ],
)
def test_the_smaller_lattice_is_square_where_it_can_be_and_never_the_lattice_itself(
    geometry: Rectangle | Ring, most: int, expected: Rectangle | Ring | None
) -> None:
    assert geometry.smaller(most) == expected


def test_the_smaller_point_is_the_same_model_on_fewer_sites() -> None:
    point = point_of(**TAUGHT, rows=4, cols=4, Jy=1.3, initial="plus", seed=3, estimator="sampled", lattice_images=2)
    small = smaller_point(point)
    assert small.lattice == rectangle(3, 3) and grid_of(small.lattice) == (3, 3) and grid_of(ring(5)) == (1, 5)
    assert small.system.model == point.system.model and small.system.initial == "plus" and small.estimator.exact_sums
    assert small.seed == 3 and not small.method.draws_images and not small.method.learns_from


def test_draws_follow_the_exact_evolution() -> None:
    point: Point = point_of(lattice="ring", n_sites=3, Jx=0.9, Jy=1.8, Jz=1.0)
    draws_KBN = exact_draws(point, (0.2, 0.7), 4000, torch.device("cpu"))(generator(1))
    start = build_ansatz(point).all_probs().detach().double().flatten().numpy()
    L = qutip_generator(point.system.build_model(), point.povm).real
    for t, draws_BN in zip((0.2, 0.7), draws_KBN, strict=True):
        expected = 4000 * expm(L * t) @ start
        counts = np.bincount(draws_BN.numpy() @ [16, 4, 1], minlength=64)
        assert stats.chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > 1e-3


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"positions": "sinusoidal"}, "small_lattice with positions sinusoidal: expected positions learned"),
        ({"strings": "2t"}, "small_lattice with strings 2t: expected strings 0s"),
        ({"rows": 1, "cols": 2}, "small_lattice = 9 for the .*1x2.*: expected 0, or a lattice of more sites"),
        ({"small_lattice": 11}, "small_lattice = 11"),
    ],
)
def test_a_lattice_that_teaches_nothing_is_refused(changed: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        point_of(**{**TAUGHT, "rows": 3, "cols": 3, **changed})


def test_its_name_says_where_it_learnt() -> None:
    assert point_of(**TAUGHT, lattice_images=3, rows=3, cols=3).label == "tdvp-1x32-0s-Jy1.8-3images-from9"

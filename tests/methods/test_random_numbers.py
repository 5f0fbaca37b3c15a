"""Random numbers: every iteration its own, whatever was drawn elsewhere; the seed decides the curve."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch

from repro.methods import module
from repro.methods.build import build_ansatz, seeded_generator
from tests.helpers.points import EVOLVED, SPINS, history, run


def test_generator_depends_on_every_part_of_its_key() -> None:
    def draws(*key: int) -> tuple[float, ...]:
        return tuple(torch.rand(4, generator=seeded_generator(torch.device("cpu"), *key)).tolist())

    keys = list(itertools.product(range(3), repeat=4))  # seed, rank, step, iteration
    assert len({draws(*key) for key in keys}) == len(keys)
    assert draws(7, 0, 12, 3) == draws(7, 0, 12, 3)
    assert draws(1, 11, 0, 0) != draws(11, 1, 0, 0)
    assert draws(-1) != draws(1)  # no sign lost


@pytest.mark.parametrize("rank", [0, 3])
def test_every_iteration_has_its_own_random_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rank: int) -> None:
    keys: list[tuple[int, ...]] = []

    def recording(device: torch.device, *key: int) -> torch.Generator:
        keys.append(key)
        return seeded_generator(device, *key)

    monkeypatch.setattr(module, "seeded_generator", recording)
    monkeypatch.setattr(module.PointModule, "global_rank", rank)
    run(EVOLVED.change(estimator="naive", n_samples=10, seed=5), tmp_path)
    drawn = [key for key in keys if key[-1] >= 0]
    assert drawn == [(5, rank, step, iteration) for step in range(4) for iteration in range(5)]
    assert len(set(keys)) == len(keys)  # measurements do not share them either


def test_seed_decides_the_curve(tmp_path: Path) -> None:
    first, again, other = (
        history(run(EVOLVED.change(seed=seed), tmp_path / name)) for seed, name in ((1, "a"), (1, "b"), (2, "c"))
    )
    assert first.equals(again)
    assert not first.equals(other)


def test_weights_do_not_depend_on_random_numbers_drawn_before() -> None:
    torch.manual_seed(3)
    first = build_ansatz(SPINS.point).state_dict()
    torch.rand(5)
    state = torch.get_rng_state()
    second = build_ansatz(SPINS.point).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.get_rng_state(), state)

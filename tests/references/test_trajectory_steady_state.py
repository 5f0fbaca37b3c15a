"""Steady states by quantum trajectories: against QuTiP's exact one, kept as they finish, found again."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from repro.physics import lattice, lindblad
from repro.references import density_matrix, trajectory_steady_state
from repro.utils.errors import InputError
from repro.utils.names import PAULI_AVERAGES

MODEL = lindblad.tfim(lattice.ring(4), V=2.0, g=1.4)


def test_agrees_with_the_exact_steady_state(tmp_path: Path) -> None:
    found = trajectory_steady_state.steady_state(MODEL, (tmp_path,), target=0.006)
    truth = density_matrix.steady_state(MODEL, (tmp_path,))
    for name in PAULI_AVERAGES:
        assert 0 < found.error(name) <= 0.006
        assert float(found.at(math.inf, name)) == pytest.approx(
            float(truth.at(math.inf, name)), abs=4 * found.error(name)
        )
    assert found.info["trajectories"] >= trajectory_steady_state.LEAST
    assert found.info["settings"]["target"] == 0.006


def test_rare_jumps_that_twelve_trajectories_miss_are_allowed_for(tmp_path: Path) -> None:
    rare = lindblad.tfim(lattice.ring(7), V=2.0, g=0.3)
    trajectory_steady_state.steady_state(rare, (tmp_path,))
    found, truth = trajectory_steady_state.stored(rare, (tmp_path,)), density_matrix.steady_state(rare, (tmp_path,))
    assert found is not None
    for name in PAULI_AVERAGES:
        off = abs(float(found.at(math.inf, name)) - float(truth.at(math.inf, name)))
        assert off <= 4 * found.error(name), name


def test_is_stored_and_found_again_without_computing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trajectory_steady_state.stored(MODEL, (tmp_path,)) is None
    first = trajectory_steady_state.steady_state(MODEL, (tmp_path,), target=0.05)
    monkeypatch.setattr(trajectory_steady_state._System, "trajectory", lambda *_, **__: pytest.fail("computed again"))
    again = trajectory_steady_state.steady_state(MODEL, (tmp_path,), target=0.05)
    stored = trajectory_steady_state.stored(MODEL, (tmp_path,))
    assert stored is not None
    assert again.table.equals(first.table) and stored.table.equals(first.table)
    assert not list(tmp_path.glob("*.trajectories.json"))


def test_an_interrupted_reference_continues_to_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trajectory_steady_state.steady_state(MODEL, (tmp_path / "whole",), target=0.05)
    original, done = trajectory_steady_state._System.trajectory, []

    def stopping(self: trajectory_steady_state._System, seed: int) -> object:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(seed)
        return original(self, seed)

    monkeypatch.setattr(trajectory_steady_state._System, "trajectory", stopping)
    with pytest.raises(KeyboardInterrupt):
        trajectory_steady_state.steady_state(MODEL, (tmp_path / "cut",), target=0.05)
    (partial,) = (tmp_path / "cut").glob("*.trajectories.json")
    assert len(json.loads(partial.read_text())) == 3
    done.clear()
    monkeypatch.setattr(trajectory_steady_state._System, "trajectory", original)
    again = trajectory_steady_state.steady_state(MODEL, (tmp_path / "cut",), target=0.05)
    assert again.table.equals(whole.table)


@pytest.mark.parametrize(("sites", "target"), [(17, 0.01), (4, 0.0), (4, math.nan)])
def test_bad_input(tmp_path: Path, sites: int, target: float) -> None:
    with pytest.raises(InputError, match="expected"):
        trajectory_steady_state.steady_state(lindblad.tfim(lattice.ring(sites), 2.0, 1.0), (tmp_path,), target=target)
    assert not list(tmp_path.iterdir())

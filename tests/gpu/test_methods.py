"""Every method trained on a device: its first iterations are the CPU's, its later states those of a closed form.

Adam divides a gradient by its size: rounding of one that is nearly zero moves weights as far as any other, and more so
with every iteration. Weights that differ by some units in the last place are up to 0.008 apart after two iterations,
which move the state by 0.25.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from repro.config.listed import Listed, listed_of
from repro.methods.modules import MODULES
from repro.running import checkpoints
from repro.running.folders import CHECKPOINT, RunSettings
from repro.running.runner import run_point

# Three spins with every coupling; and two that do not see each other: <sigma_z> = 2 exp(-t) - 1 from all up.
COUPLED = listed_of(lattice="chain", n_sites=3, width=8, feedforward=8)
APART = listed_of(lattice="chain", n_sites=2, Jx=0.0, Jy=0.0, Jz=0.0, width=8, feedforward=8)
STEPS: dict[str, Any] = {"tau": 0.05, "t_end": 0.1, "step_iterations": 2}
METHODS: dict[str, dict[str, Any]] = {
    "variational": {"iterations": 2},
    "variational, sign": {"objective": "sign", "mixing": 0.4, "iterations": 2},
    "dynamics": {"method": "dynamics", **STEPS},
    "dynamics, interpolated": {"method": "dynamics", "objective": "interpolated", "mixing": 0.3, **STEPS},
    "variational+dynamics": {"method": "variational+dynamics", "iterations": 2, **STEPS},
    "projection": {"method": "projection", "hilbert_schmidt": 0.5, "dense_output": 2, **STEPS},
    "collocation": {"method": "collocation", "reuse": 2, **STEPS},
    "tdvp": {"method": "tdvp", "tau": 0.05, "t_end": 0.1},
}
LONGER: dict[str, Any] = {"t_end": 0.2, "step_iterations": 40}
VELOCITIES: dict[str, Any] = {"method": "tdvp", "tau": 0.05, "t_end": 0.2}
SEARCHES: dict[str, dict[str, Any]] = {"paper": {}, "sign": {"objective": "sign", "mixing": 0.4}}
EVOLUTIONS = ("dynamics", "projection", "collocation")
SEEN = ("sigma_x", "sigma_y", "sigma_z", "loss", "smallest_eigenvalue")
ROUNDING, FIT, NOISE = 0.03, 0.03, 0.12


def history(listed: Listed, runs: Path, device: str) -> list[dict[str, float]]:
    """A computed point's rows."""
    folder = run_point(listed, RunSettings(runs, device, tracking="disabled"))
    return checkpoints.load(folder / CHECKPOINT, listed.point)["history"]


def compare(found: list[dict[str, float]], expected: list[dict[str, float]], name: str) -> None:
    """Two histories, row by row."""
    assert len(found) == len(expected) > 1, name
    for number, (row, other) in enumerate(zip(found, expected, strict=True)):
        assert set(row) == set(other), name
        for key in [key for key in SEEN if key in row]:
            assert abs(row[key] - other[key]) < ROUNDING, f"{name}, row {number}, {key}: {row[key]}, {other[key]}"


def test_every_method_begins_as_on_the_cpu(device: str, tmp_path: Path) -> None:
    tried = set()
    for name, settings in METHODS.items():
        listed = COUPLED.change(**settings)
        tried.add(type(listed.point.method))
        compare(history(listed, tmp_path / "there", device), history(listed, tmp_path / "here", "cpu"), name)
    assert tried == set(MODULES)


def compare_decay(rows: list[dict[str, float]], tolerance: float, name: str) -> None:
    """A history of spins apart beside exp(-t)."""
    for row in rows:
        off = abs(row["sigma_z"] - (2 * math.exp(-row["t"]) - 1))
        assert off < tolerance, f"{name}, t = {row['t']:g}: {off:.3f} off"


def test_every_method_reaches_what_is_exact(device: str, tmp_path: Path) -> None:
    for name, settings in SEARCHES.items():
        off = 1 + history(APART.change(iterations=100, **settings), tmp_path, device)[-1]["sigma_z"]
        assert abs(off) < FIT, f"search, {name}: {off:.3f} off"
    for name in EVOLUTIONS:
        compare_decay(history(APART.change(method=name, **STEPS | LONGER), tmp_path, device), FIT, name)
    compare_decay(history(APART.change(**VELOCITIES), tmp_path, device), FIT, "tdvp")


def test_every_evolution_from_draws(device: str, tmp_path: Path) -> None:
    more = {"n_samples": 300, **STEPS, "t_end": 0.2, "step_iterations": 20}
    for name in EVOLUTIONS:
        for estimator in ("sampled", "naive") if name == "dynamics" else ("sampled",):
            listed = APART.change(method=name, estimator=estimator, **more)
            compare_decay(history(listed, tmp_path, device), NOISE, f"{name}, {estimator}")
    drawn = APART.change(**VELOCITIES, estimator="sampled", n_samples=300)
    compare_decay(history(drawn, tmp_path, device), NOISE, "tdvp, sampled")
    of_images = drawn.change(lattice_images=2, momentum=0.9)
    compare_decay(history(of_images, tmp_path, device), NOISE, "tdvp, images")


def test_weights_are_where_they_should_be(device: str, tmp_path: Path) -> None:
    """A checkpoint of any device is read on the CPU, and says of no device."""
    listed = COUPLED.change(iterations=20)
    folder = run_point(listed, RunSettings(tmp_path, device, tracking="disabled"))
    state = checkpoints.load(folder / CHECKPOINT, listed.point)["state_dict"]
    assert all(value.device == torch.device("cpu") and bool(value.isfinite().all()) for value in state.values())

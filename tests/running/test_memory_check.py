"""The estimate of a point's memory against measured peaks, and what is said when there is too little."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import experiments
from repro.cli.main import main
from repro.config.listed import Listed
from repro.config.point import Point, point_of
from repro.config.settings import change, from_leaves, leaves
from repro.methods.batch_size import GIB
from repro.running import memory_check
from repro.running.launch import KEEP_MEMORY
from repro.running.memory_check import OF_PROCESS, bytes_of, check_fits
from repro.solver.problem_point import ProblemPoint, ProblemSystem
from repro.utils.errors import InputError
from tests.helpers.command_line import RUN, lines_of
from tests.helpers.solving import pair

MEMORY = 4 * GIB
RING = point_of(lattice="ring", n_sites=9, strings="0s", iterations=3)
STEPS: dict[str, Any] = {"tau": 0.05, "t_end": 0.1, "step_iterations": 3}
SQUARE = change(RING, lattice="rectangle", rows=3, cols=3)
MEASURED = [
    RING,
    change(RING, n_sites=10),
    change(RING, n_sites=11),
    change(RING, n_sites=10, method="dynamics", **STEPS),
    change(RING, n_sites=10, method="projection", **STEPS),
    change(RING, n_sites=10, method="projection", **STEPS, strings="symmetries", hilbert_schmidt=1.0),
    change(RING, n_sites=11, method="collocation", **STEPS),
    change(RING, n_sites=10, method="collocation", **STEPS, n_samples=1_000_000),
    change(RING, layers=2),
    change(RING, n_sites=10, layers=2, width=64),
    change(RING, layers=3, width=64, heads=2),
    change(RING, layers=2, heads=8, width=64),
    change(RING, layers=2, norm="pre", feedforward=64),
    change(RING, layers=2, method="collocation", **STEPS),
    change(RING, n_sites=8, method="tdvp", tau=0.05, t_end=0.1, n_samples=3000),
    change(RING, n_sites=8, method="tdvp", tau=0.05, t_end=0.1, n_samples=2000, lattice_images=3, momentum=0.9),
    change(RING, n_sites=8, method="tdvp", tau=0.05, t_end=0.1, n_samples=8000, lattice_images=3, width=16),
    change(RING, n_sites=10, povm="tetrahedral-cubic", spin_symmetry="z"),
    change(SQUARE, strings="8s", layers=2),
    change(SQUARE, rows=2, cols=5, strings="8s"),
    change(SQUARE, strings="8s", estimator="naive", n_samples=6),
    change(SQUARE, strings="8s", estimator="sampled", n_samples=4000, method="projection", **STEPS),
    change(SQUARE, strings="8s", estimator="sampled", n_samples=4000, method="collocation", **STEPS),
]
PEAK = """
import json, resource, sys, torch
from pathlib import Path
from repro.config.listed import Listed
from repro.config.point import point_of
from repro.running.folders import RunSettings
from repro.running.runner import run_point
run_point(Listed(point_of(**json.loads(sys.argv[1]))), RunSettings(Path(sys.argv[2]), tracking="disabled"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss in KiB")
@pytest.mark.parametrize("point", MEASURED, ids=lambda p: f"{p.label}-{p.ansatz}")
def test_the_estimate_is_within_a_factor_of_two_above_the_measured_peak(point: Point, tmp_path: Path) -> None:
    environment = os.environ | KEEP_MEMORY | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PEAK, json.dumps(leaves(point)), str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    peak, estimate = int(done.stdout), bytes_of(point, MEMORY) + OF_PROCESS
    print(f"peak {peak / GIB:.3f} GiB, estimate / peak {estimate / peak:.2f}")
    assert peak <= estimate <= 2 * peak


def test_every_size_counts() -> None:
    base = bytes_of(RING, MEMORY)
    assert bytes_of(change(RING, n_sites=10), MEMORY) > 2 * base
    deep = bytes_of(change(RING, layers=2), MEMORY)
    assert deep > 2 * base
    for changes in ({"layers": 3}, {"width": 64}, {"heads": 4}, {"feedforward": 64}, {"norm": "post"}):
        assert bytes_of(change(RING, **{"layers": 2, **changes}), MEMORY) > 1.1 * deep, changes  # type: ignore[arg-type]
    for changes in (
        {"method": "dynamics"},
        {"method": "collocation"},
        {"strings": "translations"},
        {"n_samples": 10**6},
    ):
        assert bytes_of(change(RING, **changes), MEMORY) > 1.1 * base, changes  # type: ignore[arg-type]


def test_a_sampled_point_is_bounded_by_its_own_option() -> None:
    large = change(RING, n_sites=40, estimator="sampled", n_samples=1000)
    assert bytes_of(large, GIB) - bytes_of(large, GIB // 2) == GIB // 2


@pytest.mark.parametrize("profile", ["smoke", "quick"])
def test_no_shipped_point_is_refused_on_24_gib(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_check, "free_memory", lambda device: 20 * GIB)  # the system has its share
    points = [p.point for name in experiments.names() for p in experiments.load(name).points(profile)]
    started = time.process_time()
    check_fits(points, 2, MEMORY, "cpu")
    assert time.process_time() - started < 2.0  # of this process alone, however busy the machine is


def refusal(points: list[Point], jobs: int, free: float, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(memory_check, "free_memory", lambda device: int(free * GIB))
    with pytest.raises(InputError) as error:
        check_fits(points, jobs, MEMORY, "cpu")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_fewer_jobs_are_named_where_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [change(RING, n_sites=10, layers=2, seed=seed) for seed in range(8)]
    each = (bytes_of(points[0], MEMORY) + OF_PROCESS) / GIB
    said = refusal(points, 8, 3.5 * each / memory_check.FREE_SHARE, monkeypatch)
    assert "8 points at a time need" in said and said.endswith("what would fit: --jobs 3")
    check_fits(points, 3, MEMORY, "cpu")


def test_a_smaller_lattice_and_the_sampled_estimator_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    large = change(RING, n_sites=12, layers=2, width=64)
    said = refusal([large], 1, 9.0, monkeypatch)
    assert said.startswith(f"memory: {large.label} needs ")
    assert said.endswith("at most 11 sites with this network, or --estimator sampled --n-samples 1000")
    check_fits([change(large, n_sites=11)], 1, MEMORY, "cpu")
    check_fits([change(large, estimator="sampled", n_samples=1000)], 1, MEMORY, "cpu")


def test_the_command_refuses_before_it_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(memory_check, "free_memory", lambda device: GIB // 4)
    assert main(RUN) == 2
    [said] = lines_of(capsys.readouterr().err)
    assert said.startswith("repro: memory: ") and "are free; what would fit: " in said
    assert list(tmp_path.iterdir()) == []


IMAGES = change(SQUARE, method="tdvp", tau=0.05, t_end=0.1, n_samples=2000, lattice_images=8)
AWKWARD = {
    "images": IMAGES,
    "distance": change(SQUARE, method="dynamics", **STEPS, relative_entropy=True),
    "start": change(SQUARE, method="projection", **STEPS, initial="down"),
    "problem": from_leaves(ProblemPoint, leaves(ProblemPoint(ProblemSystem(pair().text)))),
}
"""Points whose smaller or sampled kin are no points: they ask for images, exact sums or settings that are not there."""


@pytest.mark.parametrize("kind", AWKWARD)
def test_what_would_fit_is_never_what_is_said_instead(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal([AWKWARD[kind]], 1, 0.01, monkeypatch)
    assert said.startswith("memory: ") and "are free; what would fit: " in said
    ran_out = memory_check.ran_out(Listed(AWKWARD[kind]), MEMORY, "cpu")
    assert "the memory of cpu ran out" in str(ran_out) and "\n" not in str(ran_out)

"""A point goes on on another device; devices and memory that are not there are refused in one line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, cast
from unittest import mock

import torch

from repro.config.listed import Listed
from repro.config.point import point_of
from repro.running import stopping
from repro.running.folders import RunSettings, finished
from repro.running.memory_check import check_fits
from repro.running.runner import run_point
from repro.utils.errors import InputError
from tests.gpu.test_methods import COUPLED, STEPS, compare, history

GIB = 2**30


class StopAfter:
    """In place of a worker's event: set after so many time steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def is_set(self) -> bool:
        """Asked once before the fit, then after every time step."""
        self.left -= 1
        return self.left < 0


def stop_after(steps: int, listed: Listed, runs: Path, device: str) -> None:
    """Compute so many time steps of a point, and be stopped."""
    stopping.watch(cast(Any, StopAfter(steps)))
    try:
        run_point(listed, RunSettings(runs, device, tracking="disabled"))
    except stopping.Stopped:
        assert not finished(runs, listed)
    else:
        raise AssertionError("was not stopped")
    finally:
        stopping.watch(None)


def refusal(action: Any, *arguments: Any) -> str:
    """The one line that an action is refused with."""
    try:
        action(*arguments)
    except (InputError, MemoryError) as error:
        assert "\n" not in str(error)
        return str(error)
    raise AssertionError("was not refused")


def test_a_point_goes_on_on_the_other_device_and_back(device: str, tmp_path: Path) -> None:
    """CPU, device, CPU, device: the rows are those of the CPU alone, and the clock goes on.

    By collocation, which rounding disturbs least: by less than 0.005 in so many iterations.
    """
    listed = COUPLED.change(method="collocation", **STEPS | {"t_end": 0.6, "step_iterations": 6})
    for steps, place in ((2, "cpu"), (2, device), (1, "cpu")):
        stop_after(steps, listed, tmp_path / "both", place)
    found = history(listed, tmp_path / "both", device)
    compare(found, history(listed, tmp_path / "here", "cpu"), "cpu, device, cpu, device")
    seconds = [row["seconds"] for row in found]
    assert seconds == sorted(seconds) and len(found) == 7


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    count = torch.cuda.device_count()
    for name in (f"cuda:{max(7, count)}", "cuda:99"):
        said = refusal(run_point, COUPLED, RunSettings(tmp_path, name, tracking="disabled"))
        assert said == f"device '{name}': this machine has {count} CUDA devices"
    assert not list(tmp_path.iterdir())


def test_a_point_that_does_not_fit_is_refused_with_what_would(device: str) -> None:
    point = point_of(lattice="ring", n_sites=12, layers=8, width=2048, heads=8, feedforward=2048)
    said = refusal(check_fits, [point], 1, 4 * GIB, device)
    assert said.startswith(f"memory: {point.label} needs ") and "what would fit: at most " in said


def test_memory_that_runs_out_is_one_line_with_what_would_fit(device: str, tmp_path: Path) -> None:
    """A GPU that gives this process a sliver of its memory; a CPU's allocator is made to refuse."""
    listed = COUPLED.change(lattice="ring", n_sites=10, layers=2, width=64)
    if device == "cpu":
        said = refusal(_without_memory, listed, tmp_path)
    else:
        try:
            torch.cuda.empty_cache()
            torch.cuda.set_per_process_memory_fraction(0.002)
            said = refusal(run_point, listed, RunSettings(tmp_path, device, tracking="disabled"))
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)
    assert said.startswith(f"{listed.label}: the memory of {device} ran out") and "what would fit: " in said
    small = history(COUPLED.change(iterations=20), tmp_path, device)
    assert all(math.isfinite(row["sigma_z"]) for row in small), "what follows goes on"


def _without_memory(listed: Listed, runs: Path) -> None:
    from repro.running import runner

    with mock.patch.object(runner, "fit", _out_of_memory):
        run_point(listed, RunSettings(runs, tracking="disabled"))


def _out_of_memory(*_: Any) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.00 GiB.\nGPU 0 has a total capacity of ...")
